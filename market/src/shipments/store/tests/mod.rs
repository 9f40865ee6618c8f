mod arrivals;
mod figures;
mod fleet;
mod following;
mod machine;
mod orders;
mod races;

use chrono::TimeDelta;
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::*;
use crate::cargo::{ShipmentStatus, Standing};
use crate::catalog::model::NewItem;
use crate::catalog::store as catalog;
use crate::ids::{ItemId, SiteId, VehicleId};
use crate::offers::model::Party;
use crate::shipments::model::{LineChange, NewShipment, NewShipmentLine, NewVehicle, ShipmentChange, Tracking};
use crate::stock::model::Level;
use crate::stock::rules::reserve::Count;
use crate::stock::store::tests::{assert_books, new_site};
use crate::stock::store::{self as stock, Adjust};
use crate::testing::{CONSOLES, Trader, by_kept_plans, database_time, trader};

/// A shipper with an item at a site and another site to send it to, and another organisation.
#[derive(Clone, Copy)]
struct Yard {
    shipper: Trader,
    other: Trader,
    item: ItemId,
    site: SiteId,
    away: SiteId,
}

impl Yard {
    async fn with(conn: &mut PgConnection, units: i64) -> Self {
        let (shipper, other) = (trader(conn).await, trader(conn).await);
        let site = new_site(conn, shipper.org, None).await.expect("a site").id;
        let away = new_site(conn, shipper.org, Some(20)).await.expect("a site").id;
        let item = item(conn, shipper, "ice").await;
        let yard = Self { shipper, other, item, site, away };
        count(conn, shipper, item, site, units).await;
        yard
    }

    const fn by(&self) -> Party {
        Party { org: self.shipper.org, user: self.shipper.user }
    }

    const fn by_other(&self) -> Party {
        Party { org: self.other.org, user: self.other.user }
    }

    /// From site to site, of 1 kg and 2 l each.
    fn transfer(&self, quantity: i64) -> NewShipment {
        NewShipment {
            order_id: None,
            consignee_org_id: None,
            from_site: Some(self.site),
            to_site: Some(self.away),
            to_address: None,
            carrier: None,
            vehicle: None,
            planned_pickup: None,
            planned_delivery: None,
            lines: vec![line(self.item, quantity)],
        }
    }

    async fn sent(&self, conn: &mut PgConnection, new: &NewShipment) -> Tracking {
        act(conn, async |tx| create(tx, self.by(), new).await).await.expect("created").shipment.tracking
    }

    async fn level(&self, conn: &mut PgConnection, site: SiteId) -> (i64, i64) {
        level(conn, self.shipper, self.item, site).await
    }
}

fn line(item: ItemId, quantity: i64) -> NewShipmentLine {
    NewShipmentLine { item_id: Some(item), order_line: None, quantity, weight_g: 1_000, volume_ml: 2_000 }
}

async fn item(conn: &mut PgConnection, of: Trader, sku: &str) -> ItemId {
    let new = NewItem {
        category_id: CONSOLES,
        sku: sku.to_owned(),
        title: "Ice".to_owned(),
        unit: "piece".to_owned(),
        attributes: serde_json::Map::new(),
        compatibility: Vec::new(),
    };
    catalog::create_item(conn, of.org, &new).await.expect("an item").id
}

async fn count(conn: &mut PgConnection, of: Trader, item: ItemId, site: SiteId, units: i64) {
    let mut tx = conn.begin().await.expect("a transaction");
    let counted = Adjust { org: of.org, item, site, count: Count::To(units), reason: None, actor: of.user };
    stock::adjust(&mut tx, &counted).await.expect("counted");
    tx.commit().await.expect("committed");
}

/// What is on hand and what is reserved.
async fn level(conn: &mut PgConnection, of: Trader, item: ItemId, site: SiteId) -> (i64, i64) {
    let found = stock::level(conn, of.org, item, site).await.expect("read");
    found.map_or((0, 0), |Level { on_hand, reserved, .. }| (on_hand, reserved))
}

/// Runs an act in a transaction of its own, which is rolled back after an error.
async fn act<T>(
    conn: &mut PgConnection,
    run: impl AsyncFnOnce(&mut PgConnection) -> Result<T, ShipmentError>,
) -> Result<T, ShipmentError> {
    let mut tx = conn.begin().await?;
    let done = run(&mut tx).await?;
    tx.commit().await?;
    Ok(done)
}

