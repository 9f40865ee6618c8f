//! localstripe and a supplement: what a marketplace needs of Stripe and localstripe (a program apart, of
//! others) lacks, in front of it.
//!
//! | Request | Answered by |
//! |---|---|
//! | `POST /v1/payment_intents`, refunds, payouts | localstripe; the supplement checks balances and captured amounts first |
//! | `POST /v1/payment_intents/{id}/capture` | the supplement while parts are captured; localstripe at the last one |
//! | lists of payment intents and charges | the supplement: newest first, by period, by transfer group |
//! | `/v1/transfers`, `/v1/accounts`, payouts out of an account | the supplement |
//! | `Idempotency-Key` | the supplement, for every act |
//! | `/challenges/{id}` | the supplement: the page at which a buyer confirms a payment, and what localstripe makes of it |
//! | webhooks | localstripe's `payment_intent.succeeded` and `…payment_failed` as it signed them; the others the supplement |
//! | anything else | localstripe |
//!
//! Amounts in parameters are those of the request; nothing is known of fees, of conversion or of the time
//! that Stripe's balances take.
//!
//! How to get this wrong: take what passes here for what Stripe does. The suite can be run against a real
//! account for that.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod acts;
mod book;
mod reads;
mod routes;
mod upstream;

use crate::payments::{Fault, Outbox};
use crate::serving;
use book::Book;
use upstream::Upstream;

/// The way to pay that its bank declines; [`PAYING`] pays. Both are of Stripe's own for tests.
pub const DECLINED: &str = "pm_card_chargeCustomerFail";
/// See [`DECLINED`].
pub const PAYING: &str = "pm_card_visa";
/// The way to pay that waits for its buyer; Stripe's own for tests as well.
pub const CHALLENGED: &str = "pm_card_threeDSecure2Required";

/// Where to listen, where localstripe is, who may ask, and where webhooks go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 picks a free port; [`Stripe::addr`] returns which.
    pub addr: SocketAddr,
    /// Where localstripe listens, without a path.
    pub localstripe: String,
    /// What the product says in `Authorization`; begins with `sk_`.
    pub key: SecretString,
    /// What webhooks are signed with.
    pub webhook_key: SecretString,
    /// Where webhooks are sent; `None`: nowhere.
    pub webhook_url: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for Stripe's supplement on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("localstripe does not take the address for its webhooks")]
    Webhooks(#[source] reqwest::Error),
    #[error("Stripe's supplement stopped")]
    Stopped(#[source] io::Error),
}

/// What routes and acts share.
#[derive(Debug)]
struct Front {
    addr: SocketAddr,
    book: Mutex<Book>,
    /// One act after the other, because each asks localstripe between its check and its change.
    turn: tokio::sync::Mutex<()>,
    outbox: Outbox,
    upstream: Upstream,
    key: SecretString,
}

impl Front {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server. It stops when the token it was started with is cancelled.
#[derive(Debug)]
pub struct Stripe {
    addr: SocketAddr,
    front: Arc<Front>,
    task: JoinHandle<Result<(), Error>>,
}

impl Stripe {
    /// Starts a server; it accepts requests when this returns, and localstripe sends its webhooks to it.
    pub async fn start(options: Options, shutdown: CancellationToken) -> Result<Self, Error> {
        let addr = options.addr;
        let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
        let upstream = Upstream::new(options.localstripe, options.key.clone());
        let events = format!("http://{addr}{}", routes::EVENTS);
        upstream.send_webhooks(&events, &options.webhook_key).await.map_err(Error::Webhooks)?;
        let front = Arc::new(Front {
            addr,
            book: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            outbox: Outbox::new(options.webhook_key, options.webhook_url),
            upstream,
            key: options.key,
        });
        let router = routes::router(Arc::clone(&front));
        let sending = Arc::clone(&front);
        let task = tokio::spawn(async move {
            tokio::select! {
                ended = serving::serve(listener, router, shutdown) => ended.map_err(Error::Stopped),
                () = sending.outbox.send_all() => Ok(()),
            }
        });
        Ok(Self { addr, front, task })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Misbehaves from now on.
    pub fn inject(&self, fault: Fault) {
        self.front.outbox.inject(fault);
    }

    /// Ends the checks of an account well. Returns whether there is such an account.
    pub fn activate(&self, id: &str) -> bool {
        let changed = self.front.book().activate(id);
        changed.is_some_and(|account| {
            self.front.outbox.push(book::event("account.updated", &account, Some(id)));
            true
        })
    }

    /// How many payment intents there are, whatever their state.
    pub fn payments(&self) -> usize {
        self.front.book().intents.len()
    }

    /// How many refunds, transfers and payouts there are.
    pub fn disbursements(&self) -> usize {
        let book = self.front.book();
        book.refunds + book.transfers.len() + book.payouts.len()
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) -> Result<(), Error> {
        match self.task.await {
            Ok(result) => result,
            Err(panic) => Err(Error::Stopped(io::Error::other(panic))),
        }
    }
}
