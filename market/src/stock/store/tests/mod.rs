mod low;
mod machine;
mod moves;
mod put_back;
mod races;

use shared::ids::OrgId;
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::*;
use crate::ids::{OrderId, RegionId, ReturnId};
use crate::listings::model::SaleMode;
use crate::listings::store as listings;
use crate::orders::model::{NewOrder, OrderLine, OrderSource};
use crate::orders::store as orders;
use crate::stock::model::{Crossing, Holder, LevelChange, Moved, NewSite, Site, SiteKind, Want};
use crate::stock::rules::reserve::{Count, Verdict};
use crate::testing::{Trader, auction, database_time, draft, eur, on_pro, terms, trader};

/// A seller with things at sites, and a buyer.
struct TestStock {
    db: TestDb,
    seller: Trader,
    buyer: Trader,
}

impl TestStock {
    async fn new() -> (Self, PgConnection) {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.expect("a connection").detach();
        let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
        // Many cases share the seller.
        on_pro(&mut conn, &[seller]).await;
        (Self { db, seller, buyer }, conn)
    }

    /// Asserts that the books are right, and deletes the database.
    async fn close(self, mut conn: PgConnection) {
        assert_books(&mut conn).await;
        conn.close().await.expect("closed");
        self.db.close().await;
    }

    async fn site(&self, conn: &mut PgConnection, capacity: Option<i64>) -> SiteId {
        new_site(conn, self.seller.org, capacity).await.expect("a site").id
    }

    /// A published listing of a new item that draws on the stock at `site`, and the item.
    async fn listing(&self, conn: &mut PgConnection, site: SiteId) -> (ListingId, ItemId) {
        let id = draft(conn, self.seller, SaleMode::Fixed, 1_000).await;
        let item = sqlx::query_scalar("UPDATE listings SET site_id = $2 WHERE id = $1 RETURNING item_id")
            .bind(id)
            .bind(site)
            .fetch_one(&mut *conn)
            .await
            .expect("the draft");
        listings::publish(conn, self.seller.org, id).await.expect("published");
        (id, item)
    }

    /// `quantity` units of a new item at `site`, on offer.
    async fn stocked(&self, conn: &mut PgConnection, site: SiteId, quantity: i64) -> (ListingId, ItemId) {
        let (listing, item) = self.listing(conn, site).await;
        self.adjust(conn, item, site, Count::To(quantity)).await.expect("counted");
        (listing, item)
    }

    fn count(&self, item: ItemId, site: SiteId, count: Count) -> Adjust<'static> {
        Adjust { org: self.seller.org, item, site, count, reason: None, actor: self.seller.user }
    }

    async fn adjust(
        &self,
        conn: &mut PgConnection,
        item: ItemId,
        site: SiteId,
        count: Count,
    ) -> Result<Moved, StockError> {
        adjusted(conn, &self.count(item, site, count)).await
    }

    async fn inspect(
        &self,
        conn: &mut PgConnection,
        item: ItemId,
        site: SiteId,
        verdict: Verdict,
    ) -> Result<Moved, StockError> {
        let (org, actor) = (self.seller.org, self.seller.user);
        let mut tx = conn.begin().await?;
        let moved = inspect(&mut tx, &Inspect { org, item, site, verdict, reason: None, actor }).await?;
        tx.commit().await?;
        Ok(moved)
    }

    fn moving(&self, item: ItemId, from: SiteId, to: SiteId, quantity: i64) -> Transfer<'static> {
        Transfer { org: self.seller.org, item, from, to, quantity, reason: None, actor: self.seller.user }
    }

    /// An order of one unit of each of these.
    async fn order(&self, conn: &mut PgConnection, of: &[(ListingId, ItemId)]) -> OrderId {
        order(conn, self.seller, self.buyer, of).await
    }

    async fn on_hand(&self, conn: &mut PgConnection, item: ItemId, site: SiteId) -> (i64, i64) {
        let level = level(conn, self.seller.org, item, site).await.expect("read").expect("the level");
        (level.on_hand, level.reserved)
    }
}

