use shared::testing::TestDb;

use super::*;

#[tokio::test]
async fn what_nobody_came_to_is_missed_once_and_counted() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let sale = depot.sold(&mut conn).await;
    for round in 1..=3 {
        let booked = depot.booked(&mut conn, sale, 2).await.expect("booked again");
        assert!(end_overdue(&mut conn, 10).await.expect("nothing is over").is_empty());
        shift(&mut conn, booked.id, -100).await;
        let ended = end_overdue(&mut conn, 10).await.expect("ended");
        let [missed] = &ended[..] else { panic!("{ended:?}") };
        assert_eq!((missed.id, missed.status, missed.missed), (booked.id, AppointmentStatus::Missed, round));
        assert!(end_overdue(&mut conn, 10).await.expect("once").is_empty());
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn nobody_is_missed_where_nothing_is_left_or_nobody_was_to_come() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let (sold, proposed, wished) =
        (depot.sold(&mut conn).await, depot.sold(&mut conn).await, depot.sold(&mut conn).await);
    let noon = depot.slot(&mut conn, 2).await;
    let left = depot.booked(&mut conn, sold, 2).await.expect("booked").id;
    let proposed = depot.booked(&mut conn, (proposed.0, depot.by_seller()), 2).await.expect("proposed").id;
    let wish = NewAppointment {
        kind: AppointmentKind::Delivery,
        site: None,
        starts_at: noon,
        ends_at: Some(noon + TimeDelta::hours(1)),
    };
    let wished = act(&mut conn, async |tx| book(tx, wished.1, wished.0, &wish).await).await.expect("booked").id;
    // The buyer has got it in another way.
    let mut tx = conn.begin().await.expect("a transaction");
    crate::shipments::store::ship_order(&mut tx, depot.by_seller(), sold.0).await.expect("sent");
    crate::shipments::store::receive_order(&mut tx, sold.1, sold.0).await.expect("arrived");
    tx.commit().await.expect("committed");
    for id in [left, proposed, wished] {
        shift(&mut conn, id, -100).await;
    }
    assert_eq!(end_overdue(&mut conn, 10).await.expect("ended").len(), 3);
    assert_eq!(now_of(&mut conn, left).await, AppointmentStatus::Cancelled);
    assert_eq!(now_of(&mut conn, proposed).await, AppointmentStatus::Cancelled);
    assert_eq!(now_of(&mut conn, wished).await, AppointmentStatus::Passed);
    drop(conn);
    db.close().await;
}

/// Moves an appointment to where it begins in half a day.
async fn bring_near(conn: &mut PgConnection, id: AppointmentId) {
    let starts_at = find(conn, id).await.expect("read").expect("the appointment").starts_at;
    let hours = (starts_at - database_time(conn).await).num_hours();
    shift(conn, id, 12 - i32::try_from(hours).expect("hours")).await;
}

#[tokio::test]
async fn each_side_is_reminded_once_of_what_begins_within_a_day() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let sale = depot.sold(&mut conn).await;
    let booked = depot.booked(&mut conn, sale, 5).await.expect("booked");
    assert!(to_remind(&mut conn, 10).await.expect("read").is_empty());
    bring_near(&mut conn, booked.id).await;
    assert_eq!(to_remind(&mut conn, 10).await.expect("read").len(), 1);
    assert!(to_remind(&mut conn, 10).await.expect("read").is_empty());
    // At another time it is another reminder; what is near when it is made needs none.
    let later = depot.slot(&mut conn, 6).await;
    act(&mut conn, async |tx| reschedule(tx, sale.1, booked.id, later, None).await).await.expect("moved");
    bring_near(&mut conn, booked.id).await;
    assert_eq!(to_remind(&mut conn, 10).await.expect("read").len(), 1);
    let near = depot.sold(&mut conn).await;
    let hour = database_time(&mut conn).await.timestamp() / 3_600 + 4;
    let soon = DateTime::from_timestamp(hour * 3_600, 0).expect("a time");
    act(&mut conn, async |tx| book(tx, near.1, near.0, &depot.collection(soon)).await).await.expect("booked");
    assert!(to_remind(&mut conn, 10).await.expect("read").is_empty());
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_needs_no_reminder_takes_no_place_of_what_does() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let depot = TestDepot::new(&mut conn, 9).await;
    let (sent, waits) = (depot.sold(&mut conn).await, depot.sold(&mut conn).await);
    let first = depot.booked(&mut conn, sent, 5).await.expect("booked").id;
    let second = depot.booked(&mut conn, waits, 5).await.expect("booked").id;
    let mut tx = conn.begin().await.expect("a transaction");
    crate::shipments::store::ship_order(&mut tx, depot.by_seller(), sent.0).await.expect("sent");
    crate::shipments::store::receive_order(&mut tx, sent.1, sent.0).await.expect("arrived");
    tx.commit().await.expect("committed");
    for id in [first, second] {
        bring_near(&mut conn, id).await;
    }
    let near = to_remind(&mut conn, 1).await.expect("read");
    assert_eq!(near.iter().map(|near| near.id).collect::<Vec<_>>(), [second]);
    drop(conn);
    db.close().await;
}
