use shared::testing::TestDb;

use super::*;
use crate::shipments::model::{NewShipment, NewShipmentLine};
use crate::shipments::store::{create, get as shipment, ship_order};

#[tokio::test]
async fn a_buyer_books_moves_and_cancels_and_the_slot_is_free_again() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let (one, other) = (depot.sold(&mut conn).await, depot.sold(&mut conn).await);
    let day = database_time(&mut conn).await.date_naive() + TimeDelta::days(2);
    let free = async |conn: &mut PgConnection| {
        let kind = AppointmentKind::Collection;
        slots(conn, one.1.org, one.0, kind, (day, day)).await.expect("slots").len()
    };
    assert_eq!(free(&mut conn).await, 24);
    let booked = depot.booked(&mut conn, one, 2).await.expect("booked");
    assert_eq!((booked.status, booked.site, booked.missed), (AppointmentStatus::Booked, Some(depot.site), 0));
    assert_eq!(free(&mut conn).await, 23);
    assert_eq!(refusal(depot.booked(&mut conn, other, 2).await), AppointmentRefusal::SlotTaken);
    assert_eq!(refusal(depot.booked(&mut conn, one, 3).await), AppointmentRefusal::Exists);
    // It makes room where it was, and is refused where there is none.
    let later = depot.slot(&mut conn, 3).await;
    let moved = act(&mut conn, async |tx| reschedule(tx, one.1, booked.id, later, None).await).await.expect("moved");
    assert_eq!((moved.starts_at, moved.version), (later, booked.version + 1));
    let second = depot.booked(&mut conn, other, 2).await.expect("the slot is free");
    let taken = act(&mut conn, async |tx| reschedule(tx, other.1, second.id, later, None).await).await;
    assert_eq!(refusal(taken), AppointmentRefusal::SlotTaken);
    // The other party and strangers do not move it; either party cancels.
    let stranger = act(&mut conn, async |tx| reschedule(tx, depot.by_seller(), booked.id, later, None).await).await;
    assert!(matches!(stranger, Err(AppointmentError::NotFound)), "{stranger:?}");
    let stranger = act(&mut conn, async |tx| cancel(tx, other.1, booked.id).await).await;
    assert!(matches!(stranger, Err(AppointmentError::NotFound)), "{stranger:?}");
    let cancelled = act(&mut conn, async |tx| cancel(tx, depot.by_seller(), booked.id).await).await.expect("cancelled");
    assert!(cancelled.status == AppointmentStatus::Cancelled && cancelled.ended_at.is_some(), "{cancelled:?}");
    assert_eq!(
        act(&mut conn, async |tx| reschedule(tx, other.1, second.id, later, None).await).await.expect("free").id,
        second.id
    );
    // Too near.
    let now = database_time(&mut conn).await;
    let hours = i32::try_from((later - now).num_hours()).expect("hours") - 1;
    shift(&mut conn, second.id, -hours).await;
    let near = act(&mut conn, async |tx| cancel(tx, other.1, second.id).await).await;
    assert!(matches!(refusal(near), AppointmentRefusal::TooClose { .. }));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_seller_proposes_and_the_buyer_accepts() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let (order, buyer) = depot.sold(&mut conn).await;
    // What was not offered for it is collected only if the seller says so.
    offered_for(&mut conn, depot.goods, &["parcel"]).await;
    assert_eq!(refusal(depot.booked(&mut conn, (order, buyer), 2).await), AppointmentRefusal::NotForCollection);
    let proposed = depot.booked(&mut conn, (order, depot.by_seller()), 2).await.expect("proposed");
    assert_eq!(proposed.status, AppointmentStatus::Proposed);
    let pass = act(&mut conn, async |tx| issue(tx, buyer, proposed.id).await).await;
    assert_eq!(refusal(pass), AppointmentRefusal::Status(AppointmentStatus::Proposed));
    let own = act(&mut conn, async |tx| accept(tx, depot.by_seller(), proposed.id).await).await;
    assert!(matches!(own, Err(AppointmentError::NotFound)), "{own:?}");
    let booked = act(&mut conn, async |tx| accept(tx, buyer, proposed.id).await).await.expect("accepted");
    assert_eq!(booked.status, AppointmentStatus::Booked);
    let again = act(&mut conn, async |tx| accept(tx, buyer, proposed.id).await).await;
    assert_eq!(refusal(again), AppointmentRefusal::Status(AppointmentStatus::Booked));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_is_not_possible_says_why() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let (order, buyer) = depot.sold(&mut conn).await;
    let noon = depot.slot(&mut conn, 2).await;
    let at = async |conn: &mut PgConnection, new: NewAppointment| {
        act(conn, async |tx| book(tx, buyer, order, &new).await).await
    };
    let odd = depot.collection(noon + TimeDelta::minutes(30));
    assert_eq!(invalid(at(&mut conn, odd).await), "/starts_at");
    assert_eq!(invalid(at(&mut conn, depot.collection(noon - TimeDelta::days(3))).await), "/starts_at");
    let elsewhere = new_site(&mut conn, depot.seller.org, None).await.expect("a site").id;
    assert_eq!(
        invalid(at(&mut conn, NewAppointment { site: Some(elsewhere), ..depot.collection(noon) }).await),
        "/site"
    );
    let strangers = trader(&mut conn).await;
    let strangers = Party { org: strangers.org, user: strangers.user };
    let refused = act(&mut conn, async |tx| book(tx, strangers, order, &depot.collection(noon)).await).await;
    assert!(matches!(refused, Err(AppointmentError::NoOrder)), "{refused:?}");
    let wish = |hours| NewAppointment {
        kind: AppointmentKind::Delivery,
        site: None,
        starts_at: noon,
        ends_at: Some(noon + TimeDelta::hours(hours)),
    };
    assert_eq!(invalid(at(&mut conn, wish(0)).await), "/ends_at");
    assert_eq!(invalid(at(&mut conn, wish(25)).await), "/ends_at");
    // What has left is not collected, and an order that has not been paid has no appointments.
    let proposed = depot.booked(&mut conn, (order, depot.by_seller()), 2).await.expect("proposed");
    let mut tx = conn.begin().await.expect("a transaction");
    ship_order(&mut tx, depot.by_seller(), order).await.expect("sent");
    tx.commit().await.expect("committed");
    assert_eq!(refusal(at(&mut conn, depot.collection(noon)).await), AppointmentRefusal::NothingThere);
    let accepted = act(&mut conn, async |tx| accept(tx, buyer, proposed.id).await).await;
    assert_eq!(refusal(accepted), AppointmentRefusal::NothingThere);
    let late = trader(&mut conn).await;
    let (_, unpaid) = placed(&mut conn, late, depot.goods, eur(10_000)).await;
    let refused = act(&mut conn, async |tx| book(tx, depot.by_seller(), unpaid, &depot.collection(noon)).await).await;
    assert!(matches!(refused, Err(AppointmentError::Escrow(EscrowError::NotPaid))), "{refused:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn shipments_are_planned_by_when_the_buyer_would_like_to_get_them() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let (order, buyer) = depot.sold(&mut conn).await;
    let part = NewShipment {
        order_id: Some(order),
        consignee_org_id: None,
        from_site: None,
        to_site: None,
        to_address: None,
        carrier: None,
        vehicle: None,
        planned_pickup: None,
        planned_delivery: None,
        lines: vec![NewShipmentLine { item_id: None, order_line: Some(1), quantity: 1, weight_g: 0, volume_ml: 0 }],
    };
    let sent = async |conn: &mut PgConnection| {
        let made = act(conn, async |tx| Ok(create(tx, depot.by_seller(), &part).await?)).await.expect("created");
        made.shipment.tracking
    };
    let noon = depot.slot(&mut conn, 2).await;
    let planned = async |conn: &mut PgConnection, number| {
        shipment(conn, depot.seller.org, number).await.expect("read").expect("the shipment").planned_delivery
    };
    let until = |hours| Some(noon + TimeDelta::hours(hours));
    let before = sent(&mut conn).await;
    assert_eq!(planned(&mut conn, &before).await, None);
    let wish = NewAppointment { kind: AppointmentKind::Delivery, site: None, starts_at: noon, ends_at: until(3) };
    let wished = act(&mut conn, async |tx| book(tx, buyer, order, &wish).await).await.expect("booked");
    let after = sent(&mut conn).await;
    for number in [&before, &after] {
        assert_eq!(planned(&mut conn, number).await, until(3));
    }
    act(&mut conn, async |tx| reschedule(tx, buyer, wished.id, noon, until(5)).await).await.expect("moved");
    assert_eq!(planned(&mut conn, &before).await, until(5));
    let none = act(&mut conn, async |tx| issue(tx, buyer, wished.id).await).await;
    assert_eq!(refusal(none), AppointmentRefusal::NoCollection);
    act(&mut conn, async |tx| cancel(tx, buyer, wished.id).await).await.expect("cancelled");
    assert_eq!(planned(&mut conn, &after).await, None);
    // A slot of the site is as good, and ends when the slot ends.
    let booked = depot.delivered(&mut conn, (order, buyer), 2).await.expect("booked");
    assert_eq!((booked.ends_at, planned(&mut conn, &before).await), (noon + TimeDelta::hours(2), until(2)));
    let later = noon + TimeDelta::hours(4);
    act(&mut conn, async |tx| reschedule(tx, buyer, booked.id, later, None).await).await.expect("moved");
    assert_eq!(planned(&mut conn, &after).await, until(6));
    act(&mut conn, async |tx| cancel(tx, depot.by_seller(), booked.id).await).await.expect("cancelled");
    assert_eq!(planned(&mut conn, &after).await, None);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn hours_are_the_sellers_and_come_back_as_they_were_set() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 3).await;
    let mut set = open_all_week(2);
    set.windows.truncate(2);
    set.closed_days = vec!["2026-12-25".parse().expect("a day"); 2];
    let kept = depot.open(&mut conn, &set).await.expect("set");
    set.closed_days.truncate(1);
    assert_eq!(kept, set);
    set.windows.push(set.windows[0]);
    assert_eq!(invalid(depot.open(&mut conn, &set).await), "/windows/2/opens");
    assert_eq!(hours(&mut conn, depot.seller.org, depot.site).await.expect("read"), Some(kept.clone()));
    let collected = SiteHours { deliveries: None, ..kept };
    assert_eq!(depot.open(&mut conn, &collected).await.expect("set"), collected);
    let other = trader(&mut conn).await;
    let by = Party { org: other.org, user: other.user };
    let refused = act(&mut conn, async |tx| set_hours(tx, by, depot.site, &open_all_week(1)).await).await;
    assert!(matches!(refused, Err(AppointmentError::Stock(StockError::NotFound))), "{refused:?}");
    assert_eq!(hours(&mut conn, other.org, depot.site).await.expect("read"), None);
    drop(conn);
    db.close().await;
}
