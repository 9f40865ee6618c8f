//! Units that are kept for somebody, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::StockError;
use super::levels::{Change, Locked, Place};
use crate::ids::{AuctionId, CheckoutId, ItemId, ListingId, OrderId, ReservationId, SiteId};
use crate::stock::model::{Holder, Level, Moved, MovementKind, Want};
use crate::stock::rules::reserve::grant;

/// Whose reservations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    OfAuction(AuctionId),
    OfOrder(OrderId),
    /// Those of all its orders.
    OfCheckout(CheckoutId),
}

/// A line of an order that gets a part of what an auction has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub order: OrderId,
    pub line_no: i16,
    pub quantity: i64,
}

/// A listing, as far as its units are concerned.
struct Source {
    item: ItemId,
    /// Absent: it sells its own quantity.
    site: Option<SiteId>,
    /// Of its own quantity.
    available: i64,
}

/// A reservation that is held.
struct Held {
    id: ReservationId,
    /// Absent: of a trade's, from its site.
    listing: Option<ListingId>,
    item: ItemId,
    site: Option<SiteId>,
    quantity: i64,
}

impl Held {
    fn place(&self) -> Option<Place> {
        Some((self.item, self.site?))
    }
}

/// Keeps units of these listings, all of them or none: after an error the transaction must be rolled back. The caller has
/// checked that the listings are on offer, or checks it afterwards: they are locked.
pub async fn reserve(conn: &mut PgConnection, wants: &[Want]) -> Result<Vec<ReservationId>, StockError> {
    let mut sources = lock_listings(conn, wants.iter().map(|want| want.listing).collect()).await?;
    let places = sources.values().filter_map(|source| Some((source.item, source.site?))).collect();
    let locked = Locked::lock(conn, places).await?;
    let mut left: BTreeMap<Place, i64> = BTreeMap::new();
    let mut changes = Vec::with_capacity(wants.len());
    let mut made = Vec::with_capacity(wants.len());
    for want in wants {
        let source = sources.get_mut(&want.listing).ok_or(StockError::NotFound)?;
        let id = ReservationId::generate();
        let available = match source.site {
            Some(site) => {
                let place = (source.item, site);
                left.entry(place).or_insert_with(|| locked.get(place).map_or(0, Level::available))
            }
            None => &mut source.available,
        };
        grant(*available, want.quantity).map_err(|available| StockError::OutOfStock {
            listing: Some(want.listing),
            item: source.item,
            site: source.site,
            available,
        })?;
        *available -= want.quantity;
        insert(conn, id, Some(want.listing), (source.item, source.site), want.quantity, want.holder).await?;
        match source.site {
            Some(site) => {
                let change =
                    Change { reserved: want.quantity, reference: Some(id.0), ..Change::of(MovementKind::Reserve) };
                changes.push(((source.item, site), change));
            }
            None => change_listing(conn, want.listing, want.quantity, 0).await?,
        }
        made.push(id);
    }
    locked.write(conn, &changes).await?;
    Ok(made)
}

/// Keeps units of an item at a site for a line of an order that no listing has to do with. After an error the transaction must be
/// rolled back.
pub async fn reserve_at(
    conn: &mut PgConnection,
    place: (ItemId, SiteId),
    quantity: i64,
    holder: Holder,
) -> Result<ReservationId, StockError> {
    let locked = Locked::lock(conn, BTreeSet::from([place])).await?;
    let (item, site) = (place.0, Some(place.1));
    let available = locked.get(place).map_or(0, Level::available);
    grant(available, quantity).map_err(|available| StockError::OutOfStock { listing: None, item, site, available })?;
    let id = ReservationId::generate();
    insert(conn, id, None, (item, site), quantity, holder).await?;
    let change = Change { reserved: quantity, reference: Some(id.0), ..Change::of(MovementKind::Reserve) };
    locked.write(conn, &[(place, change)]).await?;
    Ok(id)
}

/// Makes what is kept available again. A second call finds nothing to do.
pub async fn free(conn: &mut PgConnection, kept: Kept) -> Result<Vec<Moved>, StockError> {
    end(conn, kept, MovementKind::Free).await
}

/// Takes what is kept out of stock: the units have left. A second call finds nothing to do.
pub async fn take(conn: &mut PgConnection, kept: Kept) -> Result<Vec<Moved>, StockError> {
    end(conn, kept, MovementKind::Take).await
}

