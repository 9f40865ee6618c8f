//! HTTP to the servers of others: TLS with rustls and ring, one time-out for the whole exchange, no redirects.
//!
//! How to get this wrong: follow a redirect with our key in the request; read an answer of any length;
//! put the URL or a header into an error.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

#[cfg(test)]
mod tests;

/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 << 20;
/// How long a busy server is left alone when it does not say for how long.
const PAUSE: Duration = Duration::from_secs(5);

/// Why there is no client for an address.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the machine has no certificate authority that can be used: is the package ca-certificates missing?")]
    Authorities,
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    #[error("the address does not begin with https:// or http://, but with {scheme}:")]
    Scheme { scheme: String },
    #[error("the address cannot be read")]
    Address(#[from] url::ParseError),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing was sent: an address or a header has a character that none may have.
    #[error("the request cannot be written")]
    Malformed,
    /// The server may have read the request.
    #[error("{what}")]
    NoAnswer { what: String },
}

/// A client for one server.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// When the server wants to be asked again.
    pub(crate) after: Duration,
    pub(crate) body: Bytes,
}

impl Http {
    /// A client for `base` that trusts the machine's authorities and waits `patience` for each answer.
    pub(crate) fn new(base: &Url, patience: Duration) -> Result<Self, ClientError> {
        match base.scheme() {
            "https" => Self::trusting(authorities()?, patience),
            // Nobody's certificate is asked for.
            "http" => Self::trusting(RootCertStore::empty(), patience),
            scheme => Err(ClientError::Scheme { scheme: scheme.to_owned() }),
        }
    }

    /// A client that trusts `authorities` and nobody else.
    pub(crate) fn trusting(authorities: RootCertStore, patience: Duration) -> Result<Self, ClientError> {
        // Named, so that nothing depends on what the process has installed.
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), patience })
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub(crate) async fn send(&self, request: hyper::http::Result<Request<Full<Bytes>>>) -> Result<Answer, SendError> {
        let request = request.map_err(|_| SendError::Malformed)?;
        let exchange = async {
            let (head, body) = self.client.request(request).await.map_err(|error| no_answer(&error))?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| no_answer(&*error))?;
            let after = head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
            let after = after.map_or(PAUSE, Duration::from_secs);
            Ok(Answer { status: head.status, after, body: body.to_bytes() })
        };
        tokio::time::timeout(self.patience, exchange).await.unwrap_or_else(|_| {
            Err(SendError::NoAnswer { what: format!("no answer within {} s", self.patience.as_secs()) })
        })
    }
}

fn authorities() -> Result<RootCertStore, ClientError> {
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if authorities.is_empty() { Err(ClientError::Authorities) } else { Ok(authorities) }
}

/// `Authorization: Bearer …`, not shown by anything that prints headers.
pub(crate) fn bearer(key: &SecretString) -> Result<HeaderValue, SendError> {
    let value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()));
    let mut value = value.map_err(|_| SendError::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

/// `base` with more parts in its path, each of them percent-encoded.
pub(crate) fn url(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // A base that cannot have a path is neither http nor https, and has no client.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// An error with all that it comes from.
fn no_answer(error: &(dyn Error + 'static)) -> SendError {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string cannot fail.
        let _ = write!(what, ": {error}");
        source = error.source();
    }
    SendError::NoAnswer { what }
}
