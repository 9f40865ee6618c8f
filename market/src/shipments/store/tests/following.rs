use super::*;
use crate::orders::model::OrderStatus;

fn at(status: ShipmentStatus) -> Standing {
    Standing { status: Some(status), ..Standing::default() }
}

/// Follows in a transaction of its own; the status, if something was done.
async fn followed(
    conn: &mut PgConnection,
    yard: &Yard,
    number: &Tracking,
    status: ShipmentStatus,
) -> Option<ShipmentStatus> {
    let reference = number.as_str();
    let done = act(conn, async |tx| follow(tx, yard.shipper.org, reference, &at(status)).await).await;
    done.expect("followed").map(|done| done.shipment.status)
}

#[tokio::test]
async fn reports_move_a_shipment_on_and_never_back_from_its_end() {
    use ShipmentStatus::{Cancelled, Delivered, InTransit, OutForDelivery, Pending, PickedUp, Returned};
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 9).await;
    let number = yard.sent(&mut conn, &yard.transfer(3)).await;
    for (said, done) in [
        (Pending, None),
        // Whoever has it has picked it up.
        (InTransit, Some(InTransit)),
        (InTransit, None),
        (Cancelled, None),
        (OutForDelivery, Some(OutForDelivery)),
        (Pending, None),
        (Delivered, Some(Delivered)),
        (Delivered, None),
        (InTransit, None),
        (Returned, None),
    ] {
        assert_eq!(followed(&mut conn, &yard, &number, said).await, done, "{said:?}");
    }
    assert_eq!((yard.level(&mut conn, yard.site).await, yard.level(&mut conn, yard.away).await), ((6, 0), (3, 0)));
    for (said, on_hand) in [(Cancelled, 6), (Returned, 6), (PickedUp, 5)] {
        let number = yard.sent(&mut conn, &yard.transfer(1)).await;
        for done in [Some(said), None] {
            assert_eq!(followed(&mut conn, &yard, &number, said).await, done);
            assert_eq!(yard.level(&mut conn, yard.site).await, (on_hand, 0), "{said:?}");
        }
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn reports_of_others_and_of_other_things_move_nothing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 9).await;
    let number = yard.sent(&mut conn, &yard.transfer(3)).await;
    let delivered = at(ShipmentStatus::Delivered);
    for (org, reference) in [
        (yard.other.org, number.as_str()),
        (yard.shipper.org, "S-1"),
        (yard.shipper.org, Tracking::generate().as_str()),
    ] {
        let done = act(&mut conn, async |tx| follow(tx, org, reference, &delivered).await).await.expect("followed");
        assert!(done.is_none(), "{done:?}");
    }
    let nothing = act(&mut conn, async |tx| follow(tx, yard.shipper.org, number.as_str(), &Standing::default()).await);
    assert!(nothing.await.expect("followed").is_none());
    assert_eq!(yard.level(&mut conn, yard.site).await, (9, 3));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_reported_delivery_is_the_orders_and_pays_nobody() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = orders::Sale::paid(&mut conn, 2).await;
    let (made, seller) = sale.waiting(&mut conn).await;
    let reference = made.as_str();
    let done = act(&mut conn, async |tx| follow(tx, seller, reference, &at(ShipmentStatus::Delivered)).await).await;
    let done = done.expect("followed").expect("moved");
    assert!(matches!(done.order, Some(OrderStep::Arrived { .. })), "{done:?}");
    let order = crate::orders::store::find(&mut conn, sale.order).await.expect("read").expect("the order");
    assert_eq!(order.status, OrderStatus::Delivered);
    let released: i64 = sqlx::query_scalar("SELECT sum(released_minor)::bigint FROM escrows WHERE status = 'held'")
        .fetch_one(&mut *conn)
        .await
        .expect("read");
    assert_eq!(released, 0);
    drop(conn);
    db.close().await;
}
