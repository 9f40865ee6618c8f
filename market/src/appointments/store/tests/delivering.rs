use shared::testing::TestDb;

use super::*;
use crate::appointments::model::AppointmentKind::{Collection, Delivery};
use crate::shipments::store::ship_order;

/// How many slots of a kind are free on the day after tomorrow.
async fn free(conn: &mut PgConnection, kind: AppointmentKind, (order, party): (OrderId, Party)) -> usize {
    let day = database_time(conn).await.date_naive() + TimeDelta::days(2);
    slots(conn, party.org, order, kind, (day, day)).await.expect("slots").len()
}

#[tokio::test]
async fn a_full_slot_of_one_kind_leaves_the_room_of_the_other() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let (one, other) = (depot.sold(&mut conn).await, depot.sold(&mut conn).await);
    assert_eq!((free(&mut conn, Collection, one).await, free(&mut conn, Delivery, one).await), (24, 12));
    let booked = depot.delivered(&mut conn, one, 2).await.expect("booked");
    assert_eq!((booked.kind, booked.site, booked.status), (Delivery, Some(depot.site), AppointmentStatus::Booked));
    assert_eq!(booked.ends_at - booked.starts_at, TimeDelta::hours(2));
    assert_eq!((free(&mut conn, Collection, one).await, free(&mut conn, Delivery, one).await), (24, 11));
    assert_eq!(refusal(depot.delivered(&mut conn, other, 2).await), AppointmentRefusal::SlotTaken);
    depot.booked(&mut conn, other, 2).await.expect("collected meanwhile");
    assert_eq!((free(&mut conn, Collection, one).await, free(&mut conn, Delivery, one).await), (23, 11));
    // What is moved makes room where it was, and needs some where it goes.
    let second = depot.delivered(&mut conn, other, 3).await.expect("booked");
    let taken = act(&mut conn, async |tx| reschedule(tx, other.1, second.id, booked.starts_at, None).await).await;
    assert_eq!(refusal(taken), AppointmentRefusal::SlotTaken);
    let later = depot.slot(&mut conn, 4).await;
    act(&mut conn, async |tx| reschedule(tx, one.1, booked.id, later, None).await).await.expect("moved");
    let moved = act(&mut conn, async |tx| reschedule(tx, other.1, second.id, booked.starts_at, None).await).await;
    assert_eq!(moved.expect("free").site, Some(depot.site));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_order_is_delivered_once_and_owes_no_storage_for_it() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let (order, buyer) = depot.sold(&mut conn).await;
    let booked = depot.delivered(&mut conn, (order, buyer), 2).await.expect("booked");
    assert_eq!(storage(&mut conn, order).await.expect("read"), None);
    assert_eq!(refusal(depot.delivered(&mut conn, (order, buyer), 3).await), AppointmentRefusal::Exists);
    let noon = depot.slot(&mut conn, 3).await;
    let wish = NewAppointment { site: None, ends_at: Some(noon + TimeDelta::hours(1)), ..depot.delivery(noon) };
    let wished = act(&mut conn, async |tx| book(tx, buyer, order, &wish).await).await;
    assert_eq!(refusal(wished), AppointmentRefusal::Exists, "wherever it comes from");
    let none = act(&mut conn, async |tx| issue(tx, buyer, booked.id).await).await;
    assert_eq!(refusal(none), AppointmentRefusal::NoCollection);
    // Nobody is missed: whether it has come is of the shipment.
    shift(&mut conn, booked.id, -100).await;
    let ended = act(&mut conn, async |tx| Ok(end_overdue(tx, 10).await?)).await.expect("ended");
    let [passed] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((passed.id, passed.status, passed.missed), (booked.id, AppointmentStatus::Passed, 0));
    act(&mut conn, async |tx| book(tx, buyer, order, &wish).await).await.expect("another one");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_is_not_delivered_from_a_site_says_why() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 1).await;
    let sale = depot.sold(&mut conn).await;
    let (order, buyer) = sale;
    let noon = depot.slot(&mut conn, 2).await;
    let at = async |conn: &mut PgConnection, new: NewAppointment| {
        act(conn, async |tx| book(tx, buyer, order, &new).await).await
    };
    // A slot of collections begins then, and none of deliveries.
    assert_eq!(invalid(at(&mut conn, depot.delivery(noon + TimeDelta::hours(1))).await), "/starts_at");
    let until = NewAppointment { ends_at: Some(noon + TimeDelta::hours(2)), ..depot.delivery(noon) };
    assert_eq!(invalid(at(&mut conn, until).await), "/ends_at");
    // Goods that are sold for collection alone are delivered only if the seller says so.
    offered_for(&mut conn, depot.goods, &["pickup"]).await;
    assert_eq!(refusal(at(&mut conn, depot.delivery(noon)).await), AppointmentRefusal::NotForDelivery);
    let proposed = depot.delivered(&mut conn, (order, depot.by_seller()), 2).await.expect("proposed");
    let booked = act(&mut conn, async |tx| accept(tx, buyer, proposed.id).await).await.expect("accepted");
    assert_eq!((booked.status, storage(&mut conn, order).await.expect("read")), (AppointmentStatus::Booked, None));
    // Where the seller has no slots of deliveries any more, what is booked stays.
    let collected = SiteHours { deliveries: None, ..open_all_week(1) };
    depot.open(&mut conn, &collected).await.expect("open");
    assert_eq!(free(&mut conn, Delivery, sale).await, 0);
    assert_eq!(now_of(&mut conn, booked.id).await, AppointmentStatus::Booked);
    act(&mut conn, async |tx| cancel(tx, buyer, booked.id).await).await.expect("cancelled");
    assert_eq!(invalid(depot.delivered(&mut conn, sale, 2).await), "/site");
    // What has left is not delivered again.
    depot.open(&mut conn, &open_all_week(1)).await.expect("open");
    offered_for(&mut conn, depot.goods, &["freight"]).await;
    assert_eq!(free(&mut conn, Delivery, sale).await, 12);
    act(&mut conn, async |tx| Ok(ship_order(tx, depot.by_seller(), order).await?)).await.expect("sent");
    assert_eq!(free(&mut conn, Delivery, sale).await, 0);
    assert_eq!(refusal(at(&mut conn, depot.delivery(noon)).await), AppointmentRefusal::NothingToDeliver);
    drop(conn);
    db.close().await;
}
