//! A gateway behind a proxy, its provider's server, and a receiver of the provider's webhooks.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use market::payments::rules::authenticity;
use market::payments::{CaptureMode, Charge, NewAccount, Provider, ProviderRef};
use secrecy::{ExposeSecret, SecretString};
use shared::money::Money;
use shared::testing::Proxy;
use sinks::mollie::{self, Mollie};
use sinks::payments::Fault;
use sinks::simulator::{self, Simulator};
use sinks::stripe::{self, Stripe};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use url::Url;

use super::localstripe::Localstripe;
use super::servers::{Server, SupplementedStripe};
use crate::payments::gateway::{Addresses, Gateway, MollieGateway, SimulatorGateway, StripeGateway};

/// What the product says who it is.
pub(super) const KEY: &str = "sk_of_the_tests_only";
pub(super) const WEBHOOK_KEY: &[u8] = b"whsec_of_the_tests_only";
/// Where buyers come back to.
pub(super) const BACK: &str = "http://shop.example/paid";
/// Any free port.
pub(super) const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);
/// How long anything is waited for, except an answer that is lost: the machine may be busy.
pub(super) const LONG: Duration = Duration::from_secs(30);
/// How long a lost answer is waited for.
const SHORT: Duration = Duration::from_secs(2);

/// A webhook as it came.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) signatures: Vec<String>,
    pub(super) body: Bytes,
}

pub(super) struct TestGateway {
    pub(super) gateway: Arc<dyn Gateway>,
    /// The same one, which does not wait for long.
    pub(super) impatient: Arc<dyn Gateway>,
    /// The same one, with a key that the provider does not know.
    pub(super) stranger: Arc<dyn Gateway>,
    pub(super) proxy: Proxy,
    pub(super) server: Box<dyn Server>,
    webhooks: mpsc::UnboundedReceiver<Webhook>,
    _stop: DropGuard,
}

impl TestGateway {
    pub(super) async fn simulator() -> Self {
        let stop = CancellationToken::new();
        let (webhook_url, webhooks) = receiver(stop.clone(), Provider::Simulator).await;
        let options = simulator::Options {
            addr: LOCAL.into(),
            key: KEY.into(),
            webhook_key: String::from_utf8(WEBHOOK_KEY.to_vec()).unwrap().into(),
            webhook_url: Some(webhook_url),
        };
        let server = Simulator::start(options, stop.clone()).await.unwrap();
        let address = server.addr();
        Self::new(address, Box::new(server), webhooks, stop, |base, key, patience| {
            Arc::new(SimulatorGateway::with_patience(base, key, BACK.parse().unwrap(), patience).unwrap())
        })
        .await
    }

    pub(super) async fn mollie() -> Self {
        let stop = CancellationToken::new();
        let (webhook_url, webhooks) = receiver(stop.clone(), Provider::Mollie).await;
        let server = Mollie::start(mollie_options(Some(webhook_url)), stop.clone()).await.unwrap();
        let address = server.addr();
        Self::new(address, Box::new(server), webhooks, stop, |base, key, patience| {
            let addresses = Addresses { back: BACK.parse().unwrap(), webhooks: None };
            Arc::new(MollieGateway::with_patience(base, &mollie_keys(&key), addresses, patience).unwrap())
        })
        .await
    }

    pub(super) async fn stripe() -> Self {
        let stop = CancellationToken::new();
        let (webhook_url, webhooks) = receiver(stop.clone(), Provider::Stripe).await;
        let localstripe = Localstripe::start().await;
        let options = stripe::Options {
            addr: LOCAL.into(),
            localstripe: localstripe.url.clone(),
            key: KEY.into(),
            webhook_key: String::from_utf8(WEBHOOK_KEY.to_vec()).unwrap().into(),
            webhook_url: Some(webhook_url),
        };
        let front = Stripe::start(options, stop.clone()).await.unwrap();
        let address = front.addr();
        let server = Box::new(SupplementedStripe { front, _localstripe: localstripe });
        Self::new(address, server, webhooks, stop, |base, key, patience| {
            Arc::new(StripeGateway::with_patience(base, key, BACK.parse().unwrap(), patience).unwrap())
        })
        .await
    }

    async fn new(
        address: SocketAddr,
        server: Box<dyn Server>,
        webhooks: mpsc::UnboundedReceiver<Webhook>,
        stop: CancellationToken,
        make: impl Fn(Url, SecretString, Duration) -> Arc<dyn Gateway>,
    ) -> Self {
        let proxy = Proxy::to(&address.to_string()).await.unwrap();
        let base = Url::parse(&format!("http://{}", proxy.address())).unwrap();
        Self {
            gateway: make(base.clone(), KEY.into(), LONG),
            impatient: make(base.clone(), KEY.into(), SHORT),
            stranger: make(base, "another".into(), LONG),
            proxy,
            server,
            webhooks,
            _stop: stop.drop_guard(),
        }
    }

