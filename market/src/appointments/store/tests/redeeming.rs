use shared::testing::TestDb;

use super::*;
use crate::cargo::ShipmentStatus;
use crate::shipments::model::{NewShipment, NewShipmentLine};
use crate::shipments::store::{OrderStep, create, of_order as shipments_of, pick_up};

#[tokio::test]
async fn a_pass_gives_everything_out_once_and_the_time_of_inspection_begins() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let (order, buyer, booked, pass) = depot.with_pass(&mut conn).await;
    let kept: (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE encode(pass_hash, 'escape') LIKE '%' || $1 || '%'), count(pass_hash) FROM appointments",
    )
    .bind(&pass)
    .fetch_one(&mut *conn)
    .await
    .expect("read");
    assert_eq!(kept, (0, 1), "only the hash is kept");
    let given = depot.redeem(&mut conn, &pass.to_lowercase()).await.expect("given out");
    assert_eq!(given.appointment, booked.id);
    let [done] = &given.done[..] else { panic!("{given:?}") };
    assert!(matches!(done.order, Some(OrderStep::Arrived { order: arrived, .. }) if arrived == order), "{done:?}");
    assert_eq!((done.shipment.status, done.shipment.from_site), (ShipmentStatus::Delivered, Some(depot.site)));
    assert_eq!(status(&mut conn, order).await, OrderStatus::Delivered);
    assert_eq!(now_of(&mut conn, booked.id).await, AppointmentStatus::Redeemed);
    let held = escrow(&mut conn, buyer.org, order).await.expect("read").expect("held");
    assert!(held.inspect_until.is_some());
    assert_eq!(refusal(depot.redeem(&mut conn, &pass).await), AppointmentRefusal::PassUsed);
    crate::escrow::store::tests::assert_books(&mut conn).await;
    crate::stock::store::tests::assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_was_packed_and_what_was_not_is_given_out_and_what_has_left_is_not() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    for (packed, leaves) in [(true, false), (true, true)] {
        let (order, _, booked, pass) = depot.with_pass(&mut conn).await;
        let one = NewShipment {
            order_id: Some(order),
            consignee_org_id: None,
            from_site: packed.then_some(depot.site),
            to_site: None,
            to_address: None,
            carrier: None,
            vehicle: None,
            planned_pickup: None,
            planned_delivery: None,
            lines: vec![NewShipmentLine { item_id: None, order_line: Some(1), quantity: 1, weight_g: 0, volume_ml: 0 }],
        };
        let mut tx = conn.begin().await.expect("a transaction");
        let made = create(&mut tx, depot.by_seller(), &one).await.expect("packed");
        if leaves {
            pick_up(&mut tx, depot.by_seller(), &made.shipment.tracking).await.expect("on its way");
        }
        tx.commit().await.expect("committed");
        let given = depot.redeem(&mut conn, &pass).await.expect("given out");
        assert_eq!(given.done.len(), if leaves { 1 } else { 2 });
        let arrived = given.done.iter().filter(|done| matches!(done.order, Some(OrderStep::Arrived { .. }))).count();
        assert_eq!(arrived, usize::from(!leaves), "the order has arrived when all of it has");
        let expected = if leaves { OrderStatus::InFulfilment } else { OrderStatus::Delivered };
        assert_eq!(status(&mut conn, order).await, expected);
        assert_eq!(shipments_of(&mut conn, order).await.expect("read").len(), 2);
        assert_eq!(now_of(&mut conn, booked.id).await, AppointmentStatus::Redeemed);
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_pass_that_is_not_good_says_why_and_gives_nothing_out() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let (order, buyer, booked, old) = depot.with_pass(&mut conn).await;
    let new = act(&mut conn, async |tx| issue(tx, buyer, booked.id).await).await.expect("another one").pass;
    for wrong in ["", "TP", "nonsense", &old, &"TP".repeat(14)] {
        assert_eq!(refusal(depot.redeem(&mut conn, wrong).await), AppointmentRefusal::NoPass, "{wrong}");
    }
    // Of another seller there is no such pass, and no such site.
    let other = TestDepot::new(&mut conn, 1).await;
    assert_eq!(refusal(other.redeem(&mut conn, &new).await), AppointmentRefusal::NoPass);
    let foreign = act(&mut conn, async |tx| redeem(tx, other.by_seller(), depot.site, &new).await).await;
    assert!(matches!(foreign, Err(AppointmentError::Stock(StockError::NotFound))), "{foreign:?}");
    let away = new_site(&mut conn, depot.seller.org, None).await.expect("a site").id;
    let elsewhere = act(&mut conn, async |tx| redeem(tx, depot.by_seller(), away, &new).await).await;
    assert_eq!(refusal(elsewhere), AppointmentRefusal::OtherSite);
    assert_eq!(
        (status(&mut conn, order).await, now_of(&mut conn, booked.id).await),
        (OrderStatus::Paid, AppointmentStatus::Booked)
    );
    // It is good for an hour after its time.
    let now = database_time(&mut conn).await;
    let hours = i32::try_from((booked.ends_at - now).num_hours()).expect("hours");
    shift(&mut conn, booked.id, -hours - 2).await;
    assert_eq!(refusal(depot.redeem(&mut conn, &new).await), AppointmentRefusal::PassExpired);
    shift(&mut conn, booked.id, hours + 2).await;
    act(&mut conn, async |tx| cancel(tx, buyer, booked.id).await).await.expect("cancelled");
    assert_eq!(refusal(depot.redeem(&mut conn, &new).await), AppointmentRefusal::PassExpired);
    drop(conn);
    db.close().await;
}