pub(crate) async fn new_site(conn: &mut PgConnection, org: OrgId, capacity: Option<i64>) -> Result<Site, StockError> {
    let germany: RegionId = sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'")
        .fetch_one(&mut *conn)
        .await
        .expect("the region");
    let new = NewSite {
        region_id: germany,
        name: "Depot".to_owned(),
        kind: SiteKind::Depot,
        latitude: 53.5,
        longitude: 10.0,
        capacity,
    };
    create_site(conn, org, &new).await
}

async fn order(conn: &mut PgConnection, seller: Trader, buyer: Trader, of: &[(ListingId, ItemId)]) -> OrderId {
    let line = |&(listing_id, item_id): &(ListingId, ItemId)| OrderLine {
        listing_id: Some(listing_id),
        item_id,
        title: "Console".to_owned(),
        quantity: 1,
        unit: "piece".to_owned(),
        unit_price: None,
        amount: eur(100),
        fee_bps: 0,
        days: Vec::new(),
    };
    let new = NewOrder {
        source: OrderSource::Checkout,
        award: None,
        offer: None,
        buyer: buyer.org,
        seller: seller.org,
        placed_by: buyer.user,
        created_at: database_time(conn).await,
        premium: None,
        lines: of.iter().map(line).collect(),
    };
    let mut tx = conn.begin().await.expect("a transaction");
    let id = orders::create(&mut tx, &new).await.expect("an order").id;
    tx.commit().await.expect("committed");
    id
}

fn want(listing: ListingId, order: OrderId, line_no: i16) -> Want {
    Want { listing, quantity: 1, holder: Holder::Line { order, line_no } }
}

/// Reserves in a transaction of its own, which is rolled back after an error.
async fn reserved(conn: &mut PgConnection, wants: &[Want]) -> Result<(), StockError> {
    let mut tx = conn.begin().await?;
    reserve(&mut tx, wants).await?;
    Ok(tx.commit().await?)
}

/// Counts in a transaction of its own, which is rolled back after an error.
async fn adjusted(conn: &mut PgConnection, count: &Adjust<'_>) -> Result<Moved, StockError> {
    let mut tx = conn.begin().await?;
    let moved = adjust(&mut tx, count).await?;
    tx.commit().await?;
    Ok(moved)
}

/// Puts back in a transaction of its own, which is rolled back after an error.
async fn returned(conn: &mut PgConnection, order: OrderId, back: &[Back]) -> Result<PutBack, StockError> {
    let mut tx = conn.begin().await?;
    let done = put_back(&mut tx, order, ReturnId::generate(), back, None).await?;
    tx.commit().await?;
    Ok(done)
}

async fn transferred(conn: &mut PgConnection, moving: &Transfer<'_>) -> Result<Transferred, StockError> {
    let mut tx = conn.begin().await?;
    let done = transfer(&mut tx, moving).await?;
    tx.commit().await?;
    Ok(done)
}

