//! What every decided auction has in common: awards with their orders, and the final state of auction and listing.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use sqlx::PgConnection;
use uuid::Uuid;

use super::AuctionError;
use super::lock::Locked;
use super::view::{self, view_query};
use crate::auctions::model::{AuctionStatus, Award, LotMode, Participant};
use crate::ids::{AuctionId, BidId, CategoryId, ItemId, SiteId};
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

impl Goods {
    /// Whether they lie at a site, where they are kept for the auction.
    pub(super) fn are_stocked(&self) -> bool {
        self.site.is_some()
    }
}

/// Reads the lot. Only once the auction is locked: what leads before may not lead then.
pub(super) async fn goods(conn: &mut PgConnection, locked: &Locked) -> Result<Goods, AuctionError> {
    Ok(goods_of(conn, &[locked]).await?.pop().ok_or(sqlx::Error::RowNotFound)?)
}

/// [`goods`] of several auctions, in their order.
pub(super) async fn goods_of(conn: &mut PgConnection, lots: &[&Locked]) -> Result<Vec<Goods>, sqlx::Error> {
    let listings: Vec<Uuid> = lots.iter().map(|locked| locked.listing.0).collect();
    let leaders: Vec<Option<Uuid>> = lots.iter().map(|locked| locked.leader_bid.map(|bid| bid.0)).collect();
    let rows = sqlx::query!(
        r#"SELECT l.title, l.seller_org_id AS "seller_org_id: OrgId", l.created_by AS "created_by: UserId",
                  l.item_id AS "item_id: ItemId", l.site_id AS "site: SiteId", i.unit,
                  i.category_id AS "category: CategoryId",
                  (SELECT placed_by FROM bids WHERE id = lot.leader) AS "leader?: UserId"
           FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS lot (listing, leader, place)
           JOIN listings AS l ON l.id = lot.listing
           JOIN items AS i ON i.id = l.item_id
           WHERE l.id = ANY ($1)
           ORDER BY lot.place"#,
        &listings,
        &leaders as &[Option<Uuid>],
    )
    .fetch_all(conn)
    .await?;
    if rows.len() < lots.len() {
        return Err(sqlx::Error::RowNotFound);
    }
    let goods = rows.into_iter().map(|row| Goods {
        title: row.title,
        seller: Participant { org: row.seller_org_id, user: row.created_by },
        leader: row.leader,
        item: row.item_id,
        category: row.category,
        unit: row.unit,
        site: row.site,
    });
    Ok(goods.collect())
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

/// A lot and who gets it, or parts of it; nobody, if there are no shares.
pub(super) struct Sale<'a> {
    pub(super) locked: &'a Locked,
    pub(super) goods: &'a Goods,
    pub(super) shares: &'a [Share],
}

/// The awards of a sale, and the order of each.
pub(super) type Awarded = (Vec<Award>, Vec<MadeOrder>);

/// Stores the awards of a sale, and for each the order that follows from it, with fee and premium as they are now. What the lot holds of a
/// limit is settled before this.
pub(super) async fn awards(
    conn: &mut PgConnection,
    locked: &Locked,
    goods: &Goods,
    shares: &[Share],
) -> Result<Awarded, AuctionError> {
    Ok(awards_of(conn, &[Sale { locked, goods, shares }]).await?.pop().unwrap_or_default())
}

