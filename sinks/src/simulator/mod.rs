//! A payment provider of our own for development and tests: it takes charges, keeps what it was told as
//! long as the process lives, signs its webhooks, and misbehaves on demand.
//!
//! | Request | Does |
//! |---|---|
//! | `POST /v1/payments` | charges: `amount`, `currency`, `capture`, `method` ([`DECLINED`] is declined, [`CHALLENGED`] waits for the buyer), `reference`, `back` |
//! | `/challenges/{id}` | the page at which a buyer confirms a payment, `passed` or not, and is sent to `back` |
//! | `POST /v1/payments/{id}/captures`, `…/cancels`, `…/refunds` | captures or refunds a part, or cancels |
//! | `POST /v1/accounts`, `/v1/transfers`, `/v1/payouts` | opens a seller's account, moves money to it, pays it out |
//! | `GET /v1/payments?from=&until=&after=&limit=` | the payments of a period (Unix times) in the order in which they were made |
//! | `GET /v1/payments/{id}`, `/v1/disbursements/{id}`, `/v1/accounts/{id}` | one thing as it is now |
//! | `GET /v1/keys/{key}` | what an idempotency key made, as it is now |
//! | `POST /_accounts/{id}` | `{"state": …}`: what the provider's own checks would say |
//! | `POST /_faults` | see [`Fault`] |
//!
//! Every act needs `Authorization: Bearer <key>` and an `Idempotency-Key`. Amounts are minor units of ISO
//! 4217.
//!
//! How to get this wrong: share code with the product's own signatures. Two implementations check each
//! other only while they are two.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod book;
mod routes;
#[cfg(test)]
mod tests;

use crate::payments::{Fault, Header, Outbox, Webhook};
use crate::serving;
use book::Book;
pub use book::{AccountState, CHALLENGED, DECLINED};

/// Where to listen, who may ask, and where webhooks go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 picks a free port; [`Simulator::addr`] returns which.
    pub addr: SocketAddr,
    /// What the product says in `Authorization`.
    pub key: SecretString,
    /// What webhooks are signed with.
    pub webhook_key: SecretString,
    /// Where webhooks are sent; `None`: nowhere.
    pub webhook_url: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for the payment simulator on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("the payment simulator stopped")]
    Stopped(#[source] io::Error),
}

#[derive(Debug)]
struct Desk {
    addr: SocketAddr,
    book: Mutex<Book>,
    outbox: Outbox,
    key: SecretString,
}

impl Desk {
    fn book(&self) -> MutexGuard<'_, Book> {
        // Every act checks before it changes anything, so a panic elsewhere leaves nothing half done.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what has happened to the sender.
    fn post(&self, book: &mut Book) {
        for event in book.events.drain(..) {
            let body = serde_json::to_vec(&event).unwrap_or_default();
            let header = Header::Signed("simulator-signature");
            self.outbox.push(Webhook { kind: event.kind.to_owned(), body, header });
        }
    }

    fn set_account(&self, id: &str, state: AccountState) -> bool {
        let mut book = self.book();
        let done = book.set_account(id, state).is_ok();
        self.post(&mut book);
        done
    }
}

/// A running server. It stops when the token it was started with is cancelled.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<Result<(), Error>>,
}

impl Simulator {
    /// Starts a server; it accepts requests when this returns.
    pub async fn start(options: Options, shutdown: CancellationToken) -> Result<Self, Error> {
        let addr = options.addr;
        let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
        let outbox = Outbox::new(options.webhook_key, options.webhook_url);
        let desk = Arc::new(Desk { addr, book: Mutex::default(), outbox, key: options.key });
        let router = routes::router(Arc::clone(&desk));
        let sending = Arc::clone(&desk);
        let task = tokio::spawn(async move {
            tokio::select! {
                ended = serving::serve(listener, router, shutdown) => ended.map_err(Error::Stopped),
                () = sending.outbox.send_all() => Ok(()),
            }
        });
        tracing::info!(%addr, "payment simulator listens");
        Ok(Self { addr, desk, task })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Misbehaves from now on.
    pub fn inject(&self, fault: Fault) {
        self.desk.outbox.inject(fault);
    }

    /// Moves an account to another state, as the provider's own checks would. Returns whether there is
    /// such an account.
    pub fn set_account(&self, id: &str, state: AccountState) -> bool {
        self.desk.set_account(id, state)
    }

    /// A bank gives a refund or a payout back that was done. Returns whether there is one.
    pub fn bounce(&self, id: &str) -> bool {
        let mut book = self.desk.book();
        let done = book.bounce(id).is_ok();
        self.desk.post(&mut book);
        done
    }

    /// How many payments there are, whatever their state.
    pub fn payments(&self) -> usize {
        self.desk.book().payments.len()
    }

    /// How many refunds, transfers and payouts there are.
    pub fn disbursements(&self) -> usize {
        self.desk.book().disbursements.len()
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) -> Result<(), Error> {
        match self.task.await {
            Ok(result) => result,
            Err(panic) => Err(Error::Stopped(io::Error::other(panic))),
        }
    }
}
