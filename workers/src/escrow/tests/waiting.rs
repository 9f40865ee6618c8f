//! Payments that wait for their buyer, whose bank asks, and providers that do not say what has become of the money.

use market::checkout::store::Expiry;
use market::escrow::model::RefundStatus;
use reqwest::StatusCode;
use sinks::simulator::CHALLENGED;

use super::*;
use crate::testing::provider::{TestProvider, answer};

impl TestSale {
    async fn at_provider(provider: &TestProvider) -> Self {
        Self::at(TestWorkers::paying_through(handlers(), provider.through()).await).await
    }

    /// Past the tables, which refuse it: what was promised does not move.
    async fn move_time(&self, sql: &'static str) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Ends the checkout, whose payment has had its time.
    async fn expire(&self) {
        self.move_time(
            "UPDATE checkouts
             SET created_at = created_at - interval '1 hour', pay_by = clock_timestamp() - interval '16 minutes'",
        )
        .await;
        self.move_time("UPDATE payments SET waits_since = waits_since - interval '1 hour'").await;
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let expiry = checkouts::expire(&mut tx, self.checkout).await.unwrap();
        assert!(matches!(expiry, Expiry::Ended(_)), "{expiry:?}");
        tx.commit().await.unwrap();
    }

    async fn reserved(&self) -> i64 {
        sqlx::query_scalar("SELECT reserved FROM listings").fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// How many mails say that a payment has failed.
    async fn failures(&self) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = 'payment_failed'";
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }
}

fn page(waiting: &CheckoutPayment) -> &str {
    waiting.confirm_at.as_deref().unwrap()
}

#[tokio::test]
async fn a_payment_that_waits_for_its_buyer_is_charged_once_though_the_provider_forgets_its_key() {
    let provider = TestProvider::new().await;
    provider.gateway.forget_keys();
    let sale = TestSale::at_provider(&provider).await;
    let payment = sale.pay(CHALLENGED).await;
    sale.run(2).await;
    let waiting = sale.payment(&payment).await;
    assert_eq!((waiting.status, provider.server.payments()), (PaymentStatus::Funding, 1));
    assert_eq!(answer(page(&waiting), true).await, StatusCode::SEE_OTHER);
    sale.run(1).await;
    assert_eq!((sale.payment(&payment).await.status, provider.server.payments()), (PaymentStatus::Held, 1));
    sale.workers.close().await;
}

#[tokio::test]
async fn a_payment_that_its_buyer_does_not_confirm_fails_without_a_webhook() {
    let provider = TestProvider::new().await;
    let sale = TestSale::at_provider(&provider).await;
    let payment = sale.pay(CHALLENGED).await;
    sale.run(1).await;
    assert_eq!(answer(page(&sale.payment(&payment).await), false).await, StatusCode::SEE_OTHER);
    // To the same charge the provider still answers that it waits.
    sale.run(1).await;
    let failed = sale.payment(&payment).await;
    assert_eq!((failed.status, failed.failure.as_deref()), (PaymentStatus::Failed, Some("authentication_failed")));
    sale.workers.close().await;
}

#[tokio::test]
async fn a_question_that_the_provider_refuses_fails_no_payment() {
    let provider = TestProvider::new().await;
    let sale = TestSale::at_provider(&provider).await;
    provider.server.inject(Fault::LoseReplies { times: 1 });
    provider.gateway.set_silent(true);
    let payment = sale.pay("card").await;
    sale.run(2).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Funding, "the money was taken");
    provider.gateway.set_silent(false);
    sale.run(1).await;
    assert_eq!((sale.payment(&payment).await.status, provider.server.payments()), (PaymentStatus::Held, 1));
    sale.workers.close().await;
}

#[tokio::test]
async fn a_question_that_the_provider_refuses_fails_no_refund() {
    let provider = TestProvider::new().await;
    let sale = TestSale::at_provider(&provider).await;
    let payment = sale.pay("card").await;
    sale.run(1).await;
    provider.gateway.set_silent(true);
    let mut tx = sale.workers.ledger.begin().await.unwrap();
    let (org, user) = (sale.seller.org, sale.seller.user);
    let refund = store::refund(&mut tx, org, user, sale.order, payment.amount, "not there").await.unwrap();
    repay(&mut tx, refund.id).await.unwrap();
    tx.commit().await.unwrap();
    let status = async || {
        let mut conn = sale.workers.db.pool.acquire().await.unwrap();
        store::refunds(&mut conn, sale.seller.org, sale.order).await.unwrap()[0].status
    };
    sale.run(2).await;
    assert_eq!(status().await, RefundStatus::Intended, "an earlier call may have made it");
    provider.gateway.set_silent(false);
    sale.run(2).await;
    assert_eq!((status().await, provider.server.disbursements()), (RefundStatus::Done, 1));
    sale.workers.close().await;
}

