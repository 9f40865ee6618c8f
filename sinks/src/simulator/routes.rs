//! The simulator's HTTP.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Desk;
use super::book::{AccountState, Book, Made, NewAccount, NewDisbursement, NewPayment, Part, Payment, Refusal};
use crate::payments::challenge::{self, Answer};
use crate::payments::{Fate, Fault};

const MAX_KEY: usize = 200;
const MAX_LIMIT: usize = 100;

type Shared = State<Arc<Desk>>;

pub(super) fn router(desk: Arc<Desk>) -> Router {
    let provider = Router::new()
        .route("/v1/payments", post(charge).get(list))
        .route("/v1/payments/{id}", get(payment))
        .route("/v1/payments/{id}/captures", post(capture))
        .route("/v1/payments/{id}/cancels", post(cancel))
        .route("/v1/payments/{id}/refunds", post(refund))
        .route("/v1/transfers", post(transfer))
        .route("/v1/payouts", post(payout))
        .route("/v1/disbursements/{id}", get(disbursement))
        .route("/v1/accounts", post(open_account))
        .route("/v1/accounts/{id}", get(account))
        .route("/v1/keys/{key}", get(key))
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), known));
    let control = Router::new().route("/_faults", post(faults)).route("/_accounts/{id}", post(set_account));
    let bank = Router::new().route(challenge::PATH, get(ask).post(answer));
    provider.merge(control).merge(bank).fallback(async || refused("no_such_path")).with_state(desk)
}

/// Lets those in who know the key.
async fn known(State(desk): Shared, request: Request, next: Next) -> Response {
    let said = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if said.and_then(|said| said.strip_prefix("Bearer ")) == Some(desk.key.expose_secret()) {
        next.run(request).await
    } else {
        problem(StatusCode::UNAUTHORIZED, "key_unknown")
    }
}

async fn charge(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let page = |payment: &str| challenge::address(desk.addr, payment);
    act(&desk, &headers, "charge", &body, |book, new: NewPayment| book.charge(new, page)).await
}

async fn capture(State(desk): Shared, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    act(&desk, &headers, &format!("capture {id}"), &body, |book, part: Part| book.capture(&id, &part)).await
}

async fn cancel(State(desk): Shared, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    act(&desk, &headers, &format!("cancel {id}"), &body, |book, _: Value| book.cancel(&id)).await
}

async fn refund(State(desk): Shared, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    act(&desk, &headers, &format!("refund {id}"), &body, |book, part: Part| book.refund(&id, &part)).await
}

async fn transfer(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    act(&desk, &headers, "transfer", &body, |book, new: NewDisbursement| book.transfer(&new)).await
}

async fn payout(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    act(&desk, &headers, "payout", &body, |book, new: NewDisbursement| book.payout(&new)).await
}

async fn open_account(State(desk): Shared, headers: HeaderMap, body: Bytes) -> Response {
    act(&desk, &headers, "account", &body, |book, new: NewAccount| Ok(book.open_account(new))).await
}

/// Does one act once per key, and answers as the faults will have it.
async fn act<T: DeserializeOwned + Serialize>(
    desk: &Desk,
    headers: &HeaderMap,
    name: &str,
    body: &[u8],
    act: impl FnOnce(&mut Book, T) -> Result<Made, Refusal>,
) -> Response {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let Some(key) = key.filter(|key| (1..=MAX_KEY).contains(&key.len())) else {
        return problem(StatusCode::BAD_REQUEST, "idempotency_key_missing");
    };
    let Ok(asked) = serde_json::from_slice::<T>(body) else {
        return problem(StatusCode::BAD_REQUEST, "body_malformed");
    };
    // The words are those that were understood, so spaces make no difference.
    let words = format!("{name} {}", json!(asked));
    let fate = desk.outbox.fate();
    match fate {
        Fate::Busy => {
            let busy = problem(StatusCode::TOO_MANY_REQUESTS, "busy");
            return ([(header::RETRY_AFTER, "1")], busy).into_response();
        }
        Fate::Failed => return problem(StatusCode::SERVICE_UNAVAILABLE, "failed"),
        Fate::Answered | Fate::Late(_) | Fate::Lost => {}
    }
    let answer = {
        let mut book = desk.book();
        let made = book.once(key, words, |book| act(book, asked));
        let answer = match made {
            Ok(made) => Json(show(&book, &made)).into_response(),
            Err(code) => refused(code),
        };
        desk.post(&mut book);
        answer
    };
    fate.wait().await;
    if fate == Fate::Lost { lost() } else { answer }
}

