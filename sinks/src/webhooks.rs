//! A receiver of webhooks, as an organisation has one: it keeps whatever it is sent, answers as it is told, and 200 otherwise. One that has
//! been given secrets takes only what was signed with one of them.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::serving;

mod signature;
#[cfg(test)]
mod tests;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for webhooks on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("the receiver of webhooks stopped")]
    Stopped(#[source] io::Error),
    #[error("{0} webhooks have arrived in time")]
    Late(usize),
}

/// What a webhook is answered with.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// 307, to this address.
    Redirect(String),
    /// Never.
    Silence,
}

/// A webhook as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The headers of Standard Webhooks, empty where one is missing.
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: Bytes,
}

/// The receiver. It stops when the token it was started with is cancelled.
#[derive(Debug)]
pub struct Receiver {
    addr: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<io::Result<()>>,
}

#[derive(Debug)]
struct Desk {
    /// Absent: signatures are not checked.
    secrets: Mutex<Option<Vec<SecretString>>>,
    replies: Mutex<VecDeque<Reply>>,
    sent: watch::Sender<Vec<Sent>>,
}

impl Receiver {
    /// Starts a receiver; it accepts webhooks when this returns.
    pub async fn start(addr: SocketAddr, shutdown: CancellationToken) -> Result<Self, Error> {
        let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
        let desk = Arc::new(Desk {
            secrets: Mutex::default(),
            replies: Mutex::default(),
            sent: watch::Sender::new(Vec::new()),
        });
        let router = Router::new().route("/hooks", post(take)).with_state(Arc::clone(&desk));
        let task = tokio::spawn(serving::serve(listener, router, shutdown));
        tracing::info!(%addr, "receiver of webhooks listens");
        Ok(Self { addr, desk, task })
    }

    /// Where webhooks are sent to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.addr)
    }

    /// Takes only what is signed with one of these secrets, or of those that were given before. Everything else is answered 401 and not
    /// kept; with no secret at all that is everything.
    pub fn take_signed_with(&self, secrets: impl IntoIterator<Item = SecretString>) {
        let mut all = self.desk.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        all.get_or_insert_default().extend(secrets);
    }

    /// Answers the next webhooks so, one after the other.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.desk.replies.lock().unwrap_or_else(PoisonError::into_inner).extend(replies);
    }

    /// What has come, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.desk.sent.borrow().clone()
    }

    /// How many have come, and how many of them were others: a webhook that came twice has one id.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let sent = self.desk.sent.borrow();
        let ids: BTreeSet<_> = sent.iter().map(|sent| sent.id.as_str()).collect();
        (sent.len(), ids.len())
    }

    /// Waits until so many have come.
    pub async fn wait_for(&self, limit: Duration, count: usize) -> Result<Vec<Sent>, Error> {
        let mut changes = self.desk.sent.subscribe();
        let waited = tokio::time::timeout(limit, changes.wait_for(|sent| sent.len() >= count)).await;
        match waited {
            Ok(Ok(sent)) => Ok(sent.clone()),
            // The sender lives as long as this does.
            Ok(Err(_)) | Err(_) => Err(Error::Late(self.sent().len())),
        }
    }

    /// Waits until the receiver has stopped.
    pub async fn stopped(self) -> Result<(), Error> {
        match self.task.await {
            Ok(result) => result.map_err(Error::Stopped),
            Err(panic) => Err(Error::Stopped(io::Error::other(panic))),
        }
    }
}

impl Desk {
    fn may_take(&self, sent: &Sent) -> bool {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.as_ref().is_none_or(|secrets| secrets.iter().any(|secret| sent.is_signed_with(secret)))
    }
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let sent = Sent {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
        body,
    };
    if !desk.may_take(&sent) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // The answer is chosen before anybody hears that something has come, and may say what comes next.
    let reply = desk.replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    desk.sent.send_modify(|all| all.push(sent));
    match reply.unwrap_or(Reply::Status(200)) {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::OK).into_response(),
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Reply::Silence => std::future::pending().await,
    }
}
