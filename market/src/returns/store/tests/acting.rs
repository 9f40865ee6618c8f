//! Who does what, and when.

use super::*;
use crate::escrow::model::DisputeReason;
use crate::escrow::store::{NewDispute, open_dispute, withdraw};

fn refusal<T: std::fmt::Debug>(done: Result<T, ReturnError>) -> ReturnRefusal {
    match done {
        Err(ReturnError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_return_is_of_what_was_delivered_and_asked_for_in_time() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::placed(&mut conn).await;
    let unpaid = sale.request(&mut conn, &[(1, 1)]).await;
    assert!(matches!(unpaid, Err(ReturnError::Escrow(EscrowError::NotPaid))), "{unpaid:?}");
    pay(&mut conn, sale.buyer, sale.checkout).await;
    assert_eq!(refusal(sale.request(&mut conn, &[(1, 1)]).await), ReturnRefusal::NotDelivered);

    let sale = Sale::delivered(&mut conn).await;
    let stranger = Party { org: sale.seller.org, user: sale.seller.user };
    let wanted = [Wanted { line: 1, quantity: 1 }];
    let new = NewReturn { order: sale.order, reason: ReturnReason::Other, text: None, lines: &wanted };
    let others = act(&mut conn, async |tx| request(tx, stranger, new).await).await;
    assert!(matches!(others, Err(ReturnError::NotFound)), "{others:?}");
    let empty = NewReturn { text: Some(""), ..new };
    let empty = act(&mut conn, async |tx| request(tx, sale.by_buyer(), empty).await).await;
    assert!(matches!(&empty, Err(ReturnError::Invalid(invalid)) if invalid.pointer == "/text"), "{empty:?}");

    // By the time of delivery, also when the seller has the money by then.
    sale.accept(&mut conn).await;
    let days = |days: i64| TimeDelta::days(days) - TimeDelta::seconds(5);
    assert!(days(14) > INSPECTION);
    let sql = "UPDATE order_events SET at = at - interval '13 days 23 hours 59 minutes' WHERE order_id = $1";
    move_time(&mut conn, sql, sale.order.0).await;
    sale.request(&mut conn, &[(1, 1)]).await.expect("in time");
    let sql = "UPDATE order_events SET at = at - interval '2 minutes' WHERE order_id = $1";
    move_time(&mut conn, sql, sale.order.0).await;
    let late = refusal(sale.request(&mut conn, &[(1, 1)]).await);
    assert!(matches!(late, ReturnRefusal::TooLate { .. }), "{late:?}");
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn units_that_came_to_nothing_can_be_asked_for_again_and_no_others() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    let (seller, buyer) = (sale.by_seller(), sale.by_buyer());
    for end in 0..3 {
        let id = sale.request(&mut conn, &[(1, 3), (2, 2)]).await.expect("requested");
        assert_eq!(refusal(sale.request(&mut conn, &[(1, 1)]).await), ReturnRefusal::NothingLeft { line: 1 });
        match end {
            0 => act(&mut conn, async |tx| refuse(tx, seller, id, "it was used").await).await.expect("refused"),
            1 => act(&mut conn, async |tx| cancel(tx, buyer, id).await).await.expect("cancelled"),
            _ => {
                act(&mut conn, async |tx| approve(tx, seller, id, None).await).await.expect("approved");
                age(&mut conn, id).await;
                let lapsed = act(&mut conn, async |tx| lapse(tx, id).await).await.expect("decided");
                assert!(matches!(lapsed, Lapse::Lapsed), "{lapsed:?}");
            }
        }
        let ended = found(&mut conn, id).await;
        assert!(ended.ended_at.is_some() && ended.due_at.is_none() && ended.refund.is_none(), "{ended:?}");
    }
    sale.request(&mut conn, &[(1, 2)]).await.expect("requested");
    let most = refusal(sale.request(&mut conn, &[(1, 2)]).await);
    assert_eq!(most, ReturnRefusal::Quantity { line: 1, most: 1 });
    sale.request(&mut conn, &[(1, 1)]).await.expect("requested");
    let listed = of_order(&mut conn, sale.buyer.org, sale.order).await.expect("a list");
    assert_eq!(listed.iter().map(|it| it.status).filter(|status| *status == ReturnStatus::Requested).count(), 2);
    assert_eq!(listed.len(), 5);
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn each_side_does_what_is_its_own_and_others_see_nothing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    let id = sale.request(&mut conn, &[(1, 1)]).await.expect("requested");
    let other = trader(&mut conn).await;
    let stranger = Party { org: other.org, user: other.user };
    let lines = [(1, Disposition::OnHand)];
    for by in [stranger, sale.by_buyer()] {
        for done in [
            act(&mut conn, async |tx| approve(tx, by, id, None).await).await,
            act(&mut conn, async |tx| refuse(tx, by, id, "no").await).await,
            act(&mut conn, async |tx| receive(tx, by, id, &lines).await.map(|_| ())).await,
        ] {
            assert!(matches!(done, Err(ReturnError::NotFound)), "{done:?}");
        }
    }
    for by in [stranger, sale.by_seller()] {
        for done in [
            act(&mut conn, async |tx| cancel(tx, by, id).await).await,
            act(&mut conn, async |tx| send(tx, by, id, "by hand").await).await,
        ] {
            assert!(matches!(done, Err(ReturnError::NotFound)), "{done:?}");
        }
    }
    assert_eq!(get(&mut conn, other.org, id).await.expect("read"), None);
    assert_eq!(of_order(&mut conn, other.org, sale.order).await.expect("a list"), []);
    let early = act(&mut conn, async |tx| send(tx, sale.by_buyer(), id, "by hand").await).await;
    assert_eq!(refusal(early), ReturnRefusal::Status(ReturnStatus::Requested));
    act(&mut conn, async |tx| approve(tx, sale.by_seller(), id, Some("Depot 3")).await).await.expect("approved");
    for (tracking, field) in [("", "/tracking"), (&*"x".repeat(201), "/tracking")] {
        let wrong = act(&mut conn, async |tx| send(tx, sale.by_buyer(), id, tracking).await).await;
        assert!(matches!(&wrong, Err(ReturnError::Invalid(invalid)) if invalid.pointer == field), "{wrong:?}");
    }
    // Brought in person.
    sale.receive(&mut conn, id, &lines).await.expect("received");
    let filter = |status| ReturnFilter { seller: sale.seller.org, status, before: None, limit: 10 };
    for (status, count) in [(None, 1), (Some(ReturnStatus::Refunded), 1), (Some(ReturnStatus::Approved), 0)] {
        assert_eq!(page(&mut conn, filter(status)).await.expect("a list").len(), count, "{status:?}");
    }
    let before = ReturnFilter { before: Some(id), ..filter(None) };
    assert_eq!(page(&mut conn, before).await.expect("a list"), []);
    let bought = ReturnFilter { seller: sale.buyer.org, ..filter(None) };
    assert_eq!(page(&mut conn, bought).await.expect("a list"), []);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn while_a_dispute_is_open_a_return_stands_still() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    let (seller, buyer) = (sale.by_seller(), sale.by_buyer());
    let requested = sale.request(&mut conn, &[(1, 1)]).await.expect("requested");
    let sent = sale.sent(&mut conn, &[(2, 1)]).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let new = NewDispute { order: sale.order, reason: DisputeReason::Other, text: "no" };
    let dispute = open_dispute(&mut tx, sale.buyer.org, sale.buyer.user, new).await.expect("opened").id;
    tx.commit().await.expect("committed");
    for done in [
        sale.request(&mut conn, &[(1, 1)]).await.map(|_| ()),
        act(&mut conn, async |tx| approve(tx, seller, requested, None).await).await,
        act(&mut conn, async |tx| refuse(tx, seller, requested, "no").await).await,
        act(&mut conn, async |tx| cancel(tx, buyer, requested).await).await,
        sale.receive(&mut conn, sent, &[(2, Disposition::OnHand)]).await.map(|_| ()),
    ] {
        assert_eq!(refusal(done), ReturnRefusal::Disputed);
    }
    for id in [requested, sent] {
        age(&mut conn, id).await;
        let lapsed = act(&mut conn, async |tx| lapse(tx, id).await).await.expect("decided");
        assert!(matches!(lapsed, Lapse::Nothing), "{lapsed:?}");
    }
    assert_eq!(overdue(&mut conn, 10).await.expect("a list"), []);
    let mut tx = conn.begin().await.expect("a transaction");
    withdraw(&mut tx, sale.buyer.org, sale.buyer.user, dispute).await.expect("withdrawn");
    tx.commit().await.expect("committed");
    assert_eq!(overdue(&mut conn, 10).await.expect("a list").len(), 2);
    sale.receive(&mut conn, sent, &[(2, Disposition::OnHand)]).await.expect("received");
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}