/// What is said of the status that does not allow an act.
fn refused_as<T: std::fmt::Debug>(result: Result<T, ShipmentError>) -> ShipmentStatus {
    match result {
        Err(ShipmentError::Refused(ShipmentRefusal::Status(status))) => status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_cancelled_before_it_leaves_is_available_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 9).await;
    let number = yard.sent(&mut conn, &yard.transfer(4)).await;
    assert_eq!(yard.level(&mut conn, yard.site).await, (9, 4));
    let too_many = act(&mut conn, async |tx| create(tx, yard.by(), &yard.transfer(6)).await).await;
    assert!(matches!(too_many, Err(ShipmentError::Stock(StockError::OutOfStock { available: 5, .. }))), "{too_many:?}");
    let stranger = act(&mut conn, async |tx| cancel(tx, yard.by_other(), &number).await).await;
    assert!(matches!(stranger, Err(ShipmentError::NotFound)), "{stranger:?}");
    let done = act(&mut conn, async |tx| cancel(tx, yard.by(), &number).await).await.expect("cancelled");
    assert_eq!((done.shipment.status, done.shipment.version), (ShipmentStatus::Cancelled, 2));
    for _ in 0..2 {
        assert_eq!(yard.level(&mut conn, yard.site).await, (9, 0));
        let again = act(&mut conn, async |tx| cancel(tx, yard.by(), &number).await).await;
        assert_eq!(refused_as(again), ShipmentStatus::Cancelled);
    }
    let number = yard.sent(&mut conn, &yard.transfer(4)).await;
    act(&mut conn, async |tx| pick_up(tx, yard.by(), &number).await).await.expect("picked up");
    assert_eq!(yard.level(&mut conn, yard.site).await, (5, 0));
    let late = act(&mut conn, async |tx| cancel(tx, yard.by(), &number).await).await;
    assert_eq!(refused_as(late), ShipmentStatus::PickedUp);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_is_held_follows_the_quantity_and_not_weight_or_volume() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 9).await;
    let more = item(&mut conn, yard.shipper, "snow").await;
    count(&mut conn, yard.shipper, more, yard.site, 5).await;
    let mut new = yard.transfer(4);
    new.lines.push(line(more, 2));
    let number = yard.sent(&mut conn, &new).await;
    let edit = |lines: Vec<LineChange>| ShipmentChange { lines, ..ShipmentChange::default() };
    let set = |line, quantity, weight_g, volume_ml| LineChange { line, quantity, weight_g, volume_ml };
    let heavier = edit(vec![set(1, None, Some(7_000), Some(9))]);
    let done = act(&mut conn, async |tx| change(tx, yard.by(), &number, &heavier).await).await.expect("changed");
    let first = &done.shipment.lines[0];
    assert_eq!((first.quantity, first.weight_g, first.volume_ml), (4, 7_000, 9));
    assert_eq!((yard.level(&mut conn, yard.site).await, done.moved.len()), ((9, 4), 0));
    let both = edit(vec![set(1, Some(1), None, None), set(2, Some(5), None, None)]);
    act(&mut conn, async |tx| change(tx, yard.by(), &number, &both).await).await.expect("changed");
    assert_eq!(yard.level(&mut conn, yard.site).await, (9, 1));
    assert_eq!(level(&mut conn, yard.shipper, more, yard.site).await, (5, 5));
    let too_many = edit(vec![set(2, Some(6), None, None)]);
    let refused = act(&mut conn, async |tx| change(tx, yard.by(), &number, &too_many).await).await;
    assert!(matches!(refused, Err(ShipmentError::Stock(StockError::OutOfStock { available: 0, .. }))), "{refused:?}");
    act(&mut conn, async |tx| pick_up(tx, yard.by(), &number).await).await.expect("picked up");
    let late = act(&mut conn, async |tx| change(tx, yard.by(), &number, &both).await).await;
    assert_eq!(refused_as(late), ShipmentStatus::PickedUp);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn units_arrive_in_parts_where_there_is_room_and_the_rest_comes_back() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 30).await;
    let number = yard.sent(&mut conn, &yard.transfer(25)).await;
    let early = act(&mut conn, async |tx| deliver(tx, yard.by(), &number, None).await).await;
    assert_eq!(refused_as(early), ShipmentStatus::Pending);
    act(&mut conn, async |tx| pick_up(tx, yard.by(), &number).await).await.expect("picked up");
    let full = act(&mut conn, async |tx| deliver(tx, yard.by(), &number, None).await).await;
    assert!(matches!(full, Err(ShipmentError::Stock(StockError::SiteFull))), "{full:?}");
    let part =
        act(&mut conn, async |tx| deliver(tx, yard.by(), &number, Some(&[(1, 20)])).await).await.expect("a part");
    assert_eq!((part.shipment.status, part.shipment.lines[0].delivered_quantity), (ShipmentStatus::PickedUp, 20));
    assert_eq!(yard.level(&mut conn, yard.away).await, (20, 0));
    let failed = act(&mut conn, async |tx| fail(tx, yard.by(), &number).await).await.expect("tried");
    assert_eq!(failed.shipment.status, ShipmentStatus::AttemptFailed);
    let back = act(&mut conn, async |tx| give_back(tx, yard.by(), &number).await).await.expect("back");
    assert_eq!((back.shipment.status, back.shipment.lines[0].returned_quantity), (ShipmentStatus::Returned, 5));
    assert_eq!(yard.level(&mut conn, yard.site).await, (10, 0));
    let again = act(&mut conn, async |tx| give_back(tx, yard.by(), &number).await).await;
    assert_eq!(refused_as(again), ShipmentStatus::Returned);
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_entries WHERE subject_id = $1")
        .bind(back.shipment.id.to_string())
        .fetch_one(&mut *conn)
        .await
        .expect("counted");
    assert_eq!(entries, 5, "created, picked up, delivered in part, tried, back");
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// Orders, payments and what is held for them, as they are.
async fn money(conn: &mut PgConnection) -> String {
    sqlx::query_scalar(
        "SELECT concat((SELECT json_agg(o ORDER BY id) FROM orders AS o), (SELECT json_agg(p ORDER BY id) FROM payments AS p),
                       (SELECT json_agg(e ORDER BY order_id) FROM escrows AS e), (SELECT json_agg(m ORDER BY m::text) FROM money_entries AS m))",
    )
    .fetch_one(conn)
    .await
    .expect("read")
}

