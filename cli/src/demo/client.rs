//! The demo's client of the HTTP API: the one place that retries requests and turns problems into
//! errors.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::failure::advised;

/// How long one request is retried while the API is busy or away.
const PATIENCE: Duration = Duration::from_mins(1);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a login is used again: longer than the demo takes, so that nobody logs in twice. What begins with it then has seven minutes
/// until its token ends.
const LOGIN_LASTS: Duration = Duration::from_mins(8);

/// The API's answer when it refuses a request (RFC 9457).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) trace_id: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{method} {path}: {} {}: {}{}", problem.status, problem.code, problem.detail, trace(problem))]
    Refused { method: Method, path: String, problem: Problem },
    #[error("the API at {base} does not answer")]
    Away {
        base: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{method} {path}: the answer is not what the API's description says")]
    Garbled {
        method: Method,
        path: String,
        #[source]
        source: reqwest::Error,
    },
}

fn trace(problem: &Problem) -> String {
    problem.trace_id.as_ref().map(|id| format!(" (trace {id})")).unwrap_or_default()
}

impl ApiError {
    /// The stable code of a refusal.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => Some(&problem.code),
            Self::Away { .. } | Self::Garbled { .. } => None,
        }
    }

    /// Whether the API, or the connection to it, broke during the request. What became of the
    /// request can be read from the database.
    pub(crate) fn is_broken_off(&self) -> bool {
        match self {
            Self::Refused { .. } => false,
            Self::Away { .. } => true,
            Self::Garbled { source, .. } => source.is_body() || source.is_timeout(),
        }
    }
}

/// Takes a refusal with this code for a success: what was asked for is already the case.
pub(crate) fn unless_refused(result: anyhow::Result<()>, code: &str) -> anyhow::Result<()> {
    match result {
        Err(error) if error.downcast_ref().and_then(ApiError::code) == Some(code) => Ok(()),
        result => result,
    }
}

/// A client of one API. Cheap to clone; clones share connections and the bound on requests in flight.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    places: Arc<Semaphore>,
    requests: Arc<AtomicU64>,
    unanswered: Arc<AtomicU64>,
    /// By address, and since when.
    logins: Arc<Mutex<HashMap<String, (Token, Instant)>>>,
}

/// The access token of whoever sends a request.
#[derive(Clone, Debug)]
pub(crate) struct Token(pub(crate) String);

/// A request that is being made.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    token: Option<&'a Token>,
    key: Option<String>,
    repeatable: bool,
    body: Option<serde_json::Result<Vec<u8>>>,
}

impl Client {
    /// `base` has no trailing slash; at most `in_flight` requests are under way at once.
    pub(crate) fn new(base: &str, in_flight: usize) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .user_agent(concat!("tradeyard-demo/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let places = Arc::new(Semaphore::new(in_flight));
        let (requests, unanswered, logins) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { http, base: base.to_owned(), places, requests, unanswered, logins })
    }

    /// How many requests have been answered so far.
    pub(crate) fn answered(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many requests got no answer so far, also of those that were sent again.
    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// The token of somebody's last login, if that is not long ago.
    pub(crate) fn recent_login(&self, email: &str) -> Option<Token> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.get(email).filter(|(_, since)| since.elapsed() < LOGIN_LASTS).map(|(token, _)| token.clone())
    }

