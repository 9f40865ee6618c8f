//! What people are told when an auction ends, posted in the transaction that ends it.

use anyhow::Context;
use jobs::JobTx;
use jobs::emails::post;
use shared::auctions::model::{Award, Closed};
use shared::auctions::store;
use shared::emails::model::{Content, NewEmail, Recipient, Sold, Unsold, Won};
use shared::ids::{ListingId, OrgId};
use sqlx::PgConnection;

/// To the winner and to the seller, one mail each per order.
pub(super) async fn awarded(tx: &mut JobTx, closed: &Closed, award: &Award) -> anyhow::Result<()> {
    let order = shared::orders::store::order(tx, closed.seller.org, award.order)
        .await?
        .with_context(|| format!("order {} of the award", award.order))?;
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

/// To the seller: nobody bid, or the reserve was not met.
pub(super) async fn unsold(tx: &mut JobTx, closed: &Closed) -> anyhow::Result<()> {
    let view = store::view(tx, closed.auction, None).await?.context("the auction that was closed")?;
    let content = Content::Unsold(Unsold {
        auction: closed.auction,
        title: closed.title.clone(),
        highest: (view.bid_count > 0).then_some(view.price),
    });
    let reference = closed.auction.to_string();
    post(tx, &NewEmail { recipient: Recipient::User(closed.seller.user), reference, content }).await?;
    Ok(())
}

/// What the listing is called.
pub(super) async fn title(conn: &mut PgConnection, listing: ListingId) -> anyhow::Result<String> {
    let listing = shared::listings::store::listing(conn, listing).await?;
    Ok(listing.context("the auction's listing")?.title)
}

async fn org_name(conn: &mut PgConnection, org: OrgId) -> anyhow::Result<String> {
    let org = shared::identity::store::org(conn, org).await?;
    Ok(org.context("the party's organisation")?.legal_name)
}
