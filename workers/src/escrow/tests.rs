//! Against the payment simulator, over HTTP.

use std::time::Duration;

use chrono::TimeDelta;
use jobs::emails::SendEmail;
use jobs::escrow::{ApplyWebhook, Charge, NotifyOrder, ReleaseEscrow, SendRefund, SweepPayments};
use jobs::invoices::{RenderInvoice, repay};
use market::checkout::model::CheckoutLine;
use market::checkout::store as checkouts;
use market::escrow::model::{CheckoutPayment, EscrowStatus, PaymentStatus};
use market::escrow::store::{self, NewWebhook};
use market::ids::{CheckoutId, OrderId};
use market::listings::model::SaleMode;
use market::payments::rules::notice::{Notice, Topic};
use market::payments::{Provider, ProviderRef};
use market::testing::{Trader, eur, listing, trader};
use queue::Job;
use queue::testing::rows;
use queue::worker::Handlers;
use sinks::payments::Fault;
use sinks::simulator::DECLINED;
use sqlx::Connection;

use crate::Services;
use crate::testing::TestWorkers;

mod statements;
mod undone;
mod waiting;

fn handlers() -> Handlers<Services> {
    Handlers::default()
        .with::<Charge>()
        .with::<SendRefund>()
        .with::<ApplyWebhook>()
        .with::<ReleaseEscrow>()
        .with::<SweepPayments>()
        .with::<NotifyOrder>()
        .with::<RenderInvoice>()
        .with::<SendEmail>()
}

struct TestSale {
    workers: TestWorkers,
    buyer: Trader,
    seller: Trader,
    checkout: CheckoutId,
    order: OrderId,
}

impl TestSale {
    async fn new() -> Self {
        Self::at(TestWorkers::new(handlers()).await).await
    }

    async fn at(workers: TestWorkers) -> Self {
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (buyer, seller) = (trader(&mut conn).await, trader(&mut conn).await);
        let listing = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        let lines = [CheckoutLine { listing, quantity: 1, price: eur(10_000) }];
        let mut tx = conn.begin().await.unwrap();
        let term = TimeDelta::minutes(30);
        let checkout = checkouts::place(&mut tx, buyer.org, buyer.user, &lines, term).await.unwrap();
        let order = checkouts::checkout(&mut tx, buyer.org, checkout).await.unwrap().unwrap().orders[0].id;
        tx.commit().await.unwrap();
        drop(conn);
        Self { workers, buyer, seller, checkout, order }
    }

    /// Begins to pay, as the API does.
    async fn pay(&self, method: &str) -> CheckoutPayment {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let (org, user) = (self.buyer.org, self.buyer.user);
        let payment = store::begin(&mut tx, org, user, self.checkout, Provider::Simulator, method).await.unwrap();
        let _ = tx.enqueue(&Charge { payment: payment.id }).await.unwrap();
        tx.commit().await.unwrap();
        payment
    }

    async fn payment(&self, of: &CheckoutPayment) -> CheckoutPayment {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::payment(&mut conn, self.buyer.org, of.id).await.unwrap().unwrap()
    }

    async fn held(&self) -> Option<EscrowStatus> {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::escrow(&mut conn, self.seller.org, self.order).await.unwrap().map(|escrow| escrow.status)
    }

    /// Runs what is due, and what waits for later too, `times` times.
    async fn run(&self, times: usize) {
        for _ in 0..times {
            self.workers.queue.make_due().await;
            self.workers.queue.drain().await;
        }
    }
}