/// [`awards`] of several sales, in their order and in as many statements as for one.
pub(super) async fn awards_of(conn: &mut PgConnection, sales: &[Sale<'_>]) -> Result<Vec<Awarded>, AuctionError> {
    let sold: Vec<_> = sales.iter().filter(|sale| !sale.shares.is_empty()).collect();
    let Some(first) = sold.first() else { return Ok(sales.iter().map(|_| Awarded::default()).collect()) };
    // What the table refuses, it refuses to all of them; each is then closed by itself.
    let currency = first.locked.currency;
    let terms = sold.iter().map(|sale| (sale.goods.seller.org, sale.goods.category, sale.locked.currency));
    let tariffs = tariffs::of_sales(conn, &terms.collect::<Vec<_>>()).await?;
    let (mut rows, mut orders) = (Awards::default(), Vec::new());
    for (sale, tariffs) in sold.iter().zip(&tariffs) {
        for share in sale.shares {
            let id = AwardId::generate();
            rows.push(id, sale.locked, share);
            orders.push(sale.order(id, tariffs, share));
        }
    }
    rows.insert(conn).await.map_err(|error| AuctionError::of_write(error, currency))?;
    let mut made = rows.ids.into_iter().map(AwardId).zip(orders::create_all(conn, orders).await?);
    let awarded = sales.iter().map(|sale| {
        let made = sale.shares.iter().zip(&mut made).map(|(share, (id, order))| {
            let award =
                Award { id, order: order.id, winner: share.winner, quantity: share.quantity, amount: share.amount };
            (award, order)
        });
        made.unzip()
    });
    Ok(awarded.collect())
}

impl Sale<'_> {
    /// The order that follows from the award of a share.
    fn order(&self, award: AwardId, tariffs: &Tariffs, share: &Share) -> NewOrder {
        NewOrder {
            source: match share.source {
                AwardSource::BuyNow => OrderSource::BuyNow,
                AwardSource::Bid | AwardSource::SecondChance | AwardSource::Approval => OrderSource::Auction,
            },
            award: Some(award),
            offer: None,
            buyer: share.winner.org,
            seller: self.goods.seller.org,
            placed_by: share.winner.user,
            created_at: self.locked.now,
            premium: tariffs.premium.clone(),
            lines: vec![OrderLine {
                listing_id: Some(self.locked.listing),
                item_id: self.goods.item,
                title: self.goods.title.clone(),
                quantity: share.quantity,
                unit: self.goods.unit.clone(),
                unit_price: share.unit_price,
                amount: share.amount,
                fee_bps: tariffs.fee.get(),
                days: Vec::new(),
            }],
        }
    }
}

/// Awards as the statement takes them.
#[derive(Default)]
struct Awards {
    ids: Vec<Uuid>,
    auctions: Vec<Uuid>,
    sellers: Vec<Uuid>,
    currencies: Vec<&'static str>,
    lot_modes: Vec<LotMode>,
    orgs: Vec<Uuid>,
    people: Vec<Uuid>,
    sources: Vec<AwardSource>,
    bids: Vec<Option<Uuid>>,
    quantities: Vec<i64>,
    amounts: Vec<i64>,
    at: Vec<DateTime<Utc>>,
}

impl Awards {
    fn push(&mut self, id: AwardId, locked: &Locked, share: &Share) {
        self.ids.push(id.0);
        self.auctions.push(locked.id.0);
        self.sellers.push(locked.state.terms.seller.0);
        self.currencies.push(locked.currency.code());
        self.lot_modes.push(locked.lot_mode);
        self.orgs.push(share.winner.org.0);
        self.people.push(share.winner.user.0);
        self.sources.push(share.source);
        self.bids.push(share.bid.map(|bid| bid.0));
        self.quantities.push(share.quantity);
        self.amounts.push(share.amount.minor());
        self.at.push(locked.now);
    }

    async fn insert(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "INSERT INTO awards
                 (id, auction_id, seller_org_id, currency, lot_mode, org_id, awarded_to, source, bid_id, quantity, amount_minor,
                  awarded_at)
             SELECT id, auction, seller, currency, lot_mode, org, person, source, bid, quantity, amount, at
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
                         $9::uuid[], $10::bigint[], $11::bigint[], $12::timestamptz[]) WITH ORDINALITY
                 AS award (id, auction, seller, currency, lot_mode, org, person, source, bid, quantity, amount, at, place)
             ORDER BY place",
            &self.ids,
            &self.auctions,
            &self.sellers,
            &self.currencies as &[&str],
            &self.lot_modes as &[LotMode],
            &self.orgs,
            &self.people,
            &self.sources as &[AwardSource],
            &self.bids as &[Option<Uuid>],
            &self.quantities,
            &self.amounts,
            &self.at,
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}

