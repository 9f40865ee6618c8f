//! `Idempotency-Key`: the same request sent twice has one effect and one answer.
//!
//! ```ignore
//! async fn place_bid(
//!     State(state): State<AppState>, caller: Caller, acting: Acting, Idempotent { key, body }: Idempotent<PlaceBid>,
//! ) -> Result<Response> {
//!     let org = acting.trader(&caller)?;
//!     key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
//!         …                                           // the effect, in this transaction
//!         Ok(Made::at(format!("/v1/bids/{id}"), body))
//!     })
//!     .await
//! }
//! ```
//! What moves money or makes a bid needs a key ([`Idempotent`]); whatever else makes something takes one ([`Keyed`]).
//!
//! Only success is kept: a refusal has no effect, and the key is free again before the refusal is sent. A deadlock is repeated
//! here and not seen by the client: nothing outside of the transaction belongs in an effect.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use backon::{BackoffBuilder, ExponentialBuilder};
use queue::{JobTx, Ledger};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::idempotency::{self, Answer, Begun, Key, StoreError};
use shared::ids::JobId;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::error::Problem;
use crate::extract;

mod together;

pub(crate) use together::{Act, Done, Together};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells a client that it sees the answer to an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const SHAPE: &str = "send an Idempotency-Key of 1 to 255 ASCII characters, a new one for each action";

/// A JSON body with its key. A request without the header is refused: retrying it would be a gamble.
#[derive(Debug)]
pub struct Idempotent<T> {
    pub key: IdempotencyKey,
    pub body: T,
}

/// A JSON body that may have a key. Without one the effect happens each time.
#[derive(Debug)]
pub struct Keyed<T> {
    pub key: IdempotencyKey,
    pub body: T,
}

/// How [`Keyed`] is documented.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header; `Keyed` reads it")]
pub(crate) struct OptionalKey {
    /// A new one for each action; the same again gets the same answer and has no further effect.
    #[param(rename = "Idempotency-Key", required = false, min_length = 1, max_length = 255)]
    key: Option<String>,
}

/// The key and the fingerprint of method, path and body.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    /// Absent: nothing is looked up and nothing kept.
    key: Option<String>,
    hash: [u8; 32],
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Idempotent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Some(Ok(key)) = sent(request.headers()) else {
            return Err(Problem::bad_request("idempotency_key_required", SHAPE).header("Idempotency-Key", "missing"));
        };
        let (key, body) = read(Some(key), request, state).await?;
        Ok(Self { key, body })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let key = sent(request.headers()).transpose()?;
        let (key, body) = read(key, request, state).await?;
        Ok(Self { key, body })
    }
}

/// The key that was sent, if one was.
fn sent(headers: &HeaderMap) -> Option<Result<String, Problem>> {
    let text = headers.get(&HEADER)?.to_str().ok();
    Some(text.and_then(read_key).ok_or_else(|| {
        Problem::bad_request("idempotency_key_invalid", SHAPE).header("Idempotency-Key", "1 to 255 ASCII characters")
    }))
}

async fn read<S: Send + Sync, T: DeserializeOwned>(
    key: Option<String>,
    request: Request,
    state: &S,
) -> Result<(IdempotencyKey, T), Problem> {
    let mut hash = Sha256::new();
    hash.update(format!("{} {}\n", request.method(), request.uri()));
    let bytes = extract::json_bytes(request, state).await?;
    hash.update(&bytes);
    let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    Ok((IdempotencyKey { key, hash: hash.finalize().into() }, extract::parse(bytes)?))
}

/// What an effect has made: the answer's body, and where to find it.
#[derive(Debug)]
pub struct Made<T> {
    body: T,
    location: Option<String>,
    job: Option<JobId>,
}

impl<T> Made<T> {
    /// Something that is read at `location`.
    pub fn at(location: impl Into<String>, body: T) -> Self {
        Self { body, location: Some(location.into()), job: None }
    }

    /// Something that has no address of its own.
    pub const fn new(body: T) -> Self {
        Self { body, location: None, job: None }
    }

    /// Names the job that still works on it.
    #[must_use]
    pub fn by(self, job: Option<JobId>) -> Self {
        Self { job, ..self }
    }

    fn headers(&self) -> Vec<(HeaderName, String)> {
        let location = self.location.iter().map(|location| (LOCATION, location.clone()));
        location.chain(self.job.iter().map(|job| (LINK, format!("</v1/jobs/{job}>; rel=\"monitor\"")))).collect()
    }
}

impl<T: Serialize> Made<T> {
    /// As it is kept and sent.
    fn answer(&self, status: StatusCode) -> Result<Answer, Problem> {
        let headers = self.headers();
        let headers = (!headers.is_empty())
            .then(|| headers.into_iter().map(|(name, value)| (name.as_str().to_owned(), Value::from(value))).collect());
        let response = serde_json::to_vec(&self.body).map_err(Problem::internal)?;
        Ok(Answer { status: status.as_u16(), headers, response })
    }
}

