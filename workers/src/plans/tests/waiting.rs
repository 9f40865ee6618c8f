//! Payments that wait for their payer, whose bank asks.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use market::payments::{Account, Call, Charge, Disbursement, Found, NewAccount, Payment, PaymentPage, ProviderRef};
use market::plans::model::PlanPayment;
use secrecy::SecretString;
use shared::money::Money;
use sinks::simulator::{CHALLENGED, Options, Simulator};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::*;
use crate::payments::gateway::{Gateway, GatewayError, SimulatorGateway};

/// A provider that has forgotten every key, as Stripe has those of yesterday, and finds none of a payment that waits for its payer.
#[derive(Debug)]
struct Forgetful {
    provider: SimulatorGateway,
    charges: AtomicUsize,
    /// Whether it refuses to say anything about a payment.
    silent: AtomicBool,
}

#[async_trait]
impl Gateway for Forgetful {
    fn provider(&self) -> Provider {
        self.provider.provider()
    }

    async fn charge(&self, key: &str, charge: &Charge) -> Result<Payment, GatewayError> {
        let nth = self.charges.fetch_add(1, Ordering::SeqCst);
        self.provider.charge(&format!("{key}-{nth}"), charge).await
    }

    async fn capture(&self, key: &str, payment: &ProviderRef, part: Money) -> Result<Payment, GatewayError> {
        self.provider.capture(key, payment, part).await
    }

    async fn cancel(&self, key: &str, payment: &ProviderRef) -> Result<Payment, GatewayError> {
        self.provider.cancel(key, payment).await
    }

    async fn refund(&self, key: &str, payment: &ProviderRef, part: Money) -> Result<Disbursement, GatewayError> {
        self.provider.refund(key, payment, part).await
    }

    async fn transfer(&self, key: &str, account: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError> {
        self.provider.transfer(key, account, amount).await
    }

    async fn payout(&self, key: &str, account: &ProviderRef, amount: Money) -> Result<Disbursement, GatewayError> {
        self.provider.payout(key, account, amount).await
    }

    async fn open_account(&self, key: &str, new: &NewAccount) -> Result<Account, GatewayError> {
        self.provider.open_account(key, new).await
    }

    async fn payment(&self, payment: &ProviderRef) -> Result<Option<Payment>, GatewayError> {
        if self.silent.load(Ordering::SeqCst) {
            return Err(GatewayError::Refused { code: "parameter_unknown".to_owned() });
        }
        self.provider.payment(payment).await
    }

    async fn disbursement(&self, disbursement: &ProviderRef) -> Result<Option<Disbursement>, GatewayError> {
        self.provider.disbursement(disbursement).await
    }

    async fn account(&self, account: &ProviderRef) -> Result<Option<Account>, GatewayError> {
        self.provider.account(account).await
    }

    async fn find(&self, _: &str, _: &Call) -> Result<Option<Found>, GatewayError> {
        Ok(None)
    }

    async fn list(
        &self,
        period: &Range<DateTime<Utc>>,
        after: Option<&ProviderRef>,
        limit: u32,
    ) -> Result<PaymentPage, GatewayError> {
        self.provider.list(period, after, limit).await
    }
}

struct TestForgetful {
    test: TestOwner,
    gateway: Arc<Forgetful>,
    server: Simulator,
    _stop: DropGuard,
}

impl TestForgetful {
    async fn new() -> Self {
        let stop = CancellationToken::new();
        let options = Options {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            key: SecretString::from("key"),
            webhook_key: SecretString::from("webhooks"),
            webhook_url: None,
        };
        let server = Simulator::start(options, stop.clone()).await.unwrap();
        let url = Url::parse(&format!("http://{}", server.addr())).unwrap();
        let patience = Duration::from_secs(2);
        let provider = SimulatorGateway::with_patience(url.clone(), SecretString::from("key"), url, patience).unwrap();
        let gateway = Arc::new(Forgetful { provider, charges: AtomicUsize::new(0), silent: AtomicBool::new(false) });
        let through: Arc<dyn Gateway> = gateway.clone();
        let test = TestOwner::at(TestWorkers::paying_through(handlers(), through).await).await;
        Self { test, gateway, server, _stop: stop.drop_guard() }
    }
}

impl TestOwner {
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
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let form = client.post(page).header("content-type", "application/x-www-form-urlencoded").body("passed=true");
    assert_eq!(form.send().await.unwrap().status(), reqwest::StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_payment_that_waits_for_its_payer_is_charged_once_though_the_provider_forgets_its_key() {
    let TestForgetful { test, server, _stop, .. } = TestForgetful::new().await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    test.later().await;
    let waiting = test.payment().await;
    assert_eq!((waiting.status, server.payments()), (PaymentStatus::Funding, 1));
    confirm(&waiting).await;
    test.later().await;
    assert_eq!((test.charge().await.status, test.payment().await.id), (PlanChargeStatus::Paid, waiting.id));
    assert_eq!(server.payments(), 1);
    test.workers.leave().await;
}

#[tokio::test]
async fn a_provider_that_refuses_to_say_what_became_of_a_payment_fails_none() {
    let TestForgetful { test, gateway, server, _stop } = TestForgetful::new().await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    let waiting = test.payment().await;
    confirm(&waiting).await;
    gateway.silent.store(true, Ordering::SeqCst);
    test.later().await;
    assert_eq!(test.payment().await.status, PaymentStatus::Funding, "the money may have been taken");
    gateway.silent.store(false, Ordering::SeqCst);
    test.later().await;
    assert_eq!((test.payment().await.status, server.payments()), (PaymentStatus::Held, 1));
    test.workers.leave().await;
}

#[tokio::test]
async fn a_payment_that_nobody_confirms_for_a_day_is_cancelled_and_another_one_pays() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    test.move_time("UPDATE plan_payments SET created_at = created_at - interval '23 hours'").await;
    test.later().await;
    let waiting = test.payment().await;
    assert_eq!(waiting.status, PaymentStatus::Funding);
    test.move_time("UPDATE plan_payments SET created_at = created_at - interval '1 hour'").await;
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

#[tokio::test]
async fn a_payment_that_is_confirmed_at_the_last_moment_is_not_cancelled() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.pay(CHALLENGED).await;
    let waiting = test.payment().await;
    test.move_time("UPDATE plan_payments SET created_at = created_at - interval '2 days'").await;
    confirm(&waiting).await;
    test.later().await;
    assert_eq!((test.charge().await.status, test.payment().await.id), (PlanChargeStatus::Paid, waiting.id));
    test.workers.leave().await;
}
