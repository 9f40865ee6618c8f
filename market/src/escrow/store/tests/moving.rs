use shared::ids::UserId;

use super::*;
use crate::escrow::model::{DisputeReason, DisputeStatus};
use crate::escrow::rules::EscrowRefusal;
use crate::ids::DisputeId;

/// What the platform and the seller have of each kind, in cents.
async fn accounts(conn: &mut PgConnection) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT a.kind, sum(e.amount_minor)::bigint
         FROM money_entries AS e
         JOIN money_accounts AS a ON a.id = e.account_id
         GROUP BY a.kind
         HAVING sum(e.amount_minor) <> 0
         ORDER BY a.kind",
    )
    .fetch_all(conn)
    .await
    .expect("the accounts")
}

async fn disputed(conn: &mut PgConnection, sale: &Sale) -> DisputeId {
    let mut tx = conn.begin().await.expect("a transaction");
    let new = NewDispute { order: sale.orders[0], reason: DisputeReason::Damaged, text: "A dent" };
    let dispute = open_dispute(&mut tx, sale.buyer.org, sale.buyer.user, new).await.expect("opened");
    tx.commit().await.expect("committed");
    dispute.id
}

async fn decided(
    conn: &mut PgConnection,
    by: UserId,
    id: DisputeId,
    cents: i64,
) -> Result<Option<RefundId>, EscrowError> {
    let mut tx = conn.begin().await?;
    let refund = resolve(&mut tx, id, Decision { by, refund: eur(cents), note: "seen the pictures" }).await?;
    tx.commit().await?;
    Ok(refund)
}

