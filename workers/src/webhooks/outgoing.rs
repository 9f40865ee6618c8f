//! HTTP to the endpoints of organisations, whom nobody here trusts: the address is looked up once, judged, and connected to; redirects are
//! not followed; the answer's beginning is read and no more. A connection serves one delivery, so that each is judged anew.
//!
//! # How to get this wrong
//! - Handing the name to a client that looks it up again: it may lead elsewhere by then.
//! - Waiting for an answer's whole body: it may never end.
//! - Letting one endpoint have all the room: a slow one would hold up everybody's deliveries.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use market::carriers::rules::signature;
use market::ids::{DeliveryId, EndpointId};
use market::webhooks::model::{Attempt, AttemptOutcome, Sending};
use market::webhooks::rules::reach::Reach;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;
use shared::config::Config;
use shared::crypto::seal::Keyring;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Position, Url};

/// How long an endpoint may take to answer, from looking its name up to the end of the headers (Standard Webhooks 1.0 suggests 15 to
/// 30 s).
const PATIENCE: Duration = Duration::from_secs(15);
/// How long one address may take to take a connection, and how many of a name's are tried.
const CONNECT: Duration = Duration::from_secs(5);
const MOST_ADDRESSES: usize = 3;
/// How long the beginning of an answer's body is waited for, and how long it is.
const BODY: Duration = Duration::from_secs(2);
const MAX_BODY: usize = 1_024;
/// How long the headers of an answer may be.
const MAX_HEAD: usize = 64 << 10;
/// How many deliveries of a process an endpoint gets at a time, and how long another one waits here for its turn.
const AT_ONCE: usize = 2;
const TURN: Duration = Duration::from_millis(500);
/// How many endpoints are remembered that nothing is sent to.
const MAX_IDLE: usize = 10_000;

/// Where webhooks go out. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing(Arc<Inner>);

struct Inner {
    /// Opens what deliveries are signed with.
    keyring: Option<Keyring>,
    reach: Reach,
    tls: TlsConnector,
    patience: Duration,
    turns: Mutex<HashMap<EndpointId, Arc<Semaphore>>>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("keyring", &self.0.keyring)
            .field("reach", &self.0.reach)
            .finish_non_exhaustive()
    }
}

/// Why there is no answer.
enum Failure {
    Forbidden(&'static str),
    Unreachable(String),
}

/// An answer as far as it was read.
struct Answered {
    status: u16,
    asked: Option<TimeDelta>,
    body: Vec<u8>,
}

impl Outgoing {
    /// Without a master key nothing is sent: only the pool that delivers webhooks needs one.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        let key = &config.encryption.master_key;
        let keyring = if key.expose_secret().is_empty() { None } else { Some(config.keyring()?) };
        let mut authorities = RootCertStore::empty();
        // A machine without any finds out when something is sent over TLS.
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with(keyring, Reach::of(config.webhooks.private_targets), authorities, PATIENCE)
    }