/// Every level is the sum of its movements and holds what is reserved there, for shipments that wait too, every reservation that is taken left its level by one
/// movement of its quantity and nothing else left that way, every site stores the sum of its levels, and every listing without a site has reserved
/// what is held of it and sold what is taken.
pub(crate) async fn assert_books(conn: &mut PgConnection) {
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT 'movements of ' || v.item_id || ' at ' || v.site_id
         FROM stock_levels AS v
         LEFT JOIN (
             SELECT item_id, site_id, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved,
                    sum(quarantined_delta) AS quarantined
             FROM stock_movements
             GROUP BY item_id, site_id
         ) AS m USING (item_id, site_id)
         WHERE (v.on_hand, v.reserved, v.quarantined)
               IS DISTINCT FROM (coalesce(m.on_hand, 0), coalesce(m.reserved, 0), coalesce(m.quarantined, 0))
         UNION ALL
         SELECT 'reservations of ' || v.item_id || ' at ' || v.site_id
         FROM stock_levels AS v
         WHERE v.reserved <> (
             SELECT coalesce(sum(quantity), 0)
             FROM reservations AS r
             WHERE r.item_id = v.item_id AND r.site_id = v.site_id AND r.status = 'held'
         ) + (
             SELECT coalesce(sum(l.quantity), 0)
             FROM shipment_lines AS l
             JOIN shipments AS s ON s.id = l.shipment_id
             WHERE l.item_id = v.item_id AND l.stocked AND s.from_site = v.site_id AND s.status = 'pending'
         )
         UNION ALL
         SELECT 'taken of ' || coalesce(r.item_id, m.item_id) || ' at ' || coalesce(r.site_id, m.site_id)
         FROM (
             SELECT id, item_id, site_id, -quantity AS quantity
             FROM reservations
             WHERE status = 'taken' AND site_id IS NOT NULL
         ) AS r
         FULL JOIN (
             SELECT reference AS id, item_id, site_id, count(*) AS movements, sum(on_hand_delta) AS on_hand,
                    sum(reserved_delta) AS reserved
             FROM stock_movements
             WHERE kind IN ('take', 'write_off')
             GROUP BY reference, item_id, site_id
         ) AS m USING (id, item_id, site_id)
         WHERE (m.movements, m.on_hand, m.reserved) IS DISTINCT FROM (1, r.quantity, r.quantity)
         UNION ALL
         SELECT 'stored at ' || s.id
         FROM sites AS s
         WHERE s.stored <> CASE WHEN s.capacity IS NULL THEN 0 ELSE (
             SELECT coalesce(sum(on_hand + quarantined), 0) FROM stock_levels AS v WHERE v.site_id = s.id
         ) END
         UNION ALL
         SELECT 'listing ' || l.id
         FROM listings AS l
         WHERE (l.reserved, l.sold) <> (
             SELECT coalesce(sum(quantity) FILTER (WHERE status = 'held'), 0),
                    coalesce(sum(quantity) FILTER (WHERE status = 'taken'), 0)
             FROM reservations AS r
             WHERE r.listing_id = l.id AND r.site_id IS NULL
         )",
    )
    .fetch_all(conn)
    .await
    .expect("the books");
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn what_is_reserved_is_freed_or_taken_once() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, Some(100)).await;
    let (listing, item) = stock.stocked(&mut conn, site, 3).await;
    for (end, after) in [(true, (3, 0)), (false, (2, 0))] {
        let order = stock.order(&mut conn, &[(listing, item)]).await;
        reserved(&mut conn, &[want(listing, order, 1)]).await.expect("reserved");
        assert_eq!(stock.on_hand(&mut conn, item, site).await, (3, 1));
        for _ in 0..2 {
            let ended = if end {
                free(&mut conn, Kept::OfOrder(order)).await
            } else {
                take(&mut conn, Kept::OfOrder(order)).await
            };
            ended.expect("ended");
            assert_eq!(stock.on_hand(&mut conn, item, site).await, after);
        }
    }
    stock.close(conn).await;
}

#[tokio::test]
async fn a_listing_without_a_site_sells_its_own_quantity() {
    let (stock, mut conn) = TestStock::new().await;
    let listing = crate::testing::listing(&mut conn, stock.seller, SaleMode::Fixed, 2).await;
    let item = listings::listing(&mut conn, listing).await.expect("read").expect("the listing").item_id;
    let orders = [stock.order(&mut conn, &[(listing, item)]).await, stock.order(&mut conn, &[(listing, item)]).await];
    for order in orders {
        reserved(&mut conn, &[want(listing, order, 1)]).await.expect("reserved");
    }
    let third = stock.order(&mut conn, &[(listing, item)]).await;
    let refused = reserved(&mut conn, &[want(listing, third, 1)]).await;
    assert!(matches!(refused, Err(StockError::OutOfStock { available: 0, site: None, .. })), "{refused:?}");
    take(&mut conn, Kept::OfOrder(orders[0])).await.expect("taken");
    free(&mut conn, Kept::OfOrder(orders[1])).await.expect("freed");
    reserved(&mut conn, &[want(listing, third, 1)]).await.expect("reserved");
    stock.close(conn).await;
}