#[tokio::test]
async fn a_buyers_money_is_held_and_goes_to_the_seller_when_time_has_passed() {
    let sale = TestSale::new().await;
    let payment = sale.pay("card").await;
    sale.run(1).await;
    let paid = sale.payment(&payment).await;
    assert_eq!((paid.status, paid.failure), (PaymentStatus::Held, None));
    assert_eq!(sale.held().await, Some(EscrowStatus::Held));
    let printed = rows(&sale.workers.db.pool, RenderInvoice::KIND.name).await;
    assert_eq!((printed.len(), printed[0].state.as_str()), (1, "succeeded"), "{printed:?}");

    let mut tx = sale.workers.ledger.begin().await.unwrap();
    store::ship(&mut tx, sale.seller.org, sale.seller.user, sale.order).await.unwrap();
    store::receive(&mut tx, sale.buyer.org, sale.buyer.user, sale.order).await.unwrap();
    let _ = tx.enqueue(&ReleaseEscrow { order: sale.order }).await.unwrap();
    tx.commit().await.unwrap();
    sale.run(1).await;
    assert_eq!(sale.held().await, Some(EscrowStatus::Held), "the buyer may find fault");
    let mut conn = sale.workers.db.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    // The table refuses this: a promised time does not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE escrows SET inspect_until = clock_timestamp() - interval '1 second'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    sale.run(1).await;
    assert_eq!(sale.held().await, Some(EscrowStatus::Released));
    sale.workers.close().await;
}

#[tokio::test]
async fn a_declined_card_says_why_and_another_one_pays() {
    let sale = TestSale::new().await;
    let first = sale.pay(DECLINED).await;
    sale.run(1).await;
    let failed = sale.payment(&first).await;
    assert_eq!(failed.status, PaymentStatus::Failed);
    assert!(failed.failure.is_some(), "{failed:?}");
    assert_eq!(sale.held().await, None);
    let second = sale.pay("card").await;
    assert_eq!(second.attempt, 2);
    sale.run(1).await;
    assert_eq!(sale.payment(&second).await.status, PaymentStatus::Held);
    sale.workers.close().await;
}

#[tokio::test]
async fn no_double_charge_when_the_reply_is_lost() {
    let sale = TestSale::new().await;
    sale.workers.provider.inject(Fault::LoseReplies { times: 1 });
    let payment = sale.pay("card").await;
    sale.run(1).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Funding, "nobody knows");
    let row = rows(&sale.workers.db.pool, Charge::KIND.name).await.remove(0);
    assert_eq!(row.state, "scheduled", "{row:?}");
    sale.run(1).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Held);
    assert_eq!(sale.workers.provider.payments(), 1);

    // And back again: all of it, once.
    sale.workers.provider.inject(Fault::LoseReplies { times: 1 });
    let mut tx = sale.workers.ledger.begin().await.unwrap();
    let (org, user) = (sale.seller.org, sale.seller.user);
    let refund = store::refund(&mut tx, org, user, sale.order, payment.amount, "not there").await.unwrap();
    repay(&mut tx, refund.id).await.unwrap();
    tx.commit().await.unwrap();
    sale.run(4).await;
    assert_eq!(rows(&sale.workers.db.pool, RenderInvoice::KIND.name).await.len(), 2, "the invoice and the credit note");
    assert_eq!(sale.held().await, Some(EscrowStatus::Refunded));
    assert_eq!(sale.workers.provider.disbursements(), 1);
    let owed: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(balance_minor), 0)::bigint FROM money_accounts WHERE org_id IS NOT NULL",
    )
    .fetch_one(&sale.workers.db.pool)
    .await
    .unwrap();
    assert_eq!(owed, 0, "nobody is owed anything");
    sale.workers.close().await;
}

