//! Mail about auctions, posted in the transaction that makes it true: a bid, a purchase, the end.
//!
//! It goes to those who trade for an organisation now. The person who bid or listed may have left it since.

use market::auctions::model::{Award, Closed, PlacedBid};
use market::auctions::store as auctions;
use market::emails::model::{Content, Outbid, Sold, Unsold, Won};
use market::identity::store as identity;
use market::ids::ListingId;
use market::listings::store as listings;
use market::orders::store as orders;
use queue::JobTx;
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use crate::emails::{MailError, post_to};

/// How many people of one organisation get the same news at most: the longest-standing ones.
const MOST_PER_ORG: i64 = 20;

/// Tells those who trade for an organisation that has lost its lead, or its share, to a bid of `bidder`.
///
/// The auction's lock is held meanwhile: four statements, however many they are.
pub async fn outbid(tx: &mut JobTx, placed: &PlacedBid, bidder: OrgId) -> Result<(), MailError> {
    // An organisation that displaces its own bid on a divisible lot knows.
    let orgs: Vec<_> = placed.outbid.iter().map(|outbid| outbid.org).filter(|org| *org != bidder).collect();
    if orgs.is_empty() {
        return Ok(());
    }
    let content = Content::Outbid(Outbid {
        auction: placed.auction,
        title: title(tx, placed.listing).await?,
        price: placed.price,
        next_minimum: placed.next_minimum,
        ends_at: placed.ends_at,
    });
    let people = identity::traders(tx, &orgs, MOST_PER_ORG).await?;
    Ok(post_to(tx, &people, &placed.bid.to_string(), &content).await?)
}

/// Tells buyer and seller of an award, whether by bid or by purchase: one mail per person and order.
pub async fn award(tx: &mut JobTx, closed: &Closed, award: &Award) -> Result<(), MailError> {
    let order = orders::order(tx, closed.seller.org, award.order).await?;
    let order = order.ok_or(MailError::Missing("the order of an award"))?;
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
    for (org, content) in [(award.winner.org, won), (closed.seller.org, sold)] {
        let people = traders(tx, org).await?;
        post_to(tx, &people, &award.order.to_string(), &content).await?;
    }
    Ok(())
}

/// Tells the seller that nobody bid, or that the reserve was not met.
pub async fn unsold(tx: &mut JobTx, closed: &Closed) -> Result<(), MailError> {
    let view = auctions::view(tx, closed.auction, None).await?;
    let view = view.ok_or(MailError::Missing("an auction that was closed"))?;
    let content = Content::Unsold(Unsold {
        auction: closed.auction,
        title: closed.title.clone(),
        highest: (view.bid_count > 0).then_some(view.price),
    });
    let people = traders(tx, closed.seller.org).await?;
    Ok(post_to(tx, &people, &closed.auction.to_string(), &content).await?)
}

/// Who gets mail that concerns an organisation.
pub async fn traders(conn: &mut PgConnection, org: OrgId) -> Result<Vec<UserId>, sqlx::Error> {
    identity::traders(conn, &[org], MOST_PER_ORG).await
}

/// What the listing is called.
pub async fn title(conn: &mut PgConnection, listing: ListingId) -> Result<String, MailError> {
    let listing = listings::listing(conn, listing).await?;
    Ok(listing.ok_or(MailError::Missing("an auction's listing"))?.title)
}

async fn org_name(conn: &mut PgConnection, org: OrgId) -> Result<String, MailError> {
    let org = identity::org(conn, org).await?;
    Ok(org.ok_or(MailError::Missing("a party's organisation"))?.legal_name)
}
