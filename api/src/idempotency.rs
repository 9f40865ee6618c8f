//! `Idempotency-Key`: the same request sent twice has one effect and one answer.
//!
//! ```ignore
//! async fn place_bid(State(state): State<AppState>, caller: Caller, Idempotent { key, body }: Idempotent<PlaceBid>) -> Result<Response> {
//!     let org = caller.trader(body.org)?.org;
//!     key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
//!         …                                           // the effect, in this transaction; the answer's body
//!     })
//!     .await
//! }
//! ```
//! Only success is kept: a refusal has no effect, and the key is free again before the refusal is sent.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use queue::{JobTx, Ledger};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use shared::idempotency::{self, Begun, StoreError};
use uuid::Uuid;

use crate::error::Problem;
use crate::extract;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Tells a client that it sees the answer to an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A JSON body with its key. A request without the header is refused: retrying it would be a gamble.
#[derive(Debug)]
pub struct Idempotent<T> {
    pub key: IdempotencyKey,
    pub body: T,
}

/// The key and the fingerprint of method, path and body.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    key: String,
    hash: [u8; 32],
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Idempotent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let key = request
            .headers()
            .get(&HEADER)
            .and_then(|value| value.to_str().ok())
            .map(|text| text.trim().trim_matches('"').to_owned())
            .filter(|text| !text.is_empty() && text.len() <= 255)
            .ok_or_else(|| {
                let detail = "send an Idempotency-Key of 1 to 255 ASCII characters, a new one for each action";
                Problem::bad_request("idempotency_key_required", detail)
            })?;
        let mut hash = Sha256::new();
        hash.update(format!("{} {}\n", request.method(), request.uri()));
        let bytes = extract::json_bytes(request, state).await?;
        hash.update(&bytes);
        let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        Ok(Self { key: IdempotencyKey { key, hash: hash.finalize().into() }, body: extract::parse(bytes)? })
    }
}

impl IdempotencyKey {
    /// Runs `effect` in a transaction and commits it together with its answer; the same request again gets that answer and has
    /// no effect. `owner` is the organisation or the user that the request acts for. Check permissions first: an answer
    /// belongs to who may ask.
    pub async fn once<T: Serialize>(
        &self,
        ledger: &Ledger,
        owner: Uuid,
        status: StatusCode,
        effect: impl AsyncFnOnce(&mut JobTx) -> Result<T, Problem>,
    ) -> Result<Response, Problem> {
        let mut tx = ledger.begin().await?;
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
        effect: impl AsyncFnOnce(&mut JobTx) -> Result<T, Problem>,
    ) -> Result<Response, Problem> {
        match idempotency::begin(tx, owner, &self.key, &self.hash).await? {
            Begun::New => {}
            Begun::InFlight => return Err(in_flight()),
            Begun::Mismatch => {
                return Err(Problem::unprocessable(
                    "idempotency_key_reused",
                    "this Idempotency-Key belongs to a request with other contents",
                ));
            }
            Begun::Answered { status, response } => {
                let status = StatusCode::from_u16(status).map_err(Problem::internal)?;
                let mut response = json(status, response);
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                return Ok(response);
            }
        }
        let body = serde_json::to_vec(&effect(tx).await?).map_err(Problem::internal)?;
        match idempotency::store(tx, owner, &self.key, &self.hash, status.as_u16(), &body).await {
            Ok(()) => Ok(json(status, body)),
            Err(StoreError::Late) => Err(in_flight()),
            Err(StoreError::Sql(error)) => Err(error.into()),
        }
    }
}

fn in_flight() -> Problem {
    Problem::conflict("request_in_flight", "the first request with this Idempotency-Key is being worked on")
        .retry_after(std::time::Duration::from_secs(1))
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests;