#[tokio::test]
async fn of_several_lines_all_are_reserved_or_none() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, None).await;
    let (plenty, scarce) = (stock.stocked(&mut conn, site, 9).await, stock.stocked(&mut conn, site, 0).await);
    let order = stock.order(&mut conn, &[plenty, scarce]).await;
    let refused = reserved(&mut conn, &[want(plenty.0, order, 1), want(scarce.0, order, 2)]).await;
    match refused {
        Err(StockError::OutOfStock { listing, item, available: 0, .. }) => {
            assert_eq!((listing, item), (Some(scarce.0), scarce.1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(stock.on_hand(&mut conn, plenty.1, site).await, (9, 0));
    stock.close(conn).await;
}

#[tokio::test]
async fn what_an_auction_kept_goes_to_the_orders_of_its_shares_and_the_rest_is_available() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, None).await;
    let (listing, item) = stock.stocked(&mut conn, site, 10).await;
    // Any auction may stand for that of the listing: what it keeps is between it and the level.
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, stock.seller, &terms).await;
    let wanted = Want { listing, quantity: 10, holder: Holder::Auction(lot) };
    reserved(&mut conn, &[wanted]).await.expect("reserved");
    let mut parts = Vec::new();
    for quantity in [4, 3] {
        parts.push(Part { order: stock.order(&mut conn, &[(listing, item)]).await, line_no: 1, quantity });
    }
    let too_much = [parts[0], Part { quantity: 7, ..parts[1] }];
    let mut tx = conn.begin().await.expect("a transaction");
    let refused = hand_over(&mut tx, lot, &too_much).await;
    assert!(matches!(refused, Err(StockError::OutOfStock { available: 10, .. })), "{refused:?}");
    tx.rollback().await.expect("rolled back");
    for _ in 0..2 {
        let mut tx = conn.begin().await.expect("a transaction");
        hand_over(&mut tx, lot, &parts).await.expect("handed over");
        tx.commit().await.expect("committed");
        assert_eq!(stock.on_hand(&mut conn, item, site).await, (10, 7));
    }
    take(&mut conn, Kept::OfOrder(parts[0].order)).await.expect("taken");
    free(&mut conn, Kept::OfOrder(parts[1].order)).await.expect("freed");
    assert_eq!(stock.on_hand(&mut conn, item, site).await, (6, 0));
    stock.close(conn).await;
}

#[tokio::test]
async fn a_crossing_raises_one_alert_in_each_direction() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, None).await;
    let (_, item) = stock.stocked(&mut conn, site, 50).await;
    let set = LevelChange { capacity: Some(Some(100)), low_at: None };
    change(&mut conn, stock.seller.org, (item, site), None, set).await.expect("changed");
    let mut seen = Vec::new();
    // A tenth is not low.
    for count in [11, 10, 9, 0, 9, 10, 11, 9, 40] {
        let moved = stock.adjust(&mut conn, item, site, Count::To(count)).await.expect("counted");
        seen.extend(moved.alert.map(|alert| (alert.crossing, alert.on_hand, alert.number)));
    }
    let expected = [(Crossing::Down, 9, 1), (Crossing::Up, 10, 2), (Crossing::Down, 9, 3), (Crossing::Up, 40, 4)];
    assert_eq!(seen, expected);
    // What is set crosses as well.
    let set = LevelChange { capacity: None, low_at: Some(Some(40)) };
    let moved = change(&mut conn, stock.seller.org, (item, site), None, set).await.expect("changed");
    assert_eq!(moved.alert.map(|alert| (alert.crossing, alert.number)), Some((Crossing::Down, 5)));
    let stale = change(&mut conn, stock.seller.org, (item, site), Some(1), set).await;
    assert!(matches!(stale, Err(StockError::Changed { version }) if version == moved.level.version), "{stale:?}");
    let alerts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM stock_alerts").fetch_one(&mut conn).await.expect("a count");
    assert_eq!(alerts, 5);
    stock.close(conn).await;
}

#[tokio::test]
async fn the_database_measures_as_the_rules_do() {
    let (stock, mut conn) = TestStock::new().await;
    for (a, b) in [((53.5, 10.0), (48.1, 11.6)), ((0.0, 179.5), (0.0, -179.5)), ((90.0, 0.0), (-90.0, 50.0))] {
        let by_database: f64 = sqlx::query_scalar("SELECT distance_m($1, $2, $3, $4, 6371008.8)")
            .bind(a.0)
            .bind(a.1)
            .bind(b.0)
            .bind(b.1)
            .fetch_one(&mut conn)
            .await
            .expect("a distance");
        let on_earth =
            |(latitude, longitude)| crate::stock::rules::distance::Point { body: "earth", latitude, longitude };
        let by_rules =
            crate::stock::rules::distance::distance_m(on_earth(a), on_earth(b), 6_371_008.8).expect("one body");
        assert!((by_database - by_rules).abs() < 0.01, "{by_database} {by_rules}");
    }
    stock.close(conn).await;
}