/// Gives what an auction has kept to the orders that follow from it, and makes the rest available again. An auction of a
/// listing without a site has kept nothing.
pub async fn hand_over(conn: &mut PgConnection, auction: AuctionId, parts: &[Part]) -> Result<Vec<Moved>, StockError> {
    let held = held(conn, Kept::OfAuction(auction)).await?;
    let locked = lock_all(conn, &held).await?;
    let mut changes = Vec::new();
    for kept in held {
        if !divide(conn, kept.id, parts).await? {
            continue;
        }
        let rest = kept.quantity - parts.iter().map(|part| part.quantity).sum::<i64>();
        if rest < 0 {
            let (listing, available) = (kept.listing, kept.quantity);
            return Err(StockError::OutOfStock { listing, item: kept.item, site: kept.site, available });
        }
        if rest > 0 {
            changes.extend(freed(conn, &kept, rest).await?);
        }
    }
    locked.write(conn, &changes).await
}

async fn end(conn: &mut PgConnection, kept: Kept, kind: MovementKind) -> Result<Vec<Moved>, StockError> {
    let held = held(conn, kept).await?;
    let locked = lock_all(conn, &held).await?;
    let mut changes = Vec::with_capacity(held.len());
    for kept in held {
        let taken = kind == MovementKind::Take;
        // Somebody else may have ended it before the locks were held.
        if !close(conn, kept.id, if taken { "taken" } else { "freed" }).await? {
            continue;
        }
        if !taken {
            changes.extend(freed(conn, &kept, kept.quantity).await?);
            continue;
        }
        match kept.place() {
            Some(place) => {
                let change = Change {
                    on_hand: -kept.quantity,
                    reserved: -kept.quantity,
                    reference: Some(kept.id.0),
                    ..Change::of(kind)
                };
                changes.push((place, change));
            }
            None => change_listing(conn, own(&kept)?, -kept.quantity, kept.quantity).await?,
        }
    }
    locked.write(conn, &changes).await
}

/// The listing whose own quantity is kept; what has neither a site nor a listing is nowhere.
fn own(kept: &Held) -> Result<ListingId, StockError> {
    kept.listing.ok_or(StockError::NotFound)
}

/// Makes `quantity` of what was kept available again: at once in the listing's own quantity, by the change that is returned in
/// a level.
async fn freed(
    conn: &mut PgConnection,
    kept: &Held,
    quantity: i64,
) -> Result<Option<(Place, Change<'static>)>, StockError> {
    let Some(place) = kept.place() else {
        change_listing(conn, own(kept)?, -quantity, 0).await?;
        return Ok(None);
    };
    let change = Change { reserved: -quantity, reference: Some(kept.id.0), ..Change::of(MovementKind::Free) };
    Ok(Some((place, change)))
}

/// Locks listings by id. One that draws on a level stays as it is until this commits, and many may do that at once; its level
/// excludes the others.
async fn lock_listings(
    conn: &mut PgConnection,
    ids: BTreeSet<ListingId>,
) -> Result<BTreeMap<ListingId, Source>, StockError> {
    let mut sources = BTreeMap::new();
    for id in ids {
        // Fixed once it is not a draft, so this needs no lock.
        let site = sqlx::query_scalar!("SELECT site_id FROM listings WHERE id = $1", id.0)
            .fetch_optional(&mut *conn)
            .await?
            .ok_or(StockError::NotFound)?;
        // What is read of the row itself is what it is under the lock.
        let source = if site.is_some() {
            sqlx::query_as!(
                Source,
                r#"SELECT item_id AS "item: ItemId", site_id AS "site: SiteId", quantity - reserved - sold AS "available!"
                   FROM listings
                   WHERE id = $1
                   FOR SHARE"#,
                id.0,
            )
            .fetch_one(&mut *conn)
            .await?
        } else {
            sqlx::query_as!(
                Source,
                r#"SELECT item_id AS "item: ItemId", site_id AS "site: SiteId", quantity - reserved - sold AS "available!"
                   FROM listings
                   WHERE id = $1
                   FOR NO KEY UPDATE"#,
                id.0,
            )
            .fetch_one(&mut *conn)
            .await?
        };
        sources.insert(id, source);
    }
    Ok(sources)
}