/// Passes what the auction has kept in stock on to the orders of its awards; what nobody got is available again.
pub(super) async fn pass_on(
    conn: &mut PgConnection,
    locked: &Locked,
    goods: &Goods,
    awards: &[Award],
) -> Result<(), AuctionError> {
    // The auction of a listing that sells its own quantity has kept nothing.
    if !goods.are_stocked() {
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

/// What becomes of an auction that ends, and of its listing.
pub(super) struct End<'a> {
    pub(super) locked: &'a Locked,
    pub(super) auction: AuctionStatus,
    pub(super) listing: ListingStatus,
}

/// Ends the auction and its listing; returns the auction as it then is.
pub(super) async fn end(
    conn: &mut PgConnection,
    locked: &Locked,
    auction: AuctionStatus,
    listing: ListingStatus,
) -> Result<view::Row, sqlx::Error> {
    let ended = end_all(conn, &[End { locked, auction, listing }]).await?.pop();
    ended.ok_or(sqlx::Error::RowNotFound)
}

/// [`end`] for several auctions, in their order.
///
/// The listing is changed first: code creating an auction has locked the listing and then meets the
/// open auction in its unique index. As long as that row is unchanged, it is refused at once; it
/// would wait for a changed row, while we wait for the listing. In one statement that order holds because the auction's row is
/// joined to the listing's as it was written: it may change before the next listing is locked, but never before its own is. Listings are
/// locked in the order of their ids, as by everybody who locks several.
pub(super) async fn end_all(conn: &mut PgConnection, ends: &[End<'_>]) -> Result<Vec<view::Row>, sqlx::Error> {
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    let auctions: Vec<Uuid> = ends.iter().map(|end| end.locked.id.0).collect();
    let statuses: Vec<AuctionStatus> = ends.iter().map(|end| end.auction).collect();
    let times: Vec<DateTime<Utc>> = ends.iter().map(|end| end.locked.now).collect();
    let listings: Vec<Uuid> = ends.iter().map(|end| end.locked.listing.0).collect();
    let listing_statuses: Vec<ListingStatus> = ends.iter().map(|end| end.listing).collect();
    // The ids are named beside the joins, and no status that an index has is asked for: a plan that is kept from when there were few
    // rows must not come to read all that are published, or open.
    let rows = view_query!(
        "WITH ended AS (
             SELECT *
             FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[])
                 AS e (auction, status, at, listing, listing_status)
         ), locked AS MATERIALIZED (
             SELECT id, status
             FROM listings
             WHERE id = ANY ($4)
             ORDER BY id
             FOR NO KEY UPDATE
         ), listing AS (
             UPDATE listings AS l
             SET status = ended.listing_status,
                 updated_at = ended.at
             FROM locked
             JOIN ended ON ended.listing = locked.id
             WHERE l.id = locked.id
               AND l.id = ANY ($4)
               AND locked.status IN ('published', 'suspended')
             RETURNING l.id
         )
         UPDATE auctions AS a
         SET status = ended.status,
             closed_at = ended.at,
             version = version + 1
         FROM listing
         JOIN ended ON ended.listing = listing.id
         WHERE a.id = ended.auction
           AND a.id = ANY ($1)
           AND a.listing_id = listing.id
           AND a.closed_at IS NULL
         RETURNING",
        "",
        &auctions,
        &statuses as &[AuctionStatus],
        &times,
        &listings,
        &listing_statuses as &[ListingStatus],
    )
    .fetch_all(conn)
    .await?;
    let mut rows: HashMap<AuctionId, view::Row> = rows.into_iter().map(|row| (row.id, row)).collect();
    ends.iter().map(|end| rows.remove(&end.locked.id).ok_or(sqlx::Error::RowNotFound)).collect()
}