#[tokio::test]
async fn an_answer_that_is_late_and_a_webhook_after_the_sweep_hold_the_money_once() {
    let sale = TestSale::new().await;
    // Longer than anybody waits.
    sale.workers.provider.inject(Fault::Delay { times: 1, by: Duration::from_mins(10) });
    let payment = sale.pay("card").await;
    sale.run(1).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Funding, "nobody knows");
    assert_eq!(sale.workers.provider.payments(), 1, "it is charged all the same");
    let mut conn = sale.workers.db.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    // The table refuses this.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE payments SET created_at = created_at - interval '3 minutes'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    let _ = sale.workers.ledger.enqueue(&SweepPayments {}).await.unwrap();
    sale.run(1).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Held);
    let effects = async || {
        let booked = "SELECT (SELECT count(*) FROM money_transfers), (SELECT count(*) FROM money_entries)";
        let booked: (i64, i64) = sqlx::query_as(booked).fetch_one(&sale.workers.db.pool).await.unwrap();
        (booked, sale.workers.provider.payments(), rows(&sale.workers.db.pool, Charge::KIND.name).await.len())
    };
    let before = effects().await;
    assert_eq!(before.1, 1, "whoever finds it asks first");

    let subject: String =
        sqlx::query_scalar("SELECT provider_ref FROM payments").fetch_one(&sale.workers.db.pool).await.unwrap();
    let notice = Notice {
        event_id: Some("late".to_owned()),
        kind: "payment.captured".to_owned(),
        topic: Topic::Payment,
        subject: ProviderRef(subject),
    };
    let new = NewWebhook { provider: Provider::Simulator, notice: &notice, body: b"{}" };
    let mut tx = sale.workers.ledger.begin().await.unwrap();
    let webhook = store::receive_webhook(&mut tx, new).await.unwrap().expect("a new one");
    let _ = tx.enqueue(&ApplyWebhook { webhook }).await.unwrap();
    tx.commit().await.unwrap();
    sale.run(1).await;
    let outcome: Option<String> =
        sqlx::query_scalar("SELECT outcome FROM webhook_inbox").fetch_one(&sale.workers.db.pool).await.unwrap();
    assert_eq!(outcome.as_deref(), Some("nothing_new"));
    assert_eq!(effects().await, before);
    assert_eq!(sale.held().await, Some(EscrowStatus::Held));
    sale.workers.close().await;
}

#[tokio::test]
async fn a_webhook_tells_whom_to_ask_and_nothing_else() {
    let sale = TestSale::new().await;
    let payment = sale.pay("card").await;
    sale.run(1).await;
    let name: String =
        sqlx::query_scalar("SELECT provider_ref FROM payments").fetch_one(&sale.workers.db.pool).await.unwrap();
    let mut tx = sale.workers.ledger.begin().await.unwrap();
    for (event, subject) in [("1", name.as_str()), ("2", "pay_of_somebody_else"), ("1", name.as_str())] {
        // A body that says the opposite of what is so.
        let notice = Notice {
            event_id: Some(event.to_owned()),
            kind: "payment.failed".to_owned(),
            topic: Topic::Payment,
            subject: ProviderRef(subject.to_owned()),
        };
        let new = NewWebhook { provider: Provider::Simulator, notice: &notice, body: b"{\"state\":\"failed\"}" };
        if let Some(webhook) = store::receive_webhook(&mut tx, new).await.unwrap() {
            let _ = tx.enqueue(&ApplyWebhook { webhook }).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    sale.run(1).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Held);
    let mut conn = sale.workers.db.pool.acquire().await.unwrap();
    let outcomes = "SELECT outcome FROM webhook_inbox ORDER BY id";
    let seen: Vec<Option<String>> = sqlx::query_scalar(outcomes).fetch_all(&mut *conn).await.unwrap();
    assert_eq!(seen, [Some("nothing_new".to_owned()), None], "the other one may be overtaking our own answer");
    let mut tx = conn.begin().await.unwrap();
    // The table refuses this: what was received stays as it was.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE webhook_inbox SET received_at = received_at - interval '11 minutes'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    sale.run(1).await;
    let seen: Vec<Option<String>> = sqlx::query_scalar(outcomes).fetch_all(&mut *conn).await.unwrap();
    assert_eq!(seen[1].as_deref(), Some("unknown_subject"));
    drop(conn);
    sale.workers.close().await;
}

#[tokio::test]
async fn the_sweep_finds_what_no_job_looks_after_once() {
    let sale = TestSale::new().await;
    let mut tx = sale.workers.ledger.begin().await.unwrap();
    let (org, user) = (sale.buyer.org, sale.buyer.user);
    let payment = store::begin(&mut tx, org, user, sale.checkout, Provider::Simulator, "card").await.unwrap();
    tx.commit().await.unwrap();
    let swept = async || {
        let _ = sale.workers.ledger.enqueue(&SweepPayments {}).await.unwrap();
        sale.run(1).await;
        rows(&sale.workers.db.pool, Charge::KIND.name).await.len()
    };
    assert_eq!(swept().await, 0, "it is being dealt with");
    let mut conn = sale.workers.db.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    // The table refuses this.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE payments SET created_at = created_at - interval '3 minutes'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    assert_eq!(swept().await, 1);
    assert_eq!(swept().await, 1);
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Held);
    sale.workers.close().await;
}
