//! Against the payment simulator, over HTTP.

use chrono::TimeDelta;
use jobs::emails::SendEmail;
use jobs::escrow::{Charge, NotifyOrder, SendRefund};
use jobs::invoices::RenderInvoice;
use jobs::plans::{ChargePlan, choose};
use jobs::reconciliation::Reconcile;
use market::checkout::model::CheckoutLine;
use market::checkout::store as checkouts;
use market::escrow::store as escrow;
use market::identity::Plan;
use market::listings::model::SaleMode;
use market::payments::{CaptureMode, Charge as NewCharge, Provider, ProviderRef};
use market::plans::store as plans;
use market::reconciliation::model::{Difference, DifferenceKind};
use market::reconciliation::store::{self, DifferenceFilter};
use market::testing::{database_time, eur, listing, trader};
use queue::worker::Handlers;
use secrecy::SecretString;
use sqlx::Connection;
use url::Url;

use crate::payments::gateway::{Gateway, SimulatorGateway};
use crate::testing::TestWorkers;

/// Sells something for 100 euros, of which 10 go back.
async fn sold(workers: &TestWorkers) -> String {
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let (buyer, seller) = (trader(&mut conn).await, trader(&mut conn).await);
    let listing = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
    drop(conn);
    let lines = [CheckoutLine { listing, quantity: 1, price: eur(10_000) }];
    let mut tx = workers.ledger.begin().await.unwrap();
    let term = TimeDelta::minutes(30);
    let checkout = checkouts::place(&mut tx, buyer.org, buyer.user, &lines, term).await.unwrap();
    let order = checkouts::checkout(&mut tx, buyer.org, checkout).await.unwrap().unwrap().orders[0].id;
    let provider = Provider::Simulator;
    let payment = escrow::begin(&mut tx, buyer.org, buyer.user, checkout, provider, "card").await.unwrap();
    let _ = tx.enqueue(&Charge { payment: payment.id }).await.unwrap();
    tx.commit().await.unwrap();
    workers.queue.drain().await;
    let mut tx = workers.ledger.begin().await.unwrap();
    let refund = escrow::refund(&mut tx, seller.org, seller.user, order, eur(1_000), "scratched").await.unwrap();
    let _ = tx.enqueue(&SendRefund { refund: refund.id }).await.unwrap();
    tx.commit().await.unwrap();
    workers.queue.drain().await;
    format!("payment/{}", payment.id)
}

/// Compares everything; what was found in all, oldest first.
async fn reconciled(workers: &TestWorkers) -> Vec<Difference> {
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let now = database_time(&mut conn).await;
    let (since, until) = (Some(now - TimeDelta::hours(1)), Some(now + TimeDelta::seconds(2)));
    let _ = workers.ledger.enqueue(&Reconcile { since, until }).await.unwrap();
    workers.queue.drain().await;
    let filter = DifferenceFilter { limit: 100, ..DifferenceFilter::default() };
    let mut found = store::differences(&mut conn, filter).await.unwrap();
    found.reverse();
    found
}

#[tokio::test]
async fn a_difference_made_by_hand_here_or_at_the_provider_is_found_once() {
    let handlers = Handlers::default()
        .with::<Charge>()
        .with::<SendRefund>()
        .with::<Reconcile>()
        .with::<NotifyOrder>()
        .with::<RenderInvoice>()
        .with::<SendEmail>();
    let workers = TestWorkers::new(handlers).await;
    let (first, second) = (sold(&workers).await, sold(&workers).await);
    assert_eq!(reconciled(&workers).await, [], "everything agrees");

    // Here: somebody writes another amount into the table, and takes a refund for done that nobody has made.
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    // The tables refuse this.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE payments SET amount_minor = amount_minor + 1 WHERE 'payment/' || id = $1")
        .bind(&first)
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("UPDATE refunds SET provider_ref = 'refund_of_nobody' WHERE 'payment/' || payment_id = $1")
        .bind(&second)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // There: a payment that we have never made, and a refund past us.
    let url = Url::parse(&format!("http://{}", workers.provider.addr())).unwrap();
    let gateway = SimulatorGateway::new(url.clone(), SecretString::from("key"), url).unwrap();
    let stray = NewCharge {
        amount: eur(500),
        capture: CaptureMode::Automatic,
        method: "card".to_owned(),
        reference: "by hand".to_owned(),
    };
    let stray = gateway.charge("by-hand", &stray).await.unwrap();
    let name: String = sqlx::query_scalar("SELECT provider_ref FROM payments WHERE 'payment/' || id = $1")
        .bind(&second)
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    gateway.refund("past-us", &ProviderRef(name), eur(7)).await.unwrap();

    let found = reconciled(&workers).await;
    let mut seen: Vec<_> = found.iter().map(|it| (it.kind, it.subject.clone())).collect();
    seen.sort();
    let refund: String =
        sqlx::query_scalar("SELECT 'refund/' || id FROM refunds WHERE provider_ref = 'refund_of_nobody'")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    let mut wanted = vec![
        (DifferenceKind::MissingHere, format!("payment/{}", stray.reference)),
        (DifferenceKind::MissingThere, refund),
        (DifferenceKind::Amount, first.clone()),
        // The ledger has booked the amount that was paid.
        (DifferenceKind::Balance, first),
        (DifferenceKind::Balance, second),
    ];
    wanted.sort();
    assert_eq!(seen, wanted);
    assert_eq!(reconciled(&workers).await, found, "once");

    // Closed, it stays closed.
    let judge = trader(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    store::close(&mut tx, judge.user, found[0].id, "mended").await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    assert_eq!(reconciled(&workers).await.len(), found.len());
    workers.close().await;
}

#[tokio::test]
async fn what_is_paid_for_a_plan_is_compared_with_the_provider_and_the_ledger() {
    let handlers = Handlers::default().with::<ChargePlan>().with::<Reconcile>().with::<SendEmail>();
    let workers = TestWorkers::new(handlers).await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let owner = trader(&mut conn).await;
    let mut tx = workers.ledger.begin().await.unwrap();
    choose(&mut tx, owner.org, owner.user, Plan::Standard, None).await.unwrap();
    let charge = plans::charges(&mut tx, owner.org, None, 1).await.unwrap().remove(0).id;
    let provider = Provider::Simulator;
    let (payment, _) = plans::begin(&mut tx, owner.org, owner.user, charge, provider, "card").await.unwrap();
    let _ = tx.enqueue(&ChargePlan { payment }).await.unwrap();
    tx.commit().await.unwrap();
    workers.queue.drain().await;
    assert_eq!(reconciled(&workers).await, [], "everything agrees");

    let mut tx = conn.begin().await.unwrap();
    // The table refuses this.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE plan_payments SET amount_minor = amount_minor + 1").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    let mut seen: Vec<_> = reconciled(&workers).await.into_iter().map(|it| (it.kind, it.subject)).collect();
    seen.sort();
    let subject = format!("payment/{payment}");
    // Neither the provider nor the ledger has that amount.
    let mut wanted = [(DifferenceKind::Amount, subject.clone()), (DifferenceKind::Balance, subject)];
    wanted.sort();
    assert_eq!(seen, wanted);
    workers.close().await;
}