/// How a key looks in the OpenAPI document.
pub(crate) const KEY_PATTERN: &str = "^\"?[!#-~]{1,255}\"?$";

/// The key of a header's value, with or without quotes.
fn read_key(value: &str) -> Option<String> {
    let key = value.trim();
    let key = key.strip_prefix('"').unwrap_or(key);
    let key = key.strip_suffix('"').unwrap_or(key);
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    fits.then(|| key.to_owned())
}

impl IdempotencyKey {
    /// Runs `effect` in a transaction and commits it together with its answer; the same request again gets that answer and has
    /// no effect. `owner` is the organisation or the user that the request acts for. Check permissions first: an answer
    /// belongs to who may ask.
    ///
    /// A transaction that others' transactions got in the way of, by a deadlock or a serialisation failure, is repeated as a
    /// whole: `effect` may run several times, and nothing of the runs before the last one stays. (A clone for each run, because the
    /// future of an `AsyncFn` is not known to be `Send`.)
    pub async fn once<T: Serialize>(
        &self,
        ledger: &Ledger,
        owner: Uuid,
        status: StatusCode,
        effect: impl AsyncFnOnce(&mut JobTx) -> Result<Made<T>, Problem> + Clone,
    ) -> Result<Response, Problem> {
        let mut delays = repeats();
        loop {
            let problem = match self.attempt(ledger, owner, status, effect.clone()).await {
                Ok(response) => return Ok(response),
                Err(problem) => problem,
            };
            let delay = delays.next().filter(|_| problem.is_transaction_conflict());
            let Some(delay) = delay else { return Err(problem) };
            tracing::debug!(delay_ms = delay.as_millis(), "a request is repeated: its transaction met another one");
            tokio::time::sleep(delay).await;
        }
    }

    /// One transaction, committed or rolled back when this returns.
    async fn attempt<T: Serialize>(
        &self,
        ledger: &Ledger,
        owner: Uuid,
        status: StatusCode,
        effect: impl AsyncFnOnce(&mut JobTx) -> Result<Made<T>, Problem>,
    ) -> Result<Response, Problem> {
        let mut tx = ledger.begin_with_plans_kept().await?;
        match self.answered(&mut tx, owner, status, effect).await {
            Ok(response) => {
                tx.commit().await?;
                Ok(response)
            }
            Err(refusal) => {
                // Locks and key are let go before the refusal is sent: a client that tries again at once must not meet itself.
                // Dropping the transaction would do so only some time later. A connection that is lost holds no locks; the
                // refusal says why it was.
                if let Err(error) = tx.rollback().await {
                    tracing::debug!(%error, "a refused request was not rolled back by itself");
                }
                Err(refusal)
            }
        }
    }

    /// The answer that was given before, or that of `effect`, which joins the transaction.
    async fn answered<T: Serialize>(
        &self,
        tx: &mut JobTx,
        owner: Uuid,
        status: StatusCode,
        effect: impl AsyncFnOnce(&mut JobTx) -> Result<Made<T>, Problem>,
    ) -> Result<Response, Problem> {
        let key = self.key.as_deref().map(|key| Key { owner, key, hash: &self.hash });
        if let Some(key) = key
            && let Some(before) = before(idempotency::begin(tx, key).await?)
        {
            return before;
        }
        let answer = effect(tx).await?.answer(status)?;
        if let Some(key) = key {
            idempotency::store(tx, &[(key, &answer)]).await?;
        }
        send(answer)
    }
}

/// What is answered without an effect; `None`: the key is new.
fn before(begun: Begun) -> Option<Result<Response, Problem>> {
    match begun {
        Begun::New => None,
        Begun::InFlight => Some(Err(in_flight())),
        Begun::Mismatch => Some(Err(Problem::unprocessable(
            "idempotency_key_reused",
            "this Idempotency-Key belongs to a request with other contents",
        ))),
        Begun::Answered(answer) => Some(send(answer).map(|mut response| {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            response
        })),
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Late => in_flight(),
            StoreError::Sql(error) => error.into(),
        }
    }
}

/// The delays before each repetition of a transaction, with jitter: those who met do not meet again.
fn repeats() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(5))
        .with_max_delay(Duration::from_millis(50))
        .with_max_times(4)
        .with_jitter()
        .build()
}

fn in_flight() -> Problem {
    Problem::conflict("request_in_flight", "the first request with this Idempotency-Key is being worked on")
        .retry_after(Duration::from_secs(1))
}

fn send(answer: Answer) -> Result<Response, Problem> {
    let status = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    let mut response = (status, [(CONTENT_TYPE, "application/json")], answer.response).into_response();
    for (name, value) in answer.headers.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let name = name.parse::<HeaderName>().map_err(Problem::internal)?;
        let value = HeaderValue::try_from(value.as_str().unwrap_or_default()).map_err(Problem::internal)?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