#[tokio::test]
async fn what_is_accepted_is_the_sellers_the_platforms_and_the_states() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 1).await;
    pay(&mut conn, sale.buyer, sale.checkout).await;
    let order = orders::order(&mut conn, sale.buyer.org, sale.orders[0]).await.expect("read").expect("the order");
    let mut tx = conn.begin().await.expect("a transaction");
    let early = accept(&mut tx, sale.buyer.org, sale.buyer.user, sale.orders[0]).await;
    assert!(matches!(early, Err(EscrowError::Refused(EscrowRefusal::NotDelivered))), "{early:?}");
    drop(tx);
    sale.deliver(&mut conn, 0).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let seller = sale.sellers[0];
    let own = accept(&mut tx, seller.org, seller.user, sale.orders[0]).await;
    assert!(matches!(own, Err(EscrowError::NotFound)), "the seller does not accept: {own:?}");
    accept(&mut tx, sale.buyer.org, sale.buyer.user, sale.orders[0]).await.expect("accepted");
    tx.commit().await.expect("committed");
    assert_eq!(sale.escrow(&mut conn, 0).await.status, EscrowStatus::Released);
    assert_eq!(sale.status(&mut conn, 0).await, OrderStatus::Completed);
    let (fee, net) = (order.fee.minor(), order.net.minor());
    assert!(fee > 0 && fee + net == 20_000, "{order:?}");
    let wanted = [("cash", -20_000), ("commission", fee), ("receivable", net)];
    assert_eq!(accounts(&mut conn).await, wanted.map(|(kind, cents)| (kind.to_owned(), cents)));
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn inspection_lapses_once_and_not_too_early() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 1).await;
    let order = sale.orders[0];
    let lapsed = async |conn: &mut PgConnection| {
        let mut tx = conn.begin().await.expect("a transaction");
        let lapsed = lapse(&mut tx, order).await.expect("decided");
        tx.commit().await.expect("committed");
        lapsed
    };
    assert_eq!(lapsed(&mut conn).await, Lapse::Nothing, "nothing was paid");
    pay(&mut conn, sale.buyer, sale.checkout).await;
    assert_eq!(lapsed(&mut conn).await, Lapse::Nothing, "nothing was delivered");
    sale.deliver(&mut conn, 0).await;
    assert!(matches!(lapsed(&mut conn).await, Lapse::NotYet { .. }));
    assert_eq!(due(&mut conn, 10).await.expect("a list"), []);
    age(&mut conn, order).await;
    assert_eq!(due(&mut conn, 10).await.expect("a list"), [order]);
    assert_eq!(lapsed(&mut conn).await, Lapse::Released);
    assert_eq!(lapsed(&mut conn).await, Lapse::Nothing);
    assert_eq!(due(&mut conn, 10).await.expect("a list"), []);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn refunds_in_parts_give_everything_back_and_leave_other_sellers_alone() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 2).await;
    pay(&mut conn, sale.buyer, sale.checkout).await;
    let seller = sale.sellers[0];
    let back = async |conn: &mut PgConnection, cents: i64| {
        let mut tx = conn.begin().await?;
        let made = refund(&mut tx, seller.org, seller.user, sale.orders[0], eur(cents), "scratched").await?;
        tx.commit().await?;
        Ok::<_, EscrowError>(made)
    };
    let mut fee = 0;
    for cents in [3_333, 1, 6_666] {
        let made = back(&mut conn, cents).await.expect("given back");
        assert_eq!((made.amount, made.status), (eur(cents), RefundStatus::Intended));
        fee += made.fee.minor();
        assert_eq!(sale.escrow(&mut conn, 0).await.status, EscrowStatus::Held);
        assert_books(&mut conn).await;
    }
    let more = back(&mut conn, 10_001).await;
    assert!(matches!(more, Err(EscrowError::Refused(EscrowRefusal::Amount { .. }))), "{more:?}");
    fee += back(&mut conn, 10_000).await.expect("given back").fee.minor();
    let order = orders::order(&mut conn, sale.buyer.org, sale.orders[0]).await.expect("read").expect("the order");
    assert_eq!(
        (fee, order.status),
        (order.fee.minor(), OrderStatus::Refunded),
        "the commission is given back, to the cent"
    );
    assert!(matches!(back(&mut conn, 1).await, Err(EscrowError::Refused(EscrowRefusal::Refunded))));
    let other = sale.escrow(&mut conn, 1).await;
    assert_eq!((other.status, other.refunded), (EscrowStatus::Held, eur(0)));
    assert_eq!(refunds(&mut conn, sale.buyer.org, sale.orders[0]).await.expect("a list").len(), 4);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_part_is_given_back_and_the_rest_released() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 1).await;
    pay(&mut conn, sale.buyer, sale.checkout).await;
    let (order, seller) = (sale.orders[0], sale.sellers[0]);
    let mut tx = conn.begin().await.expect("a transaction");
    refund(&mut tx, seller.org, seller.user, order, eur(5_000), "late").await.expect("given back");
    tx.commit().await.expect("committed");
    sale.deliver(&mut conn, 0).await;
    age(&mut conn, order).await;
    let mut tx = conn.begin().await.expect("a transaction");
    assert_eq!(lapse(&mut tx, order).await.expect("decided"), Lapse::Released);
    tx.commit().await.expect("committed");
    let ended = sale.escrow(&mut conn, 0).await;
    assert_eq!((ended.status, ended.released, ended.refunded), (EscrowStatus::Partly, eur(15_000), eur(5_000)));
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_frozen_escrow_is_neither_released_nor_refunded_nor_lapsed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 1).await;
    pay(&mut conn, sale.buyer, sale.checkout).await;
    sale.deliver(&mut conn, 0).await;
    let id = disputed(&mut conn, &sale).await;
    let (order, buyer, seller) = (sale.orders[0], sale.buyer, sale.sellers[0]);
    age(&mut conn, order).await;
    let mut tx = conn.begin().await.expect("a transaction");
    assert_eq!(lapse(&mut tx, order).await.expect("decided"), Lapse::Nothing);
    for refused in [
        accept(&mut tx, buyer.org, buyer.user, order).await.err(),
        refund(&mut tx, seller.org, seller.user, order, eur(1), "no").await.err(),
    ] {
        assert!(matches!(refused, Some(EscrowError::Refused(EscrowRefusal::Frozen))), "{refused:?}");
    }
    let foreign = withdraw(&mut tx, seller.org, seller.user, id).await;
    assert!(matches!(foreign, Err(EscrowError::NotFound)), "{foreign:?}");
    drop(tx);
    assert_books(&mut conn).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let until = withdraw(&mut tx, buyer.org, buyer.user, id).await.expect("withdrawn");
    tx.commit().await.expect("committed");
    assert!(until.is_some());
    assert_eq!(sale.status(&mut conn, 0).await, OrderStatus::Delivered);
    let mut tx = conn.begin().await.expect("a transaction");
    assert_eq!(lapse(&mut tx, order).await.expect("decided"), Lapse::Released, "its time was over meanwhile");
    tx.commit().await.expect("committed");
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_dispute_is_decided_once_by_somebody_who_belongs_to_neither() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.expect("a connection");
    let judge = trader(&mut conn).await.user;
    for (cents, dispute_status, escrow_status, order_status) in [
        (20_000, DisputeStatus::ForBuyer, EscrowStatus::Refunded, OrderStatus::Refunded),
        (0, DisputeStatus::ForSeller, EscrowStatus::Released, OrderStatus::Completed),
        (7_777, DisputeStatus::Split, EscrowStatus::Partly, OrderStatus::Completed),
    ] {
        let sale = sale(&mut conn, 1).await;
        pay(&mut conn, sale.buyer, sale.checkout).await;
        let id = disputed(&mut conn, &sale).await;
        for own in [sale.buyer, sale.sellers[0]] {
            let refused = decided(&mut conn, own.user, id, cents).await;
            assert!(matches!(refused, Err(EscrowError::OwnOrder)), "{refused:?}");
        }
        let more = decided(&mut conn, judge, id, 20_001).await;
        assert!(matches!(more, Err(EscrowError::Refused(EscrowRefusal::Amount { .. }))), "{more:?}");
        let refund = decided(&mut conn, judge, id, cents).await.expect("decided");
        assert_eq!(refund.is_some(), cents > 0);
        let read = dispute(&mut conn, Some(sale.buyer.org), id).await.expect("read").expect("the dispute");
        assert_eq!((read.status, sale.escrow(&mut conn, 0).await.status), (dispute_status, escrow_status));
        assert_eq!(sale.status(&mut conn, 0).await, order_status);
        let again = decided(&mut conn, judge, id, cents).await;
        assert!(matches!(again, Err(EscrowError::DisputeEnded(_))), "{again:?}");
        assert_books(&mut conn).await;
    }
    drop(conn);
    db.close().await;
}