/// What an act made, as it is now.
fn show(book: &Book, made: &Made) -> Value {
    match made {
        Made::Payment(id) => json!({ "object": "payment", "payment": book.payments.get(id) }),
        Made::Disbursement(id) => json!({ "object": "disbursement", "disbursement": book.disbursements.get(id) }),
        Made::Account(id) => json!({ "object": "account", "account": book.accounts.get(id) }),
    }
}

async fn payment(State(desk): Shared, Path(id): Path<String>) -> Response {
    found(&desk, &Made::Payment(id), |book, id| book.payments.contains_key(id))
}

async fn disbursement(State(desk): Shared, Path(id): Path<String>) -> Response {
    found(&desk, &Made::Disbursement(id), |book, id| book.disbursements.contains_key(id))
}

async fn account(State(desk): Shared, Path(id): Path<String>) -> Response {
    found(&desk, &Made::Account(id), |book, id| book.accounts.contains_key(id))
}

fn found(desk: &Desk, made: &Made, contains: impl FnOnce(&Book, &str) -> bool) -> Response {
    let (Made::Payment(id) | Made::Disbursement(id) | Made::Account(id)) = made;
    let book = desk.book();
    if contains(&book, id) { Json(show(&book, made)).into_response() } else { missing() }
}

/// A refused act made nothing, so there is nothing to find.
async fn key(State(desk): Shared, Path(key): Path<String>) -> Response {
    let book = desk.book();
    match book.keys.get(&key) {
        Some((_, Ok(made))) => Json(show(&book, made)).into_response(),
        _ => missing(),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    from: i64,
    until: i64,
    after: Option<String>,
    limit: Option<usize>,
}

async fn list(State(desk): Shared, Query(window): Query<Window>) -> Response {
    let limit = window.limit.unwrap_or(MAX_LIMIT).clamp(1, MAX_LIMIT);
    let book = desk.book();
    let after = window.after.unwrap_or_default();
    let period = window.from..window.until;
    let of_period = |payment: &&Payment| payment.id > after && period.contains(&payment.created);
    let mut payments: Vec<&Payment> = book.payments.values().filter(of_period).take(limit + 1).collect();
    let more = payments.len() > limit;
    payments.truncate(limit);
    Json(json!({ "payments": payments, "more": more })).into_response()
}

async fn ask(State(desk): Shared, Path(id): Path<String>) -> Response {
    let waits = desk.book().payments.get(&id).is_some_and(|payment| payment.action.is_some());
    if waits { challenge::ask(&id) } else { challenge::over() }
}

async fn answer(State(desk): Shared, Path(id): Path<String>, Form(answer): Form<Answer>) -> Response {
    let mut book = desk.book();
    let back = book.answer(&id, answer.passed);
    desk.post(&mut book);
    back.map_or_else(challenge::over, |back| challenge::answered(&back))
}

async fn faults(State(desk): Shared, Json(fault): Json<Fault>) -> StatusCode {
    desk.outbox.inject(fault);
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewState {
    state: AccountState,
}

async fn set_account(State(desk): Shared, Path(id): Path<String>, Json(new): Json<NewState>) -> Response {
    if desk.set_account(&id, new.state) { StatusCode::NO_CONTENT.into_response() } else { missing() }
}

fn refused(code: Refusal) -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, code)
}

fn missing() -> Response {
    problem(StatusCode::NOT_FOUND, "not_found")
}

fn problem(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({ "code": code }))).into_response()
}

/// An answer that breaks off: the client cannot know what was done.
fn lost() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the answer is lost")) });
    Body::from_stream(broken).into_response()
}
