//! `Idempotency-Key`: the same request sent twice has one effect and one answer.
//!
//! ```ignore
//! async fn place_bid(State(state): State<AppState>, caller: Caller, Idempotent { key, body }: Idempotent<PlaceBid>) -> Result<Response> {
//!     let org = caller.trader(body.org)?.org;
//!     let mut tx = state.ledger.begin().await?;
//!     if let Some(answer) = key.begin(&mut tx, org.0).await? {
//!         return Ok(answer);
//!     }
//!     let bid = …;                                    // the effect, in this transaction
//!     let answer = key.answer(&mut tx, org.0, StatusCode::CREATED, &bid).await?;
//!     tx.commit().await?;
//!     Ok(answer)
//! }
//! ```
//! Only success is kept: a refusal has no effect, and the key stays free for another try.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use shared::idempotency::{self, Begun, StoreError};
use sqlx::PgConnection;
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
    /// Takes the key for this transaction; `Some` is the answer that was given before. `owner` is the organisation or the
    /// user that the request acts for. Check permissions first: an answer belongs to who may ask.
    pub async fn begin(&self, conn: &mut PgConnection, owner: Uuid) -> Result<Option<Response>, Problem> {
        match idempotency::begin(conn, owner, &self.key, &self.hash).await? {
            Begun::New => Ok(None),
            Begun::InFlight => Err(in_flight()),
            Begun::Mismatch => Err(Problem::unprocessable(
                "idempotency_key_reused",
                "this Idempotency-Key belongs to a request with other contents",
            )),
            Begun::Answered { status, response } => {
                let status = StatusCode::from_u16(status).map_err(Problem::internal)?;
                let mut response = json(status, response);
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                Ok(Some(response))
            }
        }
    }

    /// Adds the answer to the transaction of the effect. Commit it, then send the answer.
    pub async fn answer<T: Serialize>(
        &self,
        conn: &mut PgConnection,
        owner: Uuid,
        status: StatusCode,
        body: &T,
    ) -> Result<Response, Problem> {
        let body = serde_json::to_vec(body).map_err(Problem::internal)?;
        match idempotency::store(conn, owner, &self.key, &self.hash, status.as_u16(), &body).await {
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
