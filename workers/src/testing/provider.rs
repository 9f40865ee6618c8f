//! A payment provider that can be made to behave as others do, and the simulator does not.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use market::payments::{
    Account, Call, Charge, Disbursement, Found, NewAccount, Payment, PaymentPage, PaymentState, Provider, ProviderRef,
};
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use shared::money::Money;
use sinks::simulator::Options;

use super::*;
use crate::payments::gateway::GatewayError;

/// A simulator of the test's own, and the gateway to it.
pub(crate) struct TestProvider {
    pub(crate) gateway: Arc<AwkwardGateway>,
    pub(crate) server: Simulator,
    _stop: DropGuard,
}

impl TestProvider {
    pub(crate) async fn new() -> Self {
        let stop = CancellationToken::new();
        let options = Options {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            key: SecretString::from("key"),
            webhook_key: SecretString::from("webhooks"),
            webhook_url: None,
        };
        let server = Simulator::start(options, stop.clone()).await.unwrap();
        let url = Url::parse(&format!("http://{}", server.addr())).unwrap();
        let provider = SimulatorGateway::with_patience(url.clone(), SecretString::from("key"), url, PATIENCE).unwrap();
        let gateway = Arc::new(AwkwardGateway {
            provider,
            forgets: AtomicBool::default(),
            silent: AtomicBool::default(),
            hurried: AtomicBool::default(),
            charges: AtomicUsize::default(),
            answers: Mutex::default(),
        });
        Self { gateway, server, _stop: stop.drop_guard() }
    }

    /// What workers pay through.
    pub(crate) fn through(&self) -> Arc<dyn Gateway> {
        self.gateway.clone()
    }
}

/// A gateway to a provider that answers a charge with the same key as it did the first time, whatever has happened since, and finds
/// nothing by the key of a charge that has taken no money: as Stripe does.
#[derive(Debug)]
pub(crate) struct AwkwardGateway {
    provider: SimulatorGateway,
    forgets: AtomicBool,
    silent: AtomicBool,
    hurried: AtomicBool,
    charges: AtomicUsize,
    /// What was answered to each key.
    answers: Mutex<HashMap<String, Payment>>,
}

impl AwkwardGateway {
    /// From now on it forgets the key of each charge at once, as Stripe has forgotten those of yesterday.
    pub(crate) fn forget_keys(&self) {
        self.forgets.store(true, Ordering::SeqCst);
    }

    /// Whether it refuses to say what has become of anything.
    pub(crate) fn set_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    /// The next payment that is to be cancelled is confirmed by its buyer a moment before.
    pub(crate) fn confirm_before_cancel(&self) {
        self.hurried.store(true, Ordering::SeqCst);
    }

    fn asked(&self) -> Result<(), GatewayError> {
        let silent = self.silent.load(Ordering::SeqCst);
        if silent { Err(GatewayError::Refused { code: "parameter_unknown".to_owned() }) } else { Ok(()) }
    }
}

#[async_trait]
impl Gateway for AwkwardGateway {
    fn provider(&self) -> Provider {
        self.provider.provider()
    }

    async fn charge(&self, key: &str, charge: &Charge) -> Result<Payment, GatewayError> {
        if self.forgets.load(Ordering::SeqCst) {
            let nth = self.charges.fetch_add(1, Ordering::SeqCst);
            return self.provider.charge(&format!("{key}-{nth}"), charge).await;
        }
        let before = self.answers.lock().unwrap().get(key).cloned();
        if let Some(before) = before {
            return Ok(before);
        }
        let made = self.provider.charge(key, charge).await?;
        self.answers.lock().unwrap().insert(key.to_owned(), made.clone());
        Ok(made)
    }

    async fn capture(&self, key: &str, payment: &ProviderRef, part: Money) -> Result<Payment, GatewayError> {
        self.provider.capture(key, payment, part).await
    }

    async fn cancel(&self, key: &str, payment: &ProviderRef) -> Result<Payment, GatewayError> {
        if self.hurried.swap(false, Ordering::SeqCst) {
            let waiting = self.provider.payment(payment).await?;
            let page = waiting.and_then(|waiting| waiting.confirm_at).unwrap();
            assert_eq!(answer(&page, true).await, StatusCode::SEE_OTHER);
        }
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
        self.asked()?;
        self.provider.payment(payment).await
    }

    async fn disbursement(&self, disbursement: &ProviderRef) -> Result<Option<Disbursement>, GatewayError> {
        self.asked()?;
        self.provider.disbursement(disbursement).await
    }

    async fn account(&self, account: &ProviderRef) -> Result<Option<Account>, GatewayError> {
        self.asked()?;
        self.provider.account(account).await
    }

    async fn find(&self, key: &str, call: &Call) -> Result<Option<Found>, GatewayError> {
        self.asked()?;
        let found = self.provider.find(key, call).await?;
        Ok(found.filter(|found| match (call, found) {
            (Call::Charge, Found::Payment(payment)) => payment.state == PaymentState::Captured,
            _ => true,
        }))
    }

    async fn list(
        &self,
        period: &Range<DateTime<Utc>>,
        after: Option<&ProviderRef>,
        limit: u32,
    ) -> Result<PaymentPage, GatewayError> {
        self.asked()?;
        self.provider.list(period, after, limit).await
    }
}

/// The buyer answers their bank at the page of a payment.
pub(crate) async fn answer(page: &str, passed: bool) -> StatusCode {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let form = client.post(page).header("content-type", "application/x-www-form-urlencoded");
    form.body(format!("passed={passed}")).send().await.unwrap().status()
}
