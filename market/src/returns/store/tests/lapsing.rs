//! What time decides.

use super::money::fill_up;
use super::*;
use crate::returns::model::{ANSWER_TERM, RECEIVING_TERM, SENDING_TERM};

async fn lapsed(conn: &mut PgConnection, id: ReturnId) -> Lapse {
    act(conn, async |tx| lapse(tx, id).await).await.expect("decided")
}

#[tokio::test]
async fn time_answers_for_the_seller_ends_what_is_not_sent_and_receives_what_was() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    let id = sale.request(&mut conn, &[(1, 1)]).await.expect("requested");
    let made = found(&mut conn, id).await;
    assert_eq!(made.due_at, Some(made.requested_at + ANSWER_TERM));
    let early = lapsed(&mut conn, id).await;
    assert!(matches!(early, Lapse::NotYet { until, .. } if Some(until) == made.due_at), "{early:?}");
    age(&mut conn, id).await;
    assert_eq!(overdue(&mut conn, 10).await.expect("a list"), [id]);
    let answered = lapsed(&mut conn, id).await;
    let Lapse::Approved { until, now } = answered else { panic!("{answered:?}") };
    assert_eq!(until, now + SENDING_TERM);
    let approved = found(&mut conn, id).await;
    assert_eq!((approved.status, approved.decided_at), (ReturnStatus::Approved, Some(now)));
    assert!(matches!(lapsed(&mut conn, id).await, Lapse::NotYet { .. }), "once");

    act(&mut conn, async |tx| send(tx, sale.by_buyer(), id, "by hand").await).await.expect("sent");
    let sent = found(&mut conn, id).await;
    assert_eq!(sent.due_at, sent.sent_at.map(|at| at + RECEIVING_TERM));
    age(&mut conn, id).await;
    let received = lapsed(&mut conn, id).await;
    let Lapse::Received(received) = received else { panic!("{received:?}") };
    let back = found(&mut conn, id).await;
    assert_eq!((back.status, back.refund, back.received_by_time), (ReturnStatus::Refunded, received.refund, true));
    assert_eq!(back.lines[0].disposition, Some(Disposition::Quarantine));
    let level = sale.level(&mut conn).await;
    assert_eq!((level.on_hand, level.quarantined), (STOCK - 3, 1));
    assert!(matches!(lapsed(&mut conn, id).await, Lapse::Nothing), "once");

    let unsent = sale.request(&mut conn, &[(1, 1)]).await.expect("requested");
    act(&mut conn, async |tx| approve(tx, sale.by_seller(), unsent, None).await).await.expect("approved");
    age(&mut conn, unsent).await;
    assert!(matches!(lapsed(&mut conn, unsent).await, Lapse::Lapsed));
    assert_eq!(found(&mut conn, unsent).await.status, ReturnStatus::Lapsed);
    assert!(matches!(lapsed(&mut conn, ReturnId::generate()).await, Lapse::Nothing), "there is none");
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_full_depot_does_not_hold_the_buyers_money_back() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    let id = sale.sent(&mut conn, &[(1, 3), (2, 1)]).await;
    fill_up(&mut conn, &sale).await;
    let before = sale.level(&mut conn).await;
    age(&mut conn, id).await;
    assert!(matches!(lapsed(&mut conn, id).await, Lapse::Received(Received { refund: Some(_), .. })));
    let back = found(&mut conn, id).await;
    assert_eq!((back.status, back.share), (ReturnStatus::Refunded, back.refunded));
    assert!(back.lines.iter().all(|line| line.restocked == Some(false)), "{back:?}");
    assert_eq!(sale.level(&mut conn).await, before);
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}
