//! What people are told by mail when somebody bids or buys, posted in the transaction of the bid or the purchase.

use jobs::JobTx;
use jobs::emails::post;
use shared::auctions::model::{Award, Closed, PlacedBid};
use shared::emails::model::{Content, NewEmail, Outbid, Recipient, Sold, Won};
use shared::identity::{MemberRole, store as identity};
use shared::ids::OrgId;
use shared::orders::store as orders;
use sqlx::PgConnection;

use crate::error::{Problem, Result};
use crate::routes::listings::found as found_listing;

/// Tells those who trade for an organisation that has lost its lead, or its share, to a bid of `bidder`.
///
/// The auction's lock is held meanwhile: two statements, and two more for each person.
pub(super) async fn notify_outbid(tx: &mut JobTx, placed: &PlacedBid, bidder: OrgId) -> Result<()> {
    // An organisation that displaces its own bid on a divisible lot knows.
    let mut orgs: Vec<_> = placed.outbid.iter().map(|outbid| outbid.org).filter(|org| *org != bidder).collect();
    orgs.sort_unstable();
    orgs.dedup();
    if orgs.is_empty() {
        return Ok(());
    }
    let content = Content::Outbid(Outbid {
        auction: placed.auction,
        title: found_listing(tx, placed.listing).await?.title,
        price: placed.price,
        next_minimum: placed.next_minimum,
        ends_at: placed.ends_at,
    });
    for org in orgs {
        for member in identity::members(tx, org).await? {
            if member.role.includes(MemberRole::Trader) {
                let recipient = Recipient::User(member.user);
                let mail = NewEmail { recipient, reference: placed.bid.to_string(), content: content.clone() };
                post(tx, &mail).await?;
            }
        }
    }
    Ok(())
}

/// Tells buyer and seller of a purchase, as the close tells them of an award.
pub(super) async fn notify_bought(tx: &mut JobTx, closed: &Closed, award: &Award) -> Result<()> {
    let order = orders::order(tx, closed.seller.org, award.order).await?;
    let order = order.ok_or_else(|| Problem::internal(anyhow::anyhow!("the order of a purchase is not there")))?;
    let won = Content::Won(Won {
        auction: closed.auction,
        order: award.order,
        title: closed.title.clone(),
        seller: org_name(tx, closed.seller.org).await?,
        total: order.total,
        pay_by: order.pay_by,
    });
    let sold = Content::Sold(Sold {
        auction: closed.auction,
        order: award.order,
        title: closed.title.clone(),
        buyer: org_name(tx, award.winner.org).await?,
        total: order.total,
        fee: order.fee,
        net: order.net,
    });
    for (user, content) in [(award.winner.user, won), (closed.seller.user, sold)] {
        let mail = NewEmail { recipient: Recipient::User(user), reference: award.order.to_string(), content };
        post(tx, &mail).await?;
    }
    Ok(())
}

async fn org_name(conn: &mut PgConnection, org: OrgId) -> Result<String> {
    let found = identity::org(conn, org).await?;
    Ok(found.ok_or_else(|| Problem::internal(anyhow::anyhow!("a party's organisation is not there")))?.legal_name)
}