/// A statement of its own for each holder: of one with a condition for each of them, two of which are absent, a plan that is kept may read
/// whatever is held.
macro_rules! held_query {
    ($of:literal, $id:expr) => {
        sqlx::query_as!(
            Held,
            r#"SELECT id AS "id: ReservationId", listing_id AS "listing: ListingId", item_id AS "item: ItemId",
                      site_id AS "site: SiteId", quantity
               FROM reservations
               WHERE status = 'held'
                 AND "#
                + $of
                + r#"
               ORDER BY order_id, line_no"#,
            $id,
        )
    };
}

/// The reservations that are held; whoever holds them is locked by the caller.
async fn held(conn: &mut PgConnection, kept: Kept) -> Result<Vec<Held>, sqlx::Error> {
    match kept {
        Kept::OfAuction(auction) => held_query!("auction_id = $1", auction.0).fetch_all(conn).await,
        Kept::OfOrder(order) => held_query!("order_id = $1", order.0).fetch_all(conn).await,
        Kept::OfCheckout(checkout) => {
            let of = held_query!("order_id = ANY (ARRAY (SELECT id FROM orders WHERE checkout_id = $1))", checkout.0);
            of.fetch_all(conn).await
        }
    }
}

/// Locks the listings whose own quantity is kept, then the levels.
async fn lock_all(conn: &mut PgConnection, held: &[Held]) -> Result<Locked, sqlx::Error> {
    let own: BTreeSet<ListingId> =
        held.iter().filter(|kept| kept.site.is_none()).filter_map(|kept| kept.listing).collect();
    for listing in own {
        sqlx::query!("SELECT FROM listings WHERE id = $1 FOR NO KEY UPDATE", listing.0).execute(&mut *conn).await?;
    }
    Locked::lock(conn, held.iter().filter_map(Held::place).collect()).await
}

async fn insert(
    conn: &mut PgConnection,
    id: ReservationId,
    listing: Option<ListingId>,
    (item, site): (ItemId, Option<SiteId>),
    quantity: i64,
    holder: Holder,
) -> Result<(), StockError> {
    let (auction, order, line_no) = match holder {
        Holder::Auction(auction) => (Some(auction.0), None, None),
        Holder::Line { order, line_no } => (None, Some(order.0), Some(line_no)),
    };
    sqlx::query!(
        "INSERT INTO reservations (id, listing_id, item_id, site_id, quantity, auction_id, order_id, line_no)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        listing.map(|listing| listing.0),
        item.0,
        site.map(|site| site.0),
        quantity,
        auction,
        order,
        line_no,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a reservation; false if it has ended before.
pub(super) async fn close(conn: &mut PgConnection, id: ReservationId, status: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE reservations
         SET status = $2,
             ended_at = clock_timestamp()
         WHERE id = $1
           AND status = 'held'",
        id.0,
        status,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends the reservation of an auction and makes those of its parts in its place; false if it has ended before.
async fn divide(conn: &mut PgConnection, id: ReservationId, parts: &[Part]) -> Result<bool, sqlx::Error> {
    let ids: Vec<_> = parts.iter().map(|_| ReservationId::generate().0).collect();
    let quantities: Vec<_> = parts.iter().map(|part| part.quantity).collect();
    let orders: Vec<_> = parts.iter().map(|part| part.order.0).collect();
    let lines: Vec<_> = parts.iter().map(|part| part.line_no).collect();
    sqlx::query_scalar!(
        r#"WITH ended AS (
               UPDATE reservations
               SET status = 'handed_over',
                   ended_at = clock_timestamp()
               WHERE id = $1
                 AND status = 'held'
               RETURNING listing_id, item_id, site_id
           ), passed_on AS (
               INSERT INTO reservations (id, listing_id, item_id, site_id, quantity, order_id, line_no)
               SELECT part.id, listing_id, item_id, site_id, part.quantity, part.order_id, part.line_no
               FROM ended
               CROSS JOIN unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::smallint[])
                   AS part (id, quantity, order_id, line_no)
           )
           SELECT EXISTS (SELECT FROM ended) AS "divided!""#,
        id.0,
        &ids,
        &quantities,
        &orders,
        &lines,
    )
    .fetch_one(conn)
    .await
}

/// Changes what is reserved and sold of a locked listing's own quantity.
async fn change_listing(conn: &mut PgConnection, id: ListingId, reserved: i64, sold: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE listings
         SET reserved = reserved + $2,
             sold = sold + $3,
             updated_at = clock_timestamp()
         WHERE id = $1",
        id.0,
        reserved,
        sold,
    )
    .execute(conn)
    .await?;
    Ok(())
}