    /// One that trusts these authorities and nobody else.
    fn with(
        keyring: Option<Keyring>,
        reach: Reach,
        authorities: RootCertStore,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        // Named, so that nothing depends on what the process has installed.
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("set up TLS")?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(tls));
        Ok(Self(Arc::new(Inner { keyring, reach, tls, patience, turns: Mutex::default() })))
    }

    /// One for tests, which reaches the receivers of the test.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn for_tests(key: &str, reach: Reach, patience: Duration) -> anyhow::Result<Self> {
        let keyring = Keyring::read(&key.to_owned().into())?;
        Self::with(Some(keyring), reach, RootCertStore::empty(), patience)
    }

    pub(crate) fn keyring(&self) -> anyhow::Result<&Keyring> {
        self.0.keyring.as_ref().context("MASTER_KEY is not set here, and webhooks are signed with what it has sealed")
    }

    /// A turn at an endpoint, until it is dropped; `None`: it is busy.
    pub(crate) async fn turn(&self, endpoint: EndpointId) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut all = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_IDLE {
                // Whoever waits or sends holds another reference.
                all.retain(|_, turns| Arc::strong_count(turns) > 1);
            }
            Arc::clone(all.entry(endpoint).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        timeout(TURN, turns.acquire_owned()).await.ok()?.ok()
    }

    /// Sends what there is, and tells what came of it.
    pub(crate) async fn send(&self, id: DeliveryId, sending: &Sending) -> Attempt {
        let began = Instant::now();
        let answered = timeout(self.0.patience, self.exchange(id, sending)).await;
        let latency = began.elapsed();
        let failed = |outcome, detail: String| Attempt { outcome, status_code: None, latency, detail, asked: None };
        match answered {
            Ok(Ok(response)) => {
                let Answered { status, asked, body } = read(response).await;
                let outcome = AttemptOutcome::of_status(status);
                let detail = String::from_utf8_lossy(&body).into_owned();
                Attempt { outcome, status_code: Some(status), latency, detail, asked }
            }
            Ok(Err(Failure::Forbidden(what))) => failed(AttemptOutcome::ForbiddenAddress, what.to_owned()),
            Ok(Err(Failure::Unreachable(what))) => failed(AttemptOutcome::Unreachable, what),
            Err(_) => {
                let detail = format!("no answer within {} s", self.0.patience.as_secs_f32());
                failed(AttemptOutcome::TimedOut, detail)
            }
        }
    }

    async fn exchange(&self, id: DeliveryId, sending: &Sending) -> Result<Responding, Failure> {
        // It was judged when it was entered; the setting may be another one now.
        let url = self.0.reach.read(&sending.url).map_err(|_| Failure::Forbidden("the address is not allowed here"))?;
        let request = request(id, sending, &url).map_err(|error| Failure::Unreachable(error.to_string()))?;
        let stream = self.connect(&url).await?;
        if url.scheme() == "http" {
            return talk(stream, request).await;
        }
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name =
            ServerName::try_from(name).map_err(|_| Failure::Unreachable("the name is not one of TLS".to_owned()))?;
        let stream =
            self.0.tls.connect(name, stream).await.map_err(|error| Failure::Unreachable(format!("TLS: {error}")))?;
        talk(stream, request).await
    }

    /// Connects to an address that was judged, and to no other.
    async fn connect(&self, url: &Url) -> Result<TcpStream, Failure> {
        let mut why = None;
        for address in self.addresses(url).await?.into_iter().take(MOST_ADDRESSES) {
            match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => why = Some(error.to_string()),
                Err(_) => why = Some(format!("no connection within {} s", CONNECT.as_secs())),
            }
        }
        Err(Failure::Unreachable(why.unwrap_or_else(|| "the name leads nowhere".to_owned())))
    }

    /// The addresses of a URL's host that something may be sent to, at least one.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        let port = url.port_or_known_default().unwrap_or(443);
        let found: Vec<SocketAddr> = match url.host() {
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            Some(Host::Domain(name)) => match tokio::net::lookup_host((name, port)).await {
                Ok(found) => found.collect(),
                Err(error) => return Err(Failure::Unreachable(format!("the name is not found: {error}"))),
            },
            None => Vec::new(),
        };
        let allowed: Vec<_> = found.iter().copied().filter(|address| self.0.reach.allows(address.ip())).collect();
        if allowed.is_empty() && !found.is_empty() {
            return Err(Failure::Forbidden("the name leads to an address that not everybody can reach"));
        }
        Ok(allowed)
    }
}

/// An answer whose body is still to come, and the connection that it comes over, which ends with it.
struct Responding {
    response: Response<Incoming>,
    _sender: http1::SendRequest<Full<Bytes>>,
    _connection: AbortOnDropHandle<()>,
}

/// The request, signed with each secret that is good now.
fn request(id: DeliveryId, sending: &Sending, url: &Url) -> hyper::http::Result<Request<Full<Bytes>>> {
    let id = id.to_string();
    let signatures = sending.secrets.iter().map(|secret| {
        let key = secret.expose_secret();
        signature::sign(key, &id, sending.now, &sending.body)
    });
    let signatures = signatures.collect::<Vec<_>>().join(" ");
    Request::post(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, "Tradeyard-Webhooks/1.0")
        .header(signature::TIMESTAMP, sending.now.timestamp().to_string())
        .header(signature::SIGNATURE, signatures)
        .header(signature::ID, id)
        .body(Full::new(Bytes::from(sending.body.clone())))
}

/// Sends a request over a connection of its own, and waits for the headers of its answer.
async fn talk<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Responding, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unreachable = |error: hyper::Error| Failure::Unreachable(error.to_string());
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
    // What is wrong with the connection, the request is told.
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        let _ = connection.await;
    }));
    let response = sender.send_request(request).await.map_err(unreachable)?;
    Ok(Responding { response, _sender: sender, _connection: connection })
}

/// Reads the beginning of an answer. One that does not come is as good as an empty one: the status has been said.
async fn read(responding: Responding) -> Answered {
    let (head, mut body) = responding.response.into_parts();
    let mut beginning = Vec::new();
    let reading = async {
        while beginning.len() < MAX_BODY {
            let Some(Ok(frame)) = body.frame().await else { break };
            if let Some(data) = frame.data_ref() {
                beginning.extend_from_slice(&data[..data.len().min(MAX_BODY - beginning.len())]);
            }
        }
    };
    let _ = timeout(BODY, reading).await;
    Answered { status: head.status.as_u16(), asked: asked(&head.headers), body: beginning }
}

/// How long the endpoint wants us to wait: seconds, or a time by its own clock.
fn asked(headers: &HeaderMap) -> Option<TimeDelta> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(TimeDelta::seconds(seconds.into()));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    let now: DateTime<Utc> =
        DateTime::parse_from_rfc2822(headers.get(hyper::header::DATE)?.to_str().ok()?).ok()?.into();
    Some(until.signed_duration_since(now))
}

#[cfg(test)]
mod tests;