    /// A charge of somebody who pays.
    pub(super) fn charge(&self, amount: Money, capture: CaptureMode) -> Charge {
        let method = self.server.paying().to_owned();
        Charge { amount, capture, method, reference: "payment of the tests".to_owned() }
    }

    /// The buyer answers their bank at the page of a payment; returns where they are sent then.
    pub(super) async fn answer(&self, page: &str, passed: bool) -> String {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        assert!(client.get(page).send().await.unwrap().text().await.unwrap().contains("passed"), "no such page");
        let form = client.post(page).header("content-type", "application/x-www-form-urlencoded");
        let answered = form.body(format!("passed={passed}")).send().await.unwrap();
        assert_eq!(answered.status(), reqwest::StatusCode::SEE_OTHER);
        answered.headers()["location"].to_str().unwrap().to_owned()
    }

    /// An account to be opened for a seller, who has one where the provider opens none.
    pub(super) fn new_account(&self) -> NewAccount {
        NewAccount { reference: "seller".to_owned(), own: self.server.connected() }
    }

    /// Acts are done and kept, and their answers break off.
    pub(super) fn break_replies(&self, times: u32) {
        self.server.inject(Fault::LoseReplies { times });
    }

    /// Acts are done and kept, and their answers and as many webhooks come when nobody impatient waits any more.
    pub(super) fn delay(&self, times: u32) {
        self.server.inject(Fault::Delay { times, by: SHORT * 2 });
    }

    pub(super) fn fail(&self, times: u32) {
        self.server.inject(Fault::Fail { times });
    }

    pub(super) fn busy(&self, times: u32) {
        self.server.inject(Fault::Busy { times });
    }

    pub(super) fn repeat_webhooks(&self, times: u32) {
        self.server.inject(Fault::RepeatWebhooks { times });
    }

    pub(super) fn reverse_webhooks(&self, count: usize) {
        self.server.inject(Fault::ReverseWebhooks { count });
    }

    /// The provider's own checks of the seller end well.
    pub(super) fn activate(&self, account: &ProviderRef) {
        assert!(self.server.activate(&account.0));
    }

    /// Waits until the provider has made so many payments, whoever learns of it.
    pub(super) async fn until_payments(&self, count: usize) {
        let made = async {
            while self.payments() != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LONG, made).await.expect("the provider made no payment");
    }

    /// How many payments the provider has made.
    pub(super) fn payments(&self) -> usize {
        self.server.payments()
    }

    /// How many refunds, transfers and payouts the provider has made.
    pub(super) fn disbursements(&self) -> usize {
        self.server.disbursements()
    }

    pub(super) async fn webhook(&mut self) -> Webhook {
        tokio::time::timeout(LONG, self.webhooks.recv()).await.expect("no webhook came").unwrap()
    }
}

/// Mollie's server, in its test mode.
pub(super) fn mollie_options(webhook_url: Option<String>) -> mollie::Options {
    mollie::Options {
        addr: LOCAL.into(),
        key: format!("test_{KEY}").into(),
        token: format!("access_{KEY}").into(),
        webhook_key: String::from_utf8(WEBHOOK_KEY.to_vec()).unwrap().into(),
        webhook_url,
    }
}

/// Both of Mollie's credentials that are made of `key`.
pub(super) fn mollie_keys(key: &SecretString) -> SecretString {
    format!("test_{0},access_{0}", key.expose_secret()).into()
}

/// A server that takes webhooks of `provider`, its address, and what it took.
pub(super) async fn receiver(
    stop: CancellationToken,
    provider: Provider,
) -> (String, mpsc::UnboundedReceiver<Webhook>) {
    let header = authenticity::header(provider);
    let (taken, webhooks) = mpsc::unbounded_channel();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
    let router = Router::new().route("/webhooks", post(take)).with_state((header, taken));
    tokio::spawn(async move {
        axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
    });
    (url, webhooks)
}

type Taken = (&'static str, mpsc::UnboundedSender<Webhook>);

async fn take(State((header, taken)): State<Taken>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signatures = headers.get_all(header).iter().filter_map(|value| Some(value.to_str().ok()?.to_owned())).collect();
    match taken.send(Webhook { signatures, body }) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::GONE,
    }
}
