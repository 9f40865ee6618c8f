use super::*;
use crate::checkout::store::CheckoutError;

async fn begun(conn: &mut PgConnection, sale: &Sale) -> PaymentId {
    let mut tx = conn.begin().await.expect("a transaction");
    let buyer = sale.buyer;
    let payment =
        begin(&mut tx, buyer.org, buyer.user, sale.checkout, Provider::Simulator, "card").await.expect("begun");
    tx.commit().await.expect("committed");
    payment.id
}

/// Makes it ready to be asked for; whether it may have been asked before.
async fn start(conn: &mut PgConnection, id: PaymentId) -> Option<bool> {
    let mut tx = conn.begin().await.expect("a transaction");
    let charging = start_charge(&mut tx, id).await.expect("decided");
    tx.commit().await.expect("committed");
    charging.map(|charging| charging.again)
}

async fn heard(conn: &mut PgConnection, id: PaymentId, found: &Payment) -> Result<Settled, EscrowError> {
    let mut tx = conn.begin().await?;
    let settled = settle(&mut tx, id, found).await?;
    tx.commit().await?;
    Ok(settled)
}

#[tokio::test]
async fn what_is_paid_is_held_for_each_seller_and_the_books_agree() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 3).await;
    let payment = pay(&mut conn, sale.buyer, sale.checkout).await;
    let read = super::payment(&mut conn, sale.buyer.org, payment).await.expect("read").expect("the payment");
    assert_eq!((read.status, read.amount, read.attempt), (PaymentStatus::Held, eur(60_000), 1));
    for n in 0..3 {
        let held = sale.escrow(&mut conn, n).await;
        assert_eq!((held.status, held.amount, held.inspect_until), (EscrowStatus::Held, eur(20_000), None));
        assert_eq!(sale.status(&mut conn, n).await, OrderStatus::Paid);
        let (reserved, sold): (i64, i64) = sqlx::query_as("SELECT reserved, sold FROM listings WHERE id = $1")
            .bind(sale.listings[n])
            .fetch_one(&mut *conn)
            .await
            .expect("the listing");
        assert_eq!((reserved, sold), (0, 2));
    }
    // The seller sees what is held, and a stranger neither that nor the payment.
    let stranger = trader(&mut conn).await;
    assert!(escrow(&mut conn, sale.sellers[0].org, sale.orders[0]).await.expect("read").is_some());
    assert!(escrow(&mut conn, sale.sellers[1].org, sale.orders[0]).await.expect("read").is_none());
    assert!(super::payment(&mut conn, stranger.org, payment).await.expect("read").is_none());
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_payment_is_decided_once_whatever_comes_again_and_in_which_order() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 1).await;
    let id = begun(&mut conn, &sale).await;
    let taken = captured(id, eur(20_000));
    let pending = Payment { state: PaymentState::Pending, captured: eur(0), ..taken.clone() };
    let failed = Payment { state: PaymentState::Failed, captured: eur(0), ..taken.clone() };
    // Nobody was asked yet, so that this is not about our payment.
    assert!(matches!(heard(&mut conn, id, &taken).await, Ok(Settled::NothingNew)));
    assert_eq!(start(&mut conn, id).await, Some(false));
    assert_eq!(start(&mut conn, id).await, Some(true), "from now on it may have been asked");
    assert!(matches!(heard(&mut conn, id, &pending).await, Ok(Settled::Pending)));
    let other = Payment { reference: ProviderRef("other".to_owned()), ..taken.clone() };
    assert!(matches!(heard(&mut conn, id, &other).await, Err(EscrowError::OtherName)));
    let less = Payment { captured: eur(19_999), ..taken.clone() };
    assert!(matches!(heard(&mut conn, id, &less).await, Err(EscrowError::OtherAmount { .. })));
    assert!(matches!(heard(&mut conn, id, &taken).await, Ok(Settled::Held { .. })));
    for again in [&taken, &pending, &failed] {
        assert!(matches!(heard(&mut conn, id, again).await, Ok(Settled::NothingNew)), "{again:?}");
    }
    assert_eq!(start(&mut conn, id).await, None);
    assert_eq!(sale.escrow(&mut conn, 0).await.status, EscrowStatus::Held);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_declined_payment_leaves_the_checkout_open_for_another() {
    let db = TestDb::new().await;
    let mut conn = db.app.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 2).await;
    let first = begun(&mut conn, &sale).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let Sale { buyer, checkout, .. } = sale;
    let second = begin(&mut tx, buyer.org, buyer.user, checkout, Provider::Simulator, "card").await;
    assert!(matches!(second, Err(EscrowError::Paying)), "{second:?}");
    let cancelled = checkouts::cancel(&mut tx, buyer.org, buyer.user, checkout).await;
    assert!(matches!(cancelled, Err(CheckoutError::Paying)), "{cancelled:?}");
    drop(tx);
    start(&mut conn, first).await;
    let failure = Some("no_money".to_owned());
    let declined = Payment { state: PaymentState::Failed, captured: eur(0), failure, ..captured(first, eur(40_000)) };
    assert!(matches!(heard(&mut conn, first, &declined).await, Ok(Settled::Failed { .. })));
    let read = super::payment(&mut conn, buyer.org, first).await.expect("read").expect("the payment");
    assert_eq!((read.status, read.failure.as_deref()), (PaymentStatus::Failed, Some("no_money")));
    assert_eq!(sale.status(&mut conn, 0).await, OrderStatus::PendingPayment);
    pay(&mut conn, sale.buyer, sale.checkout).await;
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// Lets the time to pay, and that in which a payment may still arrive, be over for so long.
async fn late(conn: &mut PgConnection, id: CheckoutId, minutes: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    // The table refuses this: a promised time does not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(
        "UPDATE checkouts
         SET created_at = created_at - interval '1 hour', pay_by = clock_timestamp() - make_interval(mins => $2)
         WHERE id = $1",
    )
    .bind(id)
    .bind(minutes)
    .execute(&mut *tx)
    .await
    .expect("changed");
    tx.commit().await.expect("committed");
}

