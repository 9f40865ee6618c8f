//! The mail that the sink has taken, as a page for people and as JSON for programs.
//!
//! | Path | Answer |
//! |---|---|
//! | `/?q=&to=` | the newest messages, as a page; `q`: with these words in subject, addresses or Message-ID |
//! | `/messages/{id}` | one message, as a page; its HTML in a sandboxed frame |
//! | `/messages/{id}/html` | the HTML part alone, with a policy that runs no script and loads nothing; its links open beside it |
//! | `/messages/{id}/raw` | the whole file |
//! | `/messages.json?q=&to=&limit=` | the newest messages (100 by default, at most 1,000) |
//! | `/messages/{id}/message.json` | one message with its text and HTML |
//! | `/count` | `{"taken": …, "kept": …}`: ever taken, still kept |
//!
//! Anybody who can reach the address can read all mail, so give it a loopback address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::serving;
use crate::smtp::{Message, Sink};

mod page;
mod parts;

use parts::Parts;

/// The policy of our own pages.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// The policy of a message's HTML: mail styles itself inline, and may do nothing else. Its links open pages of their own, outside of the
/// frame, where they are what they would be in a mail program.
const MAIL_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
);
const MAX_LIMIT: usize = 1_000;
const DEFAULT_LIMIT: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for the mailbox page on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("the mailbox page stopped")]
    Stopped(#[source] io::Error),
}

/// The page being served. It stops when the token it was started with is cancelled.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) -> Result<(), Error> {
        match self.task.await {
            Ok(result) => result.map_err(Error::Stopped),
            Err(panic) => Err(Error::Stopped(io::Error::other(panic))),
        }
    }
}

/// Starts the page; it accepts requests when this returns.
pub async fn serve(sink: Sink, addr: SocketAddr, shutdown: CancellationToken) -> Result<Server, Error> {
    let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
    let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
    let task = tokio::spawn(serving::serve(listener, router(sink), shutdown));
    tracing::info!(%addr, "mailbox page listens");
    Ok(Server { addr, task })
}

/// The page as a router, to be served beside others.
pub fn router(sink: Sink) -> Router {
    Router::new()
        .route("/", get(list_page))
        .route("/style.css", get(style))
        .route("/messages.json", get(list_json))
        .route("/messages/{id}", get(message_page))
        .route("/messages/{id}/html", get(message_html))
        .route("/messages/{id}/raw", get(message_raw))
        .route("/messages/{id}/message.json", get(message_json))
        .route("/count", get(count))
        .fallback(async || Problem::NoSuchPage)
        .layer(middleware::map_response(harden))
        .layer(middleware::from_fn(no_foreign_hosts))
        .with_state(sink)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Only messages to this address.
    #[serde(default)]
    to: String,
    /// Only messages in which each of these words is found.
    #[serde(default)]
    q: String,
    limit: Option<usize>,
}

impl Filter {
    fn newest(&self, sink: &Sink) -> Vec<Arc<Message>> {
        let to = self.to.trim();
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let words: Vec<String> = self.q.split_whitespace().map(str::to_lowercase).collect();
        let messages = sink.list().into_iter().filter(|message| to.is_empty() || message.is_to(to));
        messages.filter(|message| words.iter().all(|word| holds(message, word))).take(limit).collect()
    }
}

/// Whether a word in lower case is in what the index knows of a message.
fn holds(message: &Message, word: &str) -> bool {
    let texts = [&message.subject, &message.from].into_iter().chain(&message.to).chain(&message.message_id);
    texts.into_iter().any(|text| text.to_lowercase().contains(word))
}

#[derive(Debug)]
enum Problem {
    NoSuchPage,
    NoSuchMessage,
    BadQuery(String),
    Io(io::Error),
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NoSuchPage => (StatusCode::NOT_FOUND, "There is no such page.".to_owned()),
            Self::NoSuchMessage => (StatusCode::NOT_FOUND, "There is no such message (any more).".to_owned()),
            Self::BadQuery(text) => (StatusCode::BAD_REQUEST, text),
            Self::Io(error) => {
                tracing::warn!(%error, "cannot read a message");
                (StatusCode::INTERNAL_SERVER_ERROR, "The message cannot be read.".to_owned())
            }
        };
        (status, text).into_response()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::BadQuery(rejection.body_text())
    }
}

async fn list_page(
    State(sink): State<Sink>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let Query(filter) = filter?;
    Ok(Html(page::list(&filter.newest(&sink), &filter.q, &filter.to, sink.count())))
}

async fn message_page(State(sink): State<Sink>, Path(id): Path<String>) -> Result<Html<String>, Problem> {
    let (message, parts) = load(&sink, &id).await?;
    Ok(Html(page::message(&message, &parts)))
}

async fn message_html(State(sink): State<Sink>, Path(id): Path<String>) -> Result<Response, Problem> {
    let (_, parts) = load(&sink, &id).await?;
    let html = parts.html.ok_or(Problem::NoSuchPage)?;
    Ok(([(header::CONTENT_SECURITY_POLICY, MAIL_POLICY)], Html(page::opening_links_beside(&html))).into_response())
}

async fn message_raw(State(sink): State<Sink>, Path(id): Path<String>) -> Result<Response, Problem> {
    let (_, raw) = load_raw(&sink, &id).await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], raw).into_response())
}

#[derive(Debug, Serialize)]
struct MessageBody {
    #[serde(flatten)]
    message: Arc<Message>,
    #[serde(flatten)]
    parts: Parts,
}

async fn message_json(State(sink): State<Sink>, Path(id): Path<String>) -> Result<Json<MessageBody>, Problem> {
    let (message, parts) = load(&sink, &id).await?;
    Ok(Json(MessageBody { message, parts }))
}

#[derive(Debug, Serialize)]
struct MessageList {
    /// How many messages have ever been taken, whatever the filter.
    taken: u64,
    messages: Vec<Arc<Message>>,
}

async fn list_json(
    State(sink): State<Sink>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<MessageList>, Problem> {
    let Query(filter) = filter?;
    Ok(Json(MessageList { taken: sink.count(), messages: filter.newest(&sink) }))
}

#[derive(Debug, Serialize)]
struct Count {
    taken: u64,
    kept: usize,
}

async fn count(State(sink): State<Sink>) -> Json<Count> {
    Json(Count { taken: sink.count(), kept: sink.list().len() })
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE)
}

async fn load(sink: &Sink, id: &str) -> Result<(Arc<Message>, Parts), Problem> {
    let (message, raw) = load_raw(sink, id).await?;
    Ok((message, Parts::of(&raw)))
}

async fn load_raw(sink: &Sink, id: &str) -> Result<(Arc<Message>, Vec<u8>), Problem> {
    let id = id.parse().map_err(|_| Problem::NoSuchMessage)?;
    let message = sink.get(id).ok_or(Problem::NoSuchMessage)?;
    let raw = sink.raw(id).await.map_err(Problem::Io)?;
    Ok((message, raw.ok_or(Problem::NoSuchMessage)?))
}

/// Answers only requests to an address or to `localhost`: a foreign site that points its own name
/// here (DNS rebinding) could otherwise read the mail through a developer's browser.
async fn no_foreign_hosts(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.and_then(|host| host.parse::<axum::http::uri::Authority>().ok());
    let own = name.is_some_and(|name| {
        let name = name.host().trim_matches(['[', ']']);
        name == "localhost" || name.ends_with(".localhost") || name.parse::<std::net::IpAddr>().is_ok()
    });
    if own {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "Open this page by address or as localhost.").into_response()
    }
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(PAGE_POLICY);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