    pub(crate) fn keep_login(&self, email: &str, token: &Token) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.insert(email.to_owned(), (token.clone(), Instant::now()));
    }

    /// Waits until the API is there again.
    pub(crate) async fn until_there(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            match self.knock().await {
                Err(_) if begin.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(200)).await,
                result => return result,
            }
        }
    }

    /// Checks whether the API is there at all; asks once and does not wait for it.
    pub(crate) async fn knock(&self) -> anyhow::Result<()> {
        let answer = self.http.get(format!("{}/readyz", self.base)).send().await;
        let problem = match answer {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => format!("the API at {} is not ready: {}", self.base, answer.status()),
            Err(error) => format!("the API at {} does not answer: {}", self.base, error.without_url()),
        };
        Err(advised(problem, "`./dev up` starts it; PUBLIC_URL or --api says where it is"))
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path.into())
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path.into())
    }

    pub(crate) fn patch(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PATCH, path.into())
    }

    pub(crate) fn put(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::PUT, path.into())
    }

    fn call(&self, method: Method, path: String) -> Call<'_> {
        Call { client: self, method, path, token: None, key: None, repeatable: false, body: None }
    }

    /// Sends bytes to a presigned address, which is not the API's.
    pub(crate) async fn put_object(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
        bytes: &'static [u8],
    ) -> anyhow::Result<()> {
        let _place = self.places.acquire().await?;
        let mut request = self.http.put(url).body(bytes);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        // The address contains its signature, which errors must not show.
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = answer.text().await.unwrap_or_default();
        anyhow::bail!("the object store refused an upload: {status} {}", said.chars().take(300).collect::<String>())
    }

    /// Reads the bytes at a presigned address, which is not the API's.
    pub(crate) async fn get_object(&self, url: &str) -> anyhow::Result<Vec<u8>> {
        let _place = self.places.acquire().await?;
        let answer = self.http.get(url).send().await.and_then(Response::error_for_status);
        let bytes = async { answer?.bytes().await }.await;
        let bytes = bytes.map_err(reqwest::Error::without_url).context("download from the object store")?;
        Ok(bytes.to_vec())
    }
}

impl<'a> Call<'a> {
    pub(crate) fn as_(self, token: &'a Token) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Gives the request a key: the same key and body get the same answer, however often they are
    /// sent.
    pub(crate) fn idempotent(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Marks a request that does no harm if sent twice, and so may be repeated if the answer is
    /// lost.
    pub(crate) fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    pub(crate) fn json<T: Serialize>(self, body: &T) -> Self {
        Self { body: Some(serde_json::to_vec(body)), ..self }
    }

    /// Sends the request and reads the answer's JSON.
    pub(crate) async fn send<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        let (method, path) = (self.method.clone(), self.path.clone());
        let answer = self.answer().await?;
        answer.json().await.map_err(|source| ApiError::Garbled { method, path, source }.into())
    }

    /// Sends the request, and ignores the body of a successful answer.
    pub(crate) async fn done(self) -> anyhow::Result<()> {
        self.answer().await.map(drop)
    }

    async fn answer(mut self) -> anyhow::Result<Response> {
        let body = self.body.take().transpose().with_context(|| format!("{} {}: the body", self.method, self.path))?;
        let begin = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            let place = self.client.places.acquire().await?;
            let sent = self.request(body.clone()).send().await;
            drop(place);
            self.client.unanswered.fetch_add(u64::from(sent.is_err()), Ordering::Relaxed);
            let again = match sent {
                Ok(answer) if answer.status().is_success() => {
                    self.client.requests.fetch_add(1, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(answer) => match busy(&answer) {
                    Some(wait) if begin.elapsed() + wait < PATIENCE => wait,
                    _ => {
                        self.client.requests.fetch_add(1, Ordering::Relaxed);
                        return Err(self.refused(answer).await.into());
                    }
                },
                // A request that never arrived, or that may be repeated.
                Err(error) if self.may_repeat(&error) && begin.elapsed() + pause < PATIENCE => pause,
                Err(source) => return Err(ApiError::Away { base: self.client.base.clone(), source }.into()),
            };
            tokio::time::sleep(again).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn may_repeat(&self, error: &reqwest::Error) -> bool {
        error.is_connect() || self.repeatable || self.method == Method::GET || self.key.is_some()
    }

    fn request(&self, body: Option<Vec<u8>>) -> RequestBuilder {
        let mut request = self.client.http.request(self.method.clone(), format!("{}{}", self.client.base, self.path));
        if let Some(Token(token)) = self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &self.key {
            request = request.header("Idempotency-Key", key);
        }
        match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(body),
            None => request,
        }
    }

    async fn refused(self, answer: Response) -> ApiError {
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        let mut problem: Problem = serde_json::from_str(&text).unwrap_or_else(|_| Problem {
            status: 0,
            code: "not_a_problem".to_owned(),
            detail: text.chars().take(200).collect(),
            trace_id: None,
        });
        problem.status = status.as_u16();
        ApiError::Refused { method: self.method, path: self.path, problem }
    }
}

/// How long the API asks us to wait, or `None` if asking again would not help.
fn busy(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match answer.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Some(Duration::from_secs(seconds.unwrap_or(1)))
        }
        // The first request with this key, whose answer was lost, is still being processed.
        StatusCode::CONFLICT => seconds.map(Duration::from_secs),
        _ => None,
    }
}
