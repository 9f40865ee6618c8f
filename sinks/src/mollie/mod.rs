//! A server of the shape of Mollie's API, for tests: it keeps what it was told as long as the process lives, and misbehaves on
//! demand. The facts are those of docs.mollie.com and of the API's description in Mollie's own libraries.
//!
//! | Request | Does |
//! |---|---|
//! | `POST /v2/payments` | charges a stored card (`sequenceType: recurring`) at once, or opens a payment by `cardToken`, which waits for its buyer |
//! | `DELETE /v2/payments/{id}` | cancels a payment that is open, if it may be cancelled |
//! | `POST /v2/payments/{id}/captures`, `…/refunds`, `…/release-authorization` | captures or refunds a part, or lets go of the rest |
//! | `POST /v2/connect/balance-transfers` | moves money to a connected organisation |
//! | `/challenges/{id}` | the page at which a buyer confirms a payment, `passed` or not, and is sent to its `redirectUrl` |
//! | `GET` of each of these, and their lists | what there is now; lists are newest first, `from` names the first item |
//! | `GET /v2/clients/{id}`, `/v2/organizations/me` | a connected organisation and its onboarding; the platform itself |
//!
//! Payments ask for the API key, everything else for the organisation's token. An act that takes its time (a capture, a refund, a
//! transfer) is under way in its own answer and decided when it is read.
//!
//! Not known of Mollie, and chosen here so that nobody can rely on more: the same `Idempotency-Key` gets the first answer
//! again whatever it is sent with, and each answer is kept, refusals too.
//!
//! How to get this wrong: take what passes here for what Mollie does; share code with the product's own signatures and amounts.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod acts;
mod amount;
mod book;
mod reads;
mod routes;
#[cfg(test)]
mod tests;

use crate::payments::{Fault, Header, Outbox, Webhook};
use crate::serving;
pub use book::Onboarding;
use book::{Book, Event};

/// A stored card that pays: a customer and a mandate, as the product writes them.
pub const PAYING: &str = "cst_paying/mdt_card";
/// A stored card whose bank declines.
pub const DECLINED: &str = "cst_declined/mdt_card";
/// A card that waits for its buyer.
pub const CHALLENGED: &str = "tkn_card";
/// The same, and Mollie cancels it for nobody.
pub const FIXED: &str = "tkn_fixed";
/// The platform's own organisation.
pub const PLATFORM: &str = "org_1";

/// Where to listen, who may ask, and where webhooks go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 picks a free port; [`Mollie::addr`] returns which.
    pub addr: SocketAddr,
    /// What asks about payments; of the test mode if it begins with `test_`.
    pub key: SecretString,
    /// What asks about everything else.
    pub token: SecretString,
    /// What next-gen webhooks are signed with.
    pub webhook_key: SecretString,
    /// Where next-gen webhooks are sent; `None`: nowhere. Classic ones go where each payment says.
    pub webhook_url: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for Mollie's server on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("Mollie's server stopped")]
    Stopped(#[source] io::Error),
}

#[derive(Debug)]
struct Desk {
    addr: SocketAddr,
    book: Mutex<Book>,
    outbox: Outbox,
    key: SecretString,
    token: SecretString,
}

impl Desk {
    fn book(&self) -> MutexGuard<'_, Book> {
        // Every act checks before it changes anything, so a panic elsewhere leaves nothing half done.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_test(&self) -> bool {
        self.key.expose_secret().starts_with("test_")
    }

    /// Takes the buyer's answer to their bank; returns where the buyer goes then, if something was asked.
    fn finish(&self, payment: &str, paid: bool) -> Option<String> {
        let mut book = self.book();
        let back = book.finish(payment, paid);
        self.post(&mut book);
        back
    }

    /// Hands what has happened to the sender: to the subscription, and to the payment's own address.
    fn post(&self, book: &mut Book) {
        for Event { kind, entity, classic } in book.events.drain(..) {
            let body = book::event(&kind, &entity).to_string().into_bytes();
            self.outbox.push(Webhook { kind: kind.clone(), body, header: Header::Hashed("x-mollie-signature") });
            if let Some((url, payment)) = classic {
                let body = format!("id={payment}").into_bytes();
                self.outbox.push(Webhook { kind, body, header: Header::Unsigned(url) });
            }
        }
    }
}

/// A running server. It stops when the token it was started with is cancelled.
#[derive(Debug)]
pub struct Mollie {
    addr: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<Result<(), Error>>,
}

impl Mollie {
    /// Starts a server; it accepts requests when this returns.
    pub async fn start(options: Options, shutdown: CancellationToken) -> Result<Self, Error> {
        let addr = options.addr;
        let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
        let outbox = Outbox::new(options.webhook_key, options.webhook_url);
        let desk = Arc::new(Desk { addr, book: Mutex::default(), outbox, key: options.key, token: options.token });
        let router = routes::router(Arc::clone(&desk));
        let sending = Arc::clone(&desk);
        let task = tokio::spawn(async move {
            tokio::select! {
                ended = serving::serve(listener, router, shutdown) => ended.map_err(Error::Stopped),
                () = sending.outbox.send_all() => Ok(()),
            }
        });
        Ok(Self { addr, desk, task })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Misbehaves from now on.
    pub fn inject(&self, fault: Fault) {
        self.desk.outbox.inject(fault);
    }

    /// Connects a seller's organisation that has data to give yet; returns its name.
    pub fn connect(&self) -> String {
        self.desk.book().connect()
    }

    /// Moves an organisation's onboarding on, as Mollie's own checks would. Returns whether it is connected.
    pub fn set_account(&self, id: &str, onboarding: Onboarding) -> bool {
        self.desk.book().set_account(id, onboarding)
    }

    /// The buyer of an open payment has done what their bank asked, or has failed to. Returns whether there was one.
    pub fn finish(&self, payment: &str, paid: bool) -> bool {
        self.desk.finish(payment, paid).is_some()
    }

    /// Forgets what was done with each idempotency key, as Mollie does after a while.
    pub fn forget_keys(&self) {
        self.desk.book().keys.clear();
    }

    /// How many payments there are, whatever their state.
    pub fn payments(&self) -> usize {
        self.desk.book().payments.len()
    }

    /// How many refunds there are, and transfers that moved something.
    pub fn disbursements(&self) -> usize {
        let book = self.desk.book();
        book.refunds.len() + book.transfers.iter().filter(|transfer| transfer.reason == "success").count()
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) -> Result<(), Error> {
        match self.task.await {
            Ok(result) => result,
            Err(panic) => Err(Error::Stopped(io::Error::other(panic))),
        }
    }
}
