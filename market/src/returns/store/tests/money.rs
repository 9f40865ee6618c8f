//! What goes back of stock and money.

use super::*;
use crate::escrow::store::{refund, refunds};

const HAND: Disposition = Disposition::OnHand;
const APART: Disposition = Disposition::Quarantine;

#[tokio::test]
async fn a_return_puts_units_and_money_back_and_says_so() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    assert_eq!(sale.level(&mut conn).await.on_hand, STOCK - 3);
    let id = sale.sent(&mut conn, &[(1, 2), (2, 1)]).await;
    for wrong in [&[][..], &[(1, HAND)], &[(1, HAND), (2, HAND), (2, APART)], &[(1, HAND), (2, HAND), (3, HAND)]] {
        let refused = sale.receive(&mut conn, id, wrong).await;
        assert!(matches!(refused, Err(ReturnError::Refused(_))), "{wrong:?}: {refused:?}");
    }
    let received = sale.receive(&mut conn, id, &[(1, HAND), (2, APART)]).await.expect("received");
    let level = sale.level(&mut conn).await;
    assert_eq!((level.on_hand, level.quarantined, received.moved.len()), (STOCK - 1, 0, 1));
    let back = found(&mut conn, id).await;
    let lines: Vec<_> =
        back.lines.iter().map(|line| (line.line, line.quantity, line.disposition, line.restocked)).collect();
    // The second line was sold without a stock book.
    assert_eq!(lines, [(1, 2, Some(HAND), Some(true)), (2, 1, Some(APART), Some(false))]);
    assert_eq!((back.status, back.refund, back.due_at), (ReturnStatus::Refunded, received.refund, None));
    assert_eq!((back.share, back.received_by_time), (back.refunded, false));
    let given = refunds(&mut conn, sale.buyer.org, sale.order).await.expect("a list");
    assert_eq!((given.len(), given[0].cause, Some(given[0].amount)), (1, RefundCause::Return, back.refunded));
    // 199.99 euros of goods, premium and tax: 25465 cents, of which two thirds of one line and half of the other.
    let escrow = sale.escrow(&mut conn).await;
    assert_eq!((escrow.amount, escrow.status, escrow.refunded), (eur(25_465), EscrowStatus::Held, eur(14_855)));
    let again = sale.receive(&mut conn, id, &[(1, HAND), (2, APART)]).await;
    assert!(matches!(again, Err(ReturnError::Refused(ReturnRefusal::Status(ReturnStatus::Refunded)))), "{again:?}");
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// Half of it is on its way back before the seller is paid, the rest goes after: nothing is left anywhere.
#[tokio::test]
async fn parts_before_and_after_the_release_give_everything_back() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    let paid = sale.escrow(&mut conn).await.amount;
    let mut sum = 0;
    let mut back = async |conn: &mut PgConnection, lines: &[(i16, i64)]| {
        let done = sale.returned(conn, lines).await;
        assert_eq!(done.share, done.refunded, "nothing else went back");
        sum += done.refunded.map_or(0, shared::money::Money::minor);
    };
    back(&mut conn, &[(1, 1)]).await;
    back(&mut conn, &[(2, 1)]).await;
    // Requested before the release, received after it.
    let open = sale.sent(&mut conn, &[(1, 1)]).await;
    sale.accept(&mut conn).await;
    assert_eq!(sale.escrow(&mut conn).await.status, EscrowStatus::Partly);
    let done = sale.receive(&mut conn, open, &[(1, APART)]).await.expect("received");
    assert!(done.refund.is_some());
    assert_sound(&mut conn).await;
    assert!(platform(&mut conn).await.iter().all(|(_, minor)| *minor > 0), "{:?}", platform(&mut conn).await);
    back(&mut conn, &[(2, 1)]).await;
    back(&mut conn, &[(1, 1)]).await;
    sum += found(&mut conn, open).await.refunded.map_or(0, shared::money::Money::minor);
    assert_eq!(sum, paid.minor());
    let none = ["commission", "premium", "tax"].map(|kind| (kind.to_owned(), 0));
    assert_eq!(platform(&mut conn).await, none, "every part of it");
    assert_eq!(sale.status(&mut conn).await, OrderStatus::Refunded);
    let level = sale.level(&mut conn).await;
    assert_eq!((level.on_hand, level.quarantined), (STOCK - 1, 1));
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}

async fn give(conn: &mut PgConnection, sale: &Sale, cents: i64) {
    let mut tx = conn.begin().await.expect("a transaction");
    let (org, user) = (sale.seller.org, sale.seller.user);
    refund(&mut tx, org, user, sale.order, eur(cents), "scratched").await.expect("given back");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn what_was_given_back_before_is_not_given_back_again() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    give(&mut conn, &sale, 20_000).await;
    let back = sale.returned(&mut conn, &[(1, 3)]).await;
    assert_eq!((back.status, back.refunded), (ReturnStatus::Refunded, Some(eur(5_465))));
    assert!(back.share.is_some_and(|share| share.minor() > 5_465), "{back:?}");
    assert_eq!(sale.status(&mut conn).await, OrderStatus::Refunded);
    assert_sound(&mut conn).await;

    // All of it was given back while the goods were on their way: they are put back all the same.
    let sale = Sale::delivered(&mut conn).await;
    let id = sale.sent(&mut conn, &[(1, 3)]).await;
    give(&mut conn, &sale, 25_465).await;
    let received = sale.receive(&mut conn, id, &[(1, HAND)]).await.expect("received");
    let back = found(&mut conn, id).await;
    assert_eq!((received.refund, back.status, back.refunded), (None, ReturnStatus::Received, None));
    assert_eq!(sale.level(&mut conn).await.on_hand, STOCK);
    let late = sale.request(&mut conn, &[(2, 1)]).await;
    let status = ReturnRefusal::OrderStatus(OrderStatus::Refunded);
    assert!(matches!(&late, Err(ReturnError::Refused(refusal)) if *refusal == status), "{late:?}");
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn where_there_is_no_room_the_seller_is_told_so_and_nothing_moves() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::delivered(&mut conn).await;
    let id = sale.sent(&mut conn, &[(1, 3)]).await;
    fill_up(&mut conn, &sale).await;
    let full = sale.receive(&mut conn, id, &[(1, APART)]).await;
    assert!(matches!(full, Err(ReturnError::Stock(StockError::SiteFull))), "{full:?}");
    assert_eq!(found(&mut conn, id).await.status, ReturnStatus::InTransit);
    assert_eq!(sale.escrow(&mut conn).await.refunded, eur(0));
    assert_sound(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// Leaves room for two units.
pub(super) async fn fill_up(conn: &mut PgConnection, sale: &Sale) {
    let (org, item, site, actor) = (sale.seller.org, sale.item, sale.site, sale.seller.user);
    let mut tx = conn.begin().await.expect("a transaction");
    let count = Count::To(STOCK + 3);
    stock::adjust(&mut tx, &stock::Adjust { org, item, site, count, reason: None, actor }).await.expect("counted");
    tx.commit().await.expect("committed");
}
