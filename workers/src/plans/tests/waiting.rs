//! Payments that wait for their payer, whose bank asks.

use market::plans::model::PlanPayment;
use reqwest::StatusCode;
use sinks::simulator::CHALLENGED;

use super::*;
use crate::testing::provider::{TestProvider, answer};

impl TestOwner {
    async fn at_provider(provider: &TestProvider) -> Self {
        Self::at(TestWorkers::paying_through(handlers(), provider.through()).await).await
    }

    /// Runs what waits for later.
    async fn later(&self) {
        self.workers.queue.make_due().await;
        self.workers.queue.drain().await;
    }

    async fn payment(&self) -> PlanPayment {
        self.charge().await.payment.unwrap()
    }
}

/// The payer confirms a payment at the page of their bank.
async fn confirm(payment: &PlanPayment) {
    let page = payment.confirm_at.as_deref().unwrap();
    assert_eq!(answer(page, true).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_payment_that_waits_for_its_payer_is_charged_once_though_the_provider_forgets_its_key() {
    let provider = TestProvider::new().await;
    provider.gateway.forget_keys();
    let test = TestOwner::at_provider(&provider).await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    test.later().await;
    let waiting = test.payment().await;
    assert_eq!((waiting.status, provider.server.payments()), (PaymentStatus::Funding, 1));
    confirm(&waiting).await;
    test.later().await;
    assert_eq!((test.charge().await.status, test.payment().await.id), (PlanChargeStatus::Paid, waiting.id));
    assert_eq!(provider.server.payments(), 1);
    test.workers.leave().await;
}

#[tokio::test]
async fn a_provider_that_refuses_to_say_what_became_of_a_payment_fails_none() {
    let provider = TestProvider::new().await;
    let test = TestOwner::at_provider(&provider).await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    let waiting = test.payment().await;
    confirm(&waiting).await;
    provider.gateway.set_silent(true);
    test.later().await;
    assert_eq!(test.payment().await.status, PaymentStatus::Funding, "the money may have been taken");
    provider.gateway.set_silent(false);
    test.later().await;
    assert_eq!((test.payment().await.status, provider.server.payments()), (PaymentStatus::Held, 1));
    test.workers.leave().await;
}

#[tokio::test]
async fn a_payment_that_nobody_confirms_for_a_day_is_cancelled_and_another_one_pays() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    test.move_time("UPDATE plan_payments SET waits_since = waits_since - interval '23 hours'").await;
    test.later().await;
    let waiting = test.payment().await;
    assert_eq!(waiting.status, PaymentStatus::Funding);
    test.move_time("UPDATE plan_payments SET waits_since = waits_since - interval '1 hour'").await;
    test.later().await;
    let given_up = test.payment().await;
    assert_eq!((given_up.status, given_up.failure.as_deref()), (PaymentStatus::Failed, Some("cancelled")));
    assert_eq!(given_up.confirm_at, None);
    // What is due, and what has failed.
    assert_eq!(test.mails().await, 2);
    test.pay("card").await;
    assert_eq!((test.charge().await.status, test.payment().await.attempt), (PlanChargeStatus::Paid, 2));
    test.workers.leave().await;
}

/// The provider, or we, were away for longer than a payer has time.
#[tokio::test]
async fn the_day_to_confirm_begins_when_the_payer_can_be_sent_to_their_bank() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    test.move_time("UPDATE plan_payments SET created_at = created_at - interval '2 days'").await;
    test.later().await;
    let waiting = test.payment().await;
    assert_eq!(waiting.status, PaymentStatus::Funding);
    confirm(&waiting).await;
    test.later().await;
    assert_eq!((test.charge().await.status, test.payment().await.id), (PlanChargeStatus::Paid, waiting.id));
    test.workers.leave().await;
}

#[tokio::test]
async fn a_payment_that_is_confirmed_at_the_last_moment_is_not_cancelled() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    let waiting = test.payment().await;
    test.move_time("UPDATE plan_payments SET waits_since = waits_since - interval '2 days'").await;
    confirm(&waiting).await;
    test.later().await;
    assert_eq!((test.charge().await.status, test.payment().await.id), (PlanChargeStatus::Paid, waiting.id));
    test.workers.leave().await;
}
