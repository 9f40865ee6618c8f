//! What every decided auction has in common: awards with their orders, and the final state of auction and listing.

use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::lock::Locked;
use super::view::{self, view_query};
use super::{AuctionError, limits};
use crate::auctions::model::{AuctionStatus, Award, LotMode, Participant};
use crate::ids::{BidId, CategoryId, ItemId, SiteId};
use crate::listings::model::ListingStatus;
use crate::money::model::Tariffs;
use crate::money::store::tariffs;
use crate::orders::model::{AwardId, MadeOrder, NewOrder, OrderLine, OrderSource};
use crate::orders::store as orders;
use crate::stock::store::{self as stock, Kept, Part};

/// What orders and mails need to know about the lot.
pub(super) struct Goods {
    pub(super) title: String,
    pub(super) seller: Participant,
    /// Who placed the bid that leads.
    pub(super) leader: Option<UserId>,
    item: ItemId,
    category: CategoryId,
    unit: String,
    /// Absent: the listing sells its own quantity.
    site: Option<SiteId>,
}

/// Reads the lot. Only once the auction is locked: what leads before may not lead then.
pub(super) async fn goods(conn: &mut PgConnection, locked: &Locked) -> Result<Goods, AuctionError> {
    let row = sqlx::query!(
        r#"SELECT l.title, l.seller_org_id AS "seller_org_id: OrgId", l.created_by AS "created_by: UserId",
                  l.item_id AS "item_id: ItemId", l.site_id AS "site: SiteId", i.unit,
                  i.category_id AS "category: CategoryId",
                  (SELECT placed_by FROM bids WHERE id = $2) AS "leader?: UserId"
           FROM listings AS l
           JOIN items AS i ON i.id = l.item_id
           WHERE l.id = $1"#,
        locked.listing.0,
        locked.leader_bid.map(|bid| bid.0),
    )
    .fetch_one(conn)
    .await?;
    Ok(Goods {
        title: row.title,
        seller: Participant { org: row.seller_org_id, user: row.created_by },
        leader: row.leader,
        item: row.item_id,
        category: row.category,
        unit: row.unit,
        site: row.site,
    })
}

/// How a lot came to its buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum AwardSource {
    Bid,
    BuyNow,
    /// The bids before it were not paid.
    SecondChance,
    /// The bid was below the reserve, and both sides agreed.
    Approval,
}

/// Who gets what, for how much.
pub(super) struct Share {
    pub(super) winner: Participant,
    /// The bid that won; absent for a purchase.
    pub(super) bid: Option<BidId>,
    pub(super) source: AwardSource,
    pub(super) quantity: i64,
    pub(super) unit_price: Option<Money>,
    pub(super) amount: Money,
}

/// Stores awards, and for each the order that follows from it, with fee and premium as they are now.
pub(super) async fn awards(
    conn: &mut PgConnection,
    locked: &Locked,
    goods: &Goods,
    shares: &[Share],
) -> Result<(Vec<Award>, Vec<MadeOrder>), AuctionError> {
    let (mut awards, mut orders) = (Vec::with_capacity(shares.len()), Vec::with_capacity(shares.len()));
    if shares.is_empty() {
        return Ok((awards, orders));
    }
    let tariffs = tariffs::of_sale(conn, goods.seller.org, goods.category, locked.currency).await?;
    for share in shares {
        let (award, order) = award(conn, locked, goods, &tariffs, share).await?;
        awards.push(award);
        orders.push(order);
    }
    Ok((awards, orders))
}

async fn award(
    conn: &mut PgConnection,
    locked: &Locked,
    goods: &Goods,
    tariffs: &Tariffs,
    share: &Share,
) -> Result<(Award, MadeOrder), AuctionError> {
    limits::keep(conn, locked, share.winner.org, share.amount).await?;
    let id = AwardId::generate();
    let order_source = match share.source {
        AwardSource::BuyNow => OrderSource::BuyNow,
        AwardSource::Bid | AwardSource::SecondChance | AwardSource::Approval => OrderSource::Auction,
    };
    sqlx::query!(
        "INSERT INTO awards
             (id, auction_id, seller_org_id, currency, lot_mode, org_id, awarded_to, source, bid_id, quantity, amount_minor,
              awarded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id.0,
        locked.id.0,
        locked.state.terms.seller.0,
        locked.currency as Currency,
        locked.lot_mode as LotMode,
        share.winner.org.0,
        share.winner.user.0,
        share.source as AwardSource,
        share.bid.map(|bid| bid.0),
        share.quantity,
        share.amount.minor(),
        locked.now,
    )
    .execute(&mut *conn)
    .await
    .map_err(|error| AuctionError::of_write(error, locked.currency))?;
    let order = NewOrder {
        source: order_source,
        award: Some(id),
        offer: None,
        buyer: share.winner.org,
        seller: goods.seller.org,
        placed_by: share.winner.user,
        created_at: locked.now,
        premium: tariffs.premium.clone(),
        lines: vec![OrderLine {
            listing_id: locked.listing,
            item_id: goods.item,
            title: goods.title.clone(),
            quantity: share.quantity,
            unit: goods.unit.clone(),
            unit_price: share.unit_price,
            amount: share.amount,
            fee_bps: tariffs.fee.get(),
        }],
    };
    let order = orders::create(conn, &order).await?;
    let award = Award { id, order: order.id, winner: share.winner, quantity: share.quantity, amount: share.amount };
    Ok((award, order))
}

/// Passes what the auction has kept in stock on to the orders of its awards; what nobody got is available again.
pub(super) async fn pass_on(
    conn: &mut PgConnection,
    locked: &Locked,
    goods: &Goods,
    awards: &[Award],
) -> Result<(), AuctionError> {
    // The auction of a listing that sells its own quantity has kept nothing.
    if goods.site.is_none() {
        return Ok(());
    }
    if awards.is_empty() {
        stock::free(conn, Kept::OfAuction(locked.id)).await?;
        return Ok(());
    }
    // The order of an award has one line.
    let parts: Vec<_> =
        awards.iter().map(|award| Part { order: award.order, line_no: 1, quantity: award.quantity }).collect();
    stock::hand_over(conn, locked.id, &parts).await?;
    Ok(())
}

/// Ends the auction and its listing; returns the auction as it then is.
///
/// The listing is changed first: code creating an auction has locked the listing and then meets the
/// open auction in its unique index. As long as that row is unchanged, it is refused at once; it
/// would wait for a changed row, while we wait for the listing. In one statement that order holds because the auction's row is
/// joined to the listing's as it was written.
pub(super) async fn end(
    conn: &mut PgConnection,
    locked: &Locked,
    auction: AuctionStatus,
    listing: ListingStatus,
) -> Result<view::Row, sqlx::Error> {
    if matches!(auction, AuctionStatus::Unsold | AuctionStatus::Cancelled) {
        limits::free(conn, locked).await?;
    }
    view_query!(
        "WITH listing AS (
             UPDATE listings
             SET status = $5,
                 updated_at = $3
             WHERE id = $4
               AND status IN ('published', 'suspended')
             RETURNING id
         )
         UPDATE auctions AS a
         SET status = $2,
             closed_at = $3,
             version = version + 1
         FROM listing
         WHERE a.id = $1
           AND a.listing_id = listing.id
           AND a.status IN ('scheduled', 'live')
         RETURNING",
        "",
        locked.id.0,
        auction as AuctionStatus,
        locked.now,
        locked.listing.0,
        listing as ListingStatus,
    )
    .fetch_one(conn)
    .await
}
