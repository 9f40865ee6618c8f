//! What the gateway to Mollie promises besides.

use std::sync::Arc;

use market::payments::rules::{authenticity, notice};
use market::payments::{
    Call, CaptureMode, Charge, Disbursement, Found, NewAccount, PaymentState, Provider, ProviderRef,
};
use secrecy::SecretString;
use shared::clock::Clock;
use shared::money::{Currency, Money};
use sinks::mollie::{FIXED, Mollie, PAYING};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::test_gateway::{KEY, LONG, Webhook, mollie_keys, mollie_options, receiver};
use crate::payments::gateway::{Addresses, Gateway, GatewayError, MollieGateway};

/// The gateway to a server that sends nothing but classic webhooks.
struct TestMollie {
    gateway: Arc<dyn Gateway>,
    server: Mollie,
    webhooks: UnboundedReceiver<Webhook>,
    _stop: DropGuard,
}

impl TestMollie {
    async fn new() -> Self {
        Self::with(&mollie_keys(&KEY.into())).await
    }

    async fn with(keys: &SecretString) -> Self {
        let stop = CancellationToken::new();
        let (webhook_url, webhooks) = receiver(stop.clone(), Provider::Mollie).await;
        let server = Mollie::start(mollie_options(None), stop.clone()).await.unwrap();
        let base = Url::parse(&format!("http://{}", server.addr())).unwrap();
        let addresses = Addresses { back: base.clone(), webhooks: Some(webhook_url.parse().unwrap()) };
        let gateway = Arc::new(MollieGateway::with_patience(base, keys, addresses, LONG).unwrap());
        Self { gateway, server, webhooks, _stop: stop.drop_guard() }
    }

    async fn webhook(&mut self) -> Webhook {
        tokio::time::timeout(LONG, self.webhooks.recv()).await.expect("no webhook came").unwrap()
    }
}

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

fn charge(method: &str) -> Charge {
    let (method, reference) = (method.to_owned(), "payment of the tests".to_owned());
    Charge { amount: eur(1000), capture: CaptureMode::Automatic, method, reference }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: &Result<T, GatewayError>, expected: &str) {
    assert!(matches!(result, Err(GatewayError::Refused { code }) if code == expected), "{result:?}");
}

#[tokio::test]
async fn what_a_key_made_is_found_when_mollie_has_forgotten_the_key() {
    let test = TestMollie::new().await;
    let made = test.gateway.charge("a", &charge(PAYING)).await.unwrap();
    test.gateway.charge("b", &charge(PAYING)).await.unwrap();
    let refund = test.gateway.refund("c", &made.reference, eur(1)).await.unwrap();
    test.server.forget_keys();
    assert_eq!(
        test.gateway.find("a", &Call::Charge).await.unwrap(),
        Some(Found::Payment(test.gateway.payment(&made.reference).await.unwrap().unwrap(),))
    );
    let found = test.gateway.find("c", &Call::Refund(made.reference)).await.unwrap();
    assert!(
        matches!(found, Some(Found::Disbursement(Disbursement { reference, .. })) if reference == refund.reference)
    );
}

#[tokio::test]
async fn a_classic_webhook_tells_whom_to_ask_when_the_buyer_is_done() {
    let mut test = TestMollie::new().await;
    let opened = test.gateway.charge("a", &charge("tkn_1")).await.unwrap();
    assert_eq!(opened.state, PaymentState::Pending);
    assert!(test.server.finish(&opened.reference.0, true));
    let webhook = test.webhook().await;
    assert!(webhook.signatures.is_empty());
    let now = Clock::SYSTEM.now();
    assert_eq!(authenticity::check(Provider::Mollie, &[], &[], &webhook.body, now), Ok(()));
    let notice = notice::read(Provider::Mollie, &webhook.body).unwrap();
    assert_eq!((notice.event_id, &notice.subject), (None, &opened.reference));
    let paid = test.gateway.payment(&notice.subject).await.unwrap().unwrap();
    assert_eq!((paid.state, paid.captured), (PaymentState::Captured, eur(1000)));
    let opened = test.gateway.charge("b", &charge("tkn_1")).await.unwrap();
    assert!(test.server.finish(&opened.reference.0, false));
    let failed = test.gateway.payment(&opened.reference).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.failure.as_deref()), (PaymentState::Failed, Some("authentication_failed")));
}

/// It is left to its own end, and to its buyer until then.
#[tokio::test]
async fn what_mollie_does_not_cancel_waits_on() {
    let test = TestMollie::new().await;
    let opened = test.gateway.charge("a", &charge(FIXED)).await.unwrap();
    refused(&test.gateway.cancel("b", &opened.reference).await, "not_cancelable");
    assert_eq!(test.gateway.payment(&opened.reference).await.unwrap(), Some(opened.clone()));
    assert!(test.server.finish(&opened.reference.0, true));
    refused(&test.gateway.cancel("b", &opened.reference).await, "captured");
}

#[tokio::test]
async fn a_refund_that_mollie_takes_for_a_repetition_is_asked_for_later() {
    let test = TestMollie::new().await;
    let payment = test.gateway.charge("a", &charge(PAYING)).await.unwrap();
    test.gateway.refund("b", &payment.reference, eur(100)).await.unwrap();
    let twin = test.gateway.refund("c", &payment.reference, eur(100)).await;
    assert!(matches!(twin, Err(GatewayError::Busy { .. })), "{twin:?}");
    assert_eq!(test.server.disbursements(), 1);
}

#[tokio::test]
async fn without_an_organisations_token_people_pay_and_nothing_goes_to_sellers() {
    let test = TestMollie::with(&format!("test_{KEY}").into()).await;
    test.gateway.charge("a", &charge(PAYING)).await.unwrap();
    let seller = ProviderRef(test.server.connect());
    for denied in
        [test.gateway.transfer("b", &seller, eur(1)).await.map(|_| ()), test.gateway.account(&seller).await.map(|_| ())]
    {
        assert!(matches!(denied, Err(GatewayError::Denied { .. })), "{denied:?}");
    }
}

#[tokio::test]
async fn only_an_organisation_that_is_connected_is_a_sellers() {
    let test = TestMollie::new().await;
    let new = |own: Option<&str>| NewAccount {
        reference: "seller".to_owned(),
        own: own.map(|own| ProviderRef(own.to_owned())),
    };
    refused(&test.gateway.open_account("a", &new(None)).await, "account_missing");
    refused(&test.gateway.open_account("b", &new(Some("org_0"))).await, "account_not_connected");
    let connected = test.server.connect();
    let opened = test.gateway.open_account("c", &new(Some(&connected))).await.unwrap();
    assert_eq!(opened.reference.0, connected);
}