async fn expired(conn: &mut PgConnection, id: CheckoutId) -> Expiry {
    let mut tx = conn.begin().await.expect("a transaction");
    let expiry = checkouts::expire(&mut tx, id).await.expect("decided");
    tx.commit().await.expect("committed");
    expiry
}

#[tokio::test]
async fn money_for_an_expired_checkout_goes_back_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 2).await;
    let id = begun(&mut conn, &sale).await;
    start(&mut conn, id).await;
    late(&mut conn, sale.checkout, 1).await;
    assert!(matches!(expired(&mut conn, sale.checkout).await, Expiry::Paying { .. }), "somebody is paying");
    late(&mut conn, sale.checkout, 16).await;
    assert!(matches!(expired(&mut conn, sale.checkout).await, Expiry::Ended(_)));

    let taken = captured(id, eur(40_000));
    let Ok(Settled::Late { refund }) = heard(&mut conn, id, &taken).await else { panic!("it is too late") };
    assert!(matches!(heard(&mut conn, id, &taken).await, Ok(Settled::NothingNew)));
    assert_eq!(sale.status(&mut conn, 0).await, OrderStatus::Expired);
    assert_books(&mut conn).await;

    let asked = start_refund(&mut conn, refund).await.expect("read").expect("to be asked");
    assert_eq!((asked.amount, &asked.payment), (eur(40_000), &taken.reference));
    for (state, decided) in
        [(DisbursementState::Pending, false), (DisbursementState::Done, true), (DisbursementState::Done, false)]
    {
        let mut tx = conn.begin().await.expect("a transaction");
        let told = settle_refund(&mut tx, refund, &given_back(refund, eur(40_000), state)).await.expect("decided");
        tx.commit().await.expect("committed");
        assert_eq!(told, decided, "{state:?}");
        assert_books(&mut conn).await;
    }
    assert!(start_refund(&mut conn, refund).await.expect("read").is_none());
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn nobody_is_asked_for_money_when_the_checkout_is_over() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = sale(&mut conn, 1).await;
    let id = begun(&mut conn, &sale).await;
    late(&mut conn, sale.checkout, 16).await;
    assert!(matches!(expired(&mut conn, sale.checkout).await, Expiry::Ended(_)));
    assert_eq!(start(&mut conn, id).await, None);
    let read = super::payment(&mut conn, sale.buyer.org, id).await.expect("read").expect("the payment");
    assert_eq!(read.status, PaymentStatus::Cancelled);
    let mut tx = conn.begin().await.expect("a transaction");
    let Sale { buyer, checkout, .. } = sale;
    let again = begin(&mut tx, buyer.org, buyer.user, checkout, Provider::Simulator, "card").await;
    assert!(matches!(again, Err(EscrowError::CheckoutEnded(CheckoutStatus::Expired))), "{again:?}");
    drop(tx);
    drop(conn);
    db.close().await;
}
