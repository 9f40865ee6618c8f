//! Connections to the SMTP server, and the conversation that sends a mail over one of them.
//!
//! This is not lettre's own pool, which takes a connection back even when its user was dropped in
//! the middle of a conversation; the next mail then reads the answers to the previous one's
//! commands.
//!
//! # How to get this wrong
//! - Giving a connection back before the answer to its last command was read. Only
//!   [`Conversation::end`] gives one back.
//! - Trusting a server to answer: every conversation needs a time limit, which is set by the
//!   caller.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use url::Url;

/// How long connecting may take, including TLS, greeting and login.
const CONNECT: Duration = Duration::from_secs(30);
/// How long an idle connection may take to answer before it is replaced.
const PING: Duration = Duration::from_secs(5);
/// A connection that is idle for longer is closed, as servers would do soon after.
const IDLE: Duration = Duration::from_secs(30);

/// Where a conversation broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Before the mail: connection, greeting, TLS, login.
    Connect,
    Sender,
    Recipient,
    Content,
}

/// What ended a conversation before the server took the mail.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) step: Step,
    pub(super) error: Failure,
}

#[derive(Debug)]
pub(super) enum Failure {
    Smtp(Error),
    /// The server did not answer, for this reason.
    Ours(String),
}

impl Ended {
    fn at(step: Step) -> impl FnOnce(Error) -> Self {
        move |error| Self { step, error: Failure::Smtp(error) }
    }
}

/// One server and the connections to it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server(Pool<Opening>);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(self.0.manager()).finish()
    }
}

impl Server {
    /// Takes `scheme://user:password@host:port/name-to-say?tls=required|opportunistic`, where the
    /// scheme is `smtps` or `smtp`. Errors contain nothing of the URL.
    pub(super) fn new(url: &str, connections: usize) -> Result<Self, String> {
        let timeouts = Timeouts { wait: None, create: Some(CONNECT), recycle: Some(PING) };
        let pool = Pool::builder(Opening::parse(url)?)
            .max_size(connections.max(1))
            .timeouts(timeouts)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| error.to_string())?;
        let weak = pool.weak();
        tokio::spawn(async move {
            while let Some(pool) = weak.upgrade() {
                pool.retain(|_, metrics| metrics.last_used() < IDLE);
                drop(pool);
                tokio::time::sleep(IDLE).await;
            }
        });
        Ok(Self(pool))
    }

    /// Sends one mail. Dropping the future in the middle closes the connection.
    pub(super) async fn deliver(&self, from: &Address, to: &Address, mail: &[u8]) -> Result<Response, Ended> {
        let connection = self.0.get().await.map_err(|error| Ended {
            step: Step::Connect,
            error: match error {
                PoolError::Backend(error) => Failure::Smtp(error),
                PoolError::Timeout(_) => Failure::Ours(format!("no connection within {} s", CONNECT.as_secs())),
                error => Failure::Ours(error.to_string()),
            },
        })?;
        let mut conversation = Conversation(Some(connection));
        let response = converse(conversation.connection(), from, to, mail).await?;
        conversation.end();
        Ok(response)
    }
}

async fn converse(
    server: &mut AsyncSmtpConnection,
    from: &Address,
    to: &Address,
    mail: &[u8],
) -> Result<Response, Ended> {
    let mut parameters = Vec::new();
    if !mail.is_ascii() && server.server_info().supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let _accepted = server.command(Mail::new(Some(from.clone()), parameters)).await.map_err(Ended::at(Step::Sender))?;
    let _accepted = server.command(Rcpt::new(to.clone(), vec![])).await.map_err(Ended::at(Step::Recipient))?;
    let _go_on = server.command(Data).await.map_err(Ended::at(Step::Content))?;
    server.message(mail).await.map_err(Ended::at(Step::Content))
}

/// A connection in use. If it is dropped before its end, the connection is closed: whatever the
/// server says next would still be an answer to this mail.
struct Conversation(Option<Object<Opening>>);

impl Conversation {
    #[expect(clippy::expect_used, reason = "only `end` and `drop` take it, and they take the value as well")]
    fn connection(&mut self) -> &mut AsyncSmtpConnection {
        self.0.as_mut().expect("the conversation goes on")
    }

    fn end(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// Opens connections, and checks them before they are used again.
struct Opening {
    host: String,
    port: u16,
    tls: Tls,
    hello: ClientId,
    credentials: Option<Credentials>,
}

impl Opening {
    fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let host = url.host_str().ok_or("it names no host")?.to_owned();
        let tls = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| error.to_string());
        let (port, tls) = match (url.scheme(), tls.as_deref()) {
            ("smtp", None) => (SMTP_PORT, Tls::None),
            ("smtp", Some("required")) => (SUBMISSION_PORT, Tls::Required(parameters()?)),
            ("smtp", Some("opportunistic")) => (SUBMISSION_PORT, Tls::Opportunistic(parameters()?)),
            ("smtps", _) => (SUBMISSIONS_PORT, Tls::Wrapper(parameters()?)),
            ("smtp", Some(_)) => return Err("tls is either required or opportunistic".to_owned()),
            _ => return Err("its scheme is neither smtp nor smtps".to_owned()),
        };
        let name = url.path().trim_matches('/');
        let hello = if name.is_empty() { ClientId::default() } else { ClientId::Domain(name.to_owned()) };
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None => None,
        };
        Ok(Self { port: url.port().unwrap_or(port), host, tls, hello, credentials })
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "user or password is not UTF-8".to_owned())
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Manager for Opening {
    type Type = AsyncSmtpConnection;
    type Error = Error;

    async fn create(&self) -> Result<AsyncSmtpConnection, Error> {
        let implicit = if let Tls::Wrapper(parameters) = &self.tls { Some(parameters.clone()) } else { None };
        let server = (self.host.trim_matches(['[', ']']), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &self.hello, implicit, None).await?;
        match &self.tls {
            Tls::Required(parameters) => connection.starttls(parameters.clone(), &self.hello).await?,
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), &self.hello).await?;
            }
            _ => {}
        }
        if let Some(credentials) = &self.credentials {
            let _welcome = connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    async fn recycle(&self, connection: &mut AsyncSmtpConnection, metrics: &Metrics) -> RecycleResult<Error> {
        if metrics.last_used() > IDLE {
            return Err(RecycleError::message("it rested for too long"));
        }
        if connection.test_connected().await { Ok(()) } else { Err(RecycleError::message("it does not answer")) }
    }
}

#[cfg(test)]
mod tests;
