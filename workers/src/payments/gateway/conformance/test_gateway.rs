//! A gateway behind a proxy, its provider's server, and a receiver of the provider's webhooks.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use market::payments::{CaptureMode, Charge, ProviderRef};
use shared::money::Money;
use shared::testing::Proxy;
use sinks::simulator::{AccountState, Fault, Options, Simulator};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::payments::gateway::{Gateway, SimulatorGateway};

/// What the product says who it is.
pub(super) const KEY: &str = "sk_of_the_tests_only";
pub(super) const WEBHOOK_KEY: &[u8] = b"whsec_of_the_tests_only";
/// How long anything is waited for, except an answer that is lost: the machine may be busy.
const LONG: Duration = Duration::from_secs(30);
/// How long a lost answer is waited for.
const SHORT: Duration = Duration::from_secs(2);

/// A webhook as it came.
#[derive(Clone, Debug)]
pub(super) struct Webhook {
    pub(super) signature: String,
    pub(super) body: Bytes,
}

pub(super) struct TestGateway {
    pub(super) gateway: Arc<dyn Gateway>,
    /// The same one, which does not wait for long.
    pub(super) impatient: Arc<dyn Gateway>,
    /// The same one, with a key that the provider does not know.
    pub(super) stranger: Arc<dyn Gateway>,
    pub(super) proxy: Proxy,
    pub(super) server: Simulator,
    webhooks: mpsc::UnboundedReceiver<Webhook>,
    _stop: DropGuard,
}

impl TestGateway {
    pub(super) async fn simulator() -> Self {
        let stop = CancellationToken::new();
        let (webhook_url, webhooks) = receiver(stop.clone()).await;
        let options = Options {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            key: KEY.into(),
            webhook_key: String::from_utf8(WEBHOOK_KEY.to_vec()).unwrap().into(),
            webhook_url: Some(webhook_url),
        };
        let server = Simulator::start(options, stop.clone()).await.unwrap();
        let proxy = Proxy::to(&server.addr().to_string()).await.unwrap();
        let base = url::Url::parse(&format!("http://{}", proxy.address())).unwrap();
        let make = |key: &str, patience| -> Arc<dyn Gateway> {
            Arc::new(SimulatorGateway::with_patience(base.clone(), key.into(), patience).unwrap())
        };
        Self {
            gateway: make(KEY, LONG),
            impatient: make(KEY, SHORT),
            stranger: make("another", LONG),
            proxy,
            server,
            webhooks,
            _stop: stop.drop_guard(),
        }
    }

    /// Acts are done and kept, and their answers break off.
    pub(super) fn break_replies(&self, times: u32) {
        self.server.inject(Fault::LoseReplies { times });
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
        assert!(self.server.set_account(&account.0, AccountState::Active));
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

pub(super) fn charge(amount: Money, capture: CaptureMode) -> Charge {
    Charge { amount, capture, method: "card".to_owned(), reference: "payment of the tests".to_owned() }
}

async fn receiver(stop: CancellationToken) -> (String, mpsc::UnboundedReceiver<Webhook>) {
    let (taken, webhooks) = mpsc::unbounded_channel();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
    let router = Router::new().route("/webhooks", post(take)).with_state(taken);
    tokio::spawn(async move {
        axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
    });
    (url, webhooks)
}

async fn take(State(taken): State<mpsc::UnboundedSender<Webhook>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("simulator-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match taken.send(Webhook { signature: signature.to_owned(), body }) {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::GONE,
    }
}
