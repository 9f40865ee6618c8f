//! The supplement's HTTP.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Form as Pairs, OriginalUri, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::book::{Form, Reply, Used, invalid, problem};
use super::{Front, acts, reads};
use crate::payments::challenge::{self, Answer};
use crate::payments::{Fate, Header, Webhook};

/// Where localstripe sends its webhooks.
pub(super) const EVENTS: &str = "/_localstripe/events";
/// As long as Stripe lets a key be.
const MAX_KEY: usize = 255;

type Shared = State<Arc<Front>>;

pub(super) fn router(front: Arc<Front>) -> Router {
    let known = middleware::from_fn_with_state(Arc::clone(&front), known);
    let stripe = Router::new().route("/v1/{*path}", get(read).post(act)).layer(known);
    stripe.route(EVENTS, post(event)).route(challenge::PATH, get(ask).post(answer)).with_state(front)
}

/// Lets those in who know the key.
async fn known(State(front): Shared, request: Request, next: Next) -> Response {
    let said = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if said.and_then(|said| said.strip_prefix("Bearer ")) == Some(front.key.expose_secret()) {
        next.run(request).await
    } else {
        shown(problem(StatusCode::UNAUTHORIZED, "api_key_invalid", "Invalid API Key provided"))
    }
}

/// What localstripe has signed goes on as it is.
async fn event(State(front): Shared, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let (Some(signature), Ok(event)) = (signature, serde_json::from_slice::<Value>(&body)) else {
        return StatusCode::BAD_REQUEST;
    };
    let kind = event["type"].as_str().unwrap_or_default().to_owned();
    let header = Header::Given("stripe-signature", signature.to_owned());
    front.outbox.push(Webhook { kind, body: body.to_vec(), header });
    StatusCode::OK
}

async fn ask(State(front): Shared, Path(id): Path<String>) -> Response {
    if front.book().intent(&id).is_some() { challenge::ask(&id) } else { challenge::over() }
}

async fn answer(State(front): Shared, Path(id): Path<String>, Pairs(answer): Pairs<Answer>) -> Response {
    let _turn = front.turn.lock().await;
    acts::answer(&front, &id, answer.passed).await.map_or_else(challenge::over, |back| challenge::answered(&back))
}

async fn read(
    State(front): Shared,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Response {
    let form = pairs.into_iter().collect();
    shown(reads::read(&front, &uri, &segments(uri.path()), account(&headers), &form).await)
}

/// Does one act once per key, and answers as the faults will have it.
async fn act(
    State(front): Shared,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let Some(key) = key.filter(|key| (1..=MAX_KEY).contains(&key.len())).map(str::to_owned) else {
        return shown(invalid("idempotency_key_missing", "the product always sends an Idempotency-Key"));
    };
    let fate = front.outbox.fate();
    match fate {
        Fate::Busy => {
            let busy = shown(problem(StatusCode::TOO_MANY_REQUESTS, "rate_limit", "Too many requests"));
            return ([(header::RETRY_AFTER, "1")], busy).into_response();
        }
        Fate::Failed => return shown(problem(StatusCode::SERVICE_UNAVAILABLE, "api_error", "Failed")),
        Fate::Answered | Fate::Late(_) | Fate::Lost => {}
    }
    let form: Form = pairs.into_iter().collect();
    let account = account(&headers).map(str::to_owned);
    // An act goes on when its caller is gone.
    let act = tokio::spawn(async move { once(&front, key, uri.path(), account.as_deref(), &form).await });
    let reply = act.await.unwrap_or_else(|_| problem(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "Failed"));
    fate.wait().await;
    if fate == Fate::Lost { lost() } else { shown(reply) }
}

async fn once(front: &Front, key: String, path: &str, account: Option<&str>, form: &Form) -> Reply {
    let words = format!("{path} {account:?} {form:?}");
    {
        let mut book = front.book();
        match book.keys.get(&key) {
            Some((before, _)) if *before != words => {
                let message = "Keys for idempotent requests can only be used with the same parameters";
                return (
                    StatusCode::BAD_REQUEST,
                    json!({ "error": { "type": "idempotency_error", "message": message } }),
                );
            }
            Some((_, Used::Running)) => {
                return problem(StatusCode::CONFLICT, "idempotency_key_in_use", "Another request is under way");
            }
            Some((_, Used::Answered(reply))) => return reply.clone(),
            None => book.keys.insert(key.clone(), (words.clone(), Used::Running)),
        };
    }
    let reply = {
        let _turn = front.turn.lock().await;
        acts::act(front, &segments(path), account, form).await
    };
    front.book().keys.insert(key, (words, Used::Answered(reply.clone())));
    reply
}

/// The parts of a path after `/v1/`, percent-encoded as they came.
fn segments(path: &str) -> Vec<&str> {
    path.trim_start_matches("/v1/").split('/').collect()
}

/// The connected account that a request is made for.
fn account(headers: &HeaderMap) -> Option<&str> {
    headers.get("stripe-account").and_then(|account| account.to_str().ok())
}

fn shown((status, body): Reply) -> Response {
    (status, Json(body)).into_response()
}

/// An answer that breaks off: the client cannot know what was done.
fn lost() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the answer is lost")) });
    Body::from_stream(broken).into_response()
}