#[tokio::test]
async fn a_buyer_who_has_left_the_page_of_their_bank_pays_in_another_way() {
    let sale = TestSale::new().await;
    let first = sale.pay(CHALLENGED).await;
    sale.run(1).await;
    sale.move_time("UPDATE payments SET waits_since = waits_since - interval '14 minutes'").await;
    sale.run(1).await;
    assert_eq!(sale.payment(&first).await.status, PaymentStatus::Funding);
    sale.move_time("UPDATE payments SET waits_since = waits_since - interval '1 minute'").await;
    sale.run(1).await;
    let given_up = sale.payment(&first).await;
    assert_eq!((given_up.status, given_up.failure.as_deref()), (PaymentStatus::Failed, Some("cancelled")));
    assert_eq!((given_up.confirm_at, sale.failures().await), (None, 1));
    let second = sale.pay("card").await;
    sale.run(1).await;
    assert_eq!((sale.payment(&second).await.status, second.attempt), (PaymentStatus::Held, 2));
    sale.workers.close().await;
}

/// The provider, or we, were away for longer than a buyer has time.
#[tokio::test]
async fn the_time_to_confirm_begins_when_the_buyer_can_be_sent_to_their_bank() {
    let sale = TestSale::new().await;
    let payment = sale.pay(CHALLENGED).await;
    sale.move_time("UPDATE payments SET created_at = created_at - interval '20 minutes'").await;
    sale.run(2).await;
    let waiting = sale.payment(&payment).await;
    assert_eq!(waiting.status, PaymentStatus::Funding);
    // The time to pay was over before that, with what it is prolonged by: the checkout waits for the buyer.
    sale.move_time(
        "UPDATE checkouts
         SET created_at = created_at - interval '1 hour', pay_by = clock_timestamp() - interval '16 minutes'",
    )
    .await;
    let mut tx = sale.workers.ledger.begin().await.unwrap();
    let expiry = checkouts::expire(&mut tx, sale.checkout).await.unwrap();
    assert!(matches!(expiry, Expiry::Paying { .. }), "{expiry:?}");
    tx.commit().await.unwrap();
    assert_eq!(answer(page(&waiting), true).await, StatusCode::SEE_OTHER);
    sale.run(1).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Held);
    sale.workers.close().await;
}

#[tokio::test]
async fn a_payment_that_still_waits_when_its_checkout_has_expired_is_cancelled() {
    let sale = TestSale::new().await;
    let payment = sale.pay(CHALLENGED).await;
    sale.run(1).await;
    let waiting = sale.payment(&payment).await;
    assert_eq!(sale.reserved().await, 1);
    sale.expire().await;
    assert_eq!(sale.reserved().await, 0, "somebody else can buy it");
    sale.run(1).await;
    let cancelled = sale.payment(&payment).await;
    assert_eq!((cancelled.status, cancelled.failure.as_deref()), (PaymentStatus::Failed, Some("cancelled")));
    assert_eq!(answer(page(&waiting), true).await, StatusCode::NOT_FOUND, "nothing is taken any more");
    assert_eq!(sale.failures().await, 0, "the mail that it has expired is enough");
    sale.workers.close().await;
}

#[tokio::test]
async fn a_payment_that_is_confirmed_as_it_is_cancelled_for_an_expired_checkout_goes_back() {
    let provider = TestProvider::new().await;
    let sale = TestSale::at_provider(&provider).await;
    let payment = sale.pay(CHALLENGED).await;
    sale.run(1).await;
    sale.expire().await;
    provider.gateway.confirm_before_cancel();
    sale.run(1).await;
    assert_eq!(sale.payment(&payment).await.status, PaymentStatus::Funding, "it is not cancelled");
    sale.run(2).await;
    assert_eq!((sale.payment(&payment).await.status, sale.held().await), (PaymentStatus::Held, None));
    let refunds: Vec<String> =
        sqlx::query_scalar("SELECT status FROM refunds").fetch_all(&sale.workers.db.pool).await.unwrap();
    assert_eq!((refunds, provider.server.disbursements()), (vec!["done".to_owned()], 1));
    sale.workers.close().await;
}