#[tokio::test]
async fn a_consignment_arrives_in_the_others_book_if_it_keeps_the_item_and_touches_no_money() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 9).await;
    let sold = orders::Sale::paid(&mut conn, 2).await;
    let before = money(&mut conn).await;
    assert!(before.contains(&sold.order.to_string()));
    let theirs = new_site(&mut conn, yard.other.org, None).await.expect("a site").id;
    let own = item(&mut conn, yard.other, "ice").await;
    let trade = NewShipment { consignee_org_id: Some(yard.other.org), to_site: Some(theirs), ..yard.transfer(3) };
    // Nobody counts it there yet.
    let uncounted = yard.sent(&mut conn, &trade).await;
    count(&mut conn, yard.other, own, theirs, 1).await;
    let counted = yard.sent(&mut conn, &trade).await;
    for (number, expected) in [(uncounted, 1), (counted, 4)] {
        act(&mut conn, async |tx| pick_up(tx, yard.by(), &number).await).await.expect("picked up");
        let seen = get(&mut conn, yard.other.org, &number).await.expect("read").expect("theirs too");
        assert_eq!(seen.status, ShipmentStatus::PickedUp);
        act(&mut conn, async |tx| deliver(tx, yard.by_other(), &number, None).await).await.expect("delivered");
        assert_eq!(level(&mut conn, yard.other, own, theirs).await, (expected, 0));
    }
    assert_eq!(yard.level(&mut conn, yard.site).await, (3, 0));
    assert_eq!(money(&mut conn).await, before);
    let elsewhere = NewShipment { to_site: Some(theirs), ..yard.transfer(1) };
    let refused = act(&mut conn, async |tx| create(tx, yard.by(), &elsewhere).await).await;
    assert!(matches!(&refused, Err(ShipmentError::Invalid(invalid)) if invalid.pointer == "/to_site"), "{refused:?}");
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// PostgreSQL plans a statement anew the first five times.
#[tokio::test]
async fn shipments_are_read_by_a_plan_that_is_kept() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    for _ in 0..8 {
        read::shipments(&mut conn, &[Uuid::now_v7()]).await.expect("read");
    }
    assert_eq!(by_kept_plans(&mut conn, "stalled_since").await, 3);
    drop(conn);
    db.close().await;
}
