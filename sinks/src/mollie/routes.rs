//! Mollie's HTTP.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Form, Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::book::{Reply, invalid, missing, problem};
use super::{Desk, acts, reads};
use crate::payments::Fate;
use crate::payments::challenge::{self, Answer};

type Shared = State<Arc<Desk>>;

pub(super) fn router(desk: Arc<Desk>) -> Router {
    let router = Router::new()
        .route("/v2/{*path}", get(read).post(act).delete(act))
        .route(challenge::PATH, get(ask).post(answer));
    router.fallback(async || shown(missing())).with_state(desk)
}

/// Refuses those who do not say who they are as this path asks.
fn refusal(desk: &Desk, path: &[&str], headers: &HeaderMap) -> Option<Reply> {
    let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let said = said.and_then(|said| said.strip_prefix("Bearer "));
    let is = |secret: &SecretString| said == Some(secret.expose_secret());
    let (right, other) =
        if path.first() == Some(&"payments") { (&desk.key, &desk.token) } else { (&desk.token, &desk.key) };
    if is(right) {
        None
    } else if is(other) {
        Some(problem(StatusCode::FORBIDDEN, "Forbidden", "This credential may not do this", None))
    } else {
        Some(problem(StatusCode::UNAUTHORIZED, "Unauthorized Request", "Missing authentication, or failed", None))
    }
}

async fn read(
    State(desk): Shared,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Query(query): Query<reads::Query>,
) -> Response {
    let path = segments(uri.path());
    match refusal(&desk, &path, &headers) {
        Some(refusal) => shown(refusal),
        None => shown(reads::read(&desk.book(), &path, &query, desk.is_test())),
    }
}

/// Does one act once per key, and answers as the faults will have it.
async fn act(
    State(desk): Shared,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = segments(uri.path());
    if let Some(refusal) = refusal(&desk, &path, &headers) {
        return shown(refusal);
    }
    let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()) else {
        return shown(invalid("idempotency-key", "the product always sends an Idempotency-Key"));
    };
    let body: Value = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(_) if body.is_empty() => Value::Null,
        Err(_) => return shown(problem(StatusCode::BAD_REQUEST, "Bad Request", "The body is not JSON", None)),
    };
    let fate = desk.outbox.fate();
    match fate {
        Fate::Busy => return shown(problem(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", "Slow down", None)),
        Fate::Failed => return shown(problem(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", "Failed", None)),
        Fate::Answered | Fate::Late(_) | Fate::Lost => {}
    }
    let reply = {
        let mut book = desk.book();
        let reply = if let Some(before) = book.keys.get(key) {
            before.clone()
        } else {
            let reply = acts::act(&desk, &mut book, &method, &path, &body);
            book.keys.insert(key.to_owned(), reply.clone());
            reply
        };
        desk.post(&mut book);
        reply
    };
    fate.wait().await;
    if fate == Fate::Lost { lost() } else { shown(reply) }
}

async fn ask(State(desk): Shared, Path(id): Path<String>) -> Response {
    let waits = desk.book().payment(&id).is_some_and(|payment| payment.status == "open");
    if waits { challenge::ask(&id) } else { challenge::over() }
}

async fn answer(State(desk): Shared, Path(id): Path<String>, Form(answer): Form<Answer>) -> Response {
    desk.finish(&id, answer.passed).map_or_else(challenge::over, |back| challenge::answered(&back))
}

/// The parts of a path after `/v2/`, percent-encoded as they came.
fn segments(path: &str) -> Vec<&str> {
    path.trim_start_matches("/v2/").split('/').collect()
}

fn shown((status, body): Reply) -> Response {
    if body.is_null() { status.into_response() } else { (status, Json(body)).into_response() }
}

/// An answer that breaks off: the client cannot know what was done.
fn lost() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the answer is lost")) });
    Body::from_stream(broken).into_response()
}
