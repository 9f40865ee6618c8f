//! Paying a checkout, and what payment providers tell us.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jobs::escrow::{ApplyWebhook, Charge};
use market::escrow::model::CheckoutPayment;
use market::escrow::rules::EscrowRefusal;
use market::escrow::store::{self, EscrowError, NewWebhook};
use market::identity::OrgKind;
use market::ids::{CheckoutId, PaymentId};
use market::payments::Provider;
use market::payments::rules::authenticity;
use market::payments::rules::notice::{self, NoticeError};
use queue::enqueue::Enqueue;
use secrecy::ExposeSecret;
use serde::Deserialize;
use shared::config::PaymentProvider;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Raw};
use crate::idempotency::{Idempotent, Made};
use crate::state::AppState;

/// The largest webhook.
const MOST_BYTES: usize = 64 << 10;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(pay_checkout)).routes(routes!(get_payment)).routes(routes!(take_webhook))
}

impl From<EscrowError> for Problem {
    fn from(error: EscrowError) -> Self {
        let text = error.to_string();
        match error {
            EscrowError::NotFound => Self::not_found("order"),
            EscrowError::CheckoutEnded(_) | EscrowError::TooLate => Self::conflict("checkout_ended", text),
            EscrowError::Paying => Self::conflict("payment_running", text),
            EscrowError::TooManyAttempts => Self::conflict("too_many_payments", text),
            EscrowError::OrderStatus(_) => Self::conflict("order_status", text),
            EscrowError::NotPaid => Self::conflict("not_paid", text),
            EscrowError::Refused(refusal) => refused(refusal),
            EscrowError::DisputeEnded(_) => Self::conflict("dispute_ended", text),
            EscrowError::OwnOrder => Self::forbidden("own_order", text),
            EscrowError::Shares(error) => Self::internal(error),
            EscrowError::Invoice(error) => Self::internal(error),
            EscrowError::Ledger(error) => Self::internal(error),
            EscrowError::Stock(error) => Self::internal(error),
            EscrowError::Money(error) => Self::internal(error),
            EscrowError::OtherAmount { .. } | EscrowError::OtherName => Self::internal(error),
            EscrowError::Sql(error) => error.into(),
        }
    }
}

fn refused(refusal: EscrowRefusal) -> Problem {
    let text = refusal.to_string();
    match refusal {
        EscrowRefusal::NotReleased => Problem::conflict("escrow_held", text),
        EscrowRefusal::Released => Problem::conflict("escrow_released", text),
        EscrowRefusal::Refunded => Problem::conflict("escrow_refunded", text),
        EscrowRefusal::Partly => Problem::conflict("escrow_partly", text),
        EscrowRefusal::Frozen => Problem::conflict("escrow_frozen", text),
        EscrowRefusal::NotFrozen => Problem::conflict("dispute_ended", text),
        EscrowRefusal::TooEarly { .. } | EscrowRefusal::NotDelivered => Problem::conflict("not_delivered", text),
        EscrowRefusal::TooLate { .. } => Problem::conflict("inspection_over", text),
        EscrowRefusal::Amount { .. } => {
            Problem::unprocessable("invalid_value", "the amount is not possible").at("/amount", text)
        }
    }
}

/// How to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pay {
    /// The payment provider's name for the way to pay, as its own form has made it. At the simulator `card` pays,
    /// `declined` does not, and `challenged` waits for the buyer; at Mollie it is a card token, or a customer and a mandate with a slash between them.
    #[schema(min_length = 1, max_length = 200, example = "card")]
    method: String,
}

/// Pay a checkout
///
/// The answer comes before the provider's: read the payment until it is `held` or `failed`, and send the buyer to `confirm_at`
/// if their bank wants to ask them; they come back to the shop's address. After a failure the checkout can be
/// paid again until `pay_by`. A payment that its buyer does not confirm within 15 minutes, from when the provider says that it
/// waits for them, is cancelled, or expires at a provider that does not cancel. One that is under way at `pay_by` has 15 minutes
/// more, or until its buyer has had theirs; money that comes later goes back by itself.
#[utoipa::path(post, path = "/v1/checkouts/{checkout}/pay", tag = "orders", request_body = Pay, params(
    ("checkout" = CheckoutId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each attempt; the same again gets the same answer"),
), responses(
    (status = 202, description = "The provider is asked", body = CheckoutPayment, headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is not a buyer"),
    (status = 409, description = "`checkout_ended`: it is paid, or over; `payment_running`; `too_many_payments`: a checkout is paid in at most 100 attempts; `no_provider`: nobody can pay here"),
    (status = 422, description = "`invalid_value`"),
))]
async fn pay_checkout(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(checkout): Path<CheckoutId>,
    Idempotent { key, body }: Idempotent<Pay>,
) -> Result<Response> {
    let buyer = acting.trader_as(OrgKind::Buyer, &caller)?;
    let method = body.method.trim();
    if !(1..=200).contains(&method.chars().count()) || method.chars().any(char::is_control) {
        let problem = Problem::unprocessable("invalid_value", "the way to pay is not usable");
        return Err(problem.at("/method", "expected 1 to 200 characters on one line"));
    }
    let provider = provider(&state)?;
    key.once(&state.ledger, buyer.0, StatusCode::ACCEPTED, async |tx| {
        let payment = store::begin(tx, buyer, caller.user, checkout, provider, method).await.map_err(of_checkout)?;
        let job = tx.enqueue_with(Enqueue::new(&Charge { payment: payment.id }).tenant(buyer)).await?.id();
        Ok(Made::at(format!("/v1/payments/{}", payment.id), payment).by(Some(job)))
    })
    .await
}

fn of_checkout(error: EscrowError) -> Problem {
    match error {
        EscrowError::NotFound => Problem::not_found("checkout"),
        error => error.into(),
    }
}

/// Who moves the money here. The simulator does not start without the key that it signs with: where there is none, nobody would answer.
pub(super) fn provider(state: &AppState) -> Result<Provider> {
    let payments = &state.config.payments;
    let there = |provider: &PaymentProvider| *provider != PaymentProvider::Simulator || payments.webhook_keys().is_ok();
    let provider = payments.provider.filter(there).map(|provider| match provider {
        PaymentProvider::Stripe => Provider::Stripe,
        PaymentProvider::Mollie => Provider::Mollie,
        PaymentProvider::Simulator => Provider::Simulator,
    });
    provider.ok_or_else(no_provider)
}

fn no_provider() -> Problem {
    Problem::conflict("no_provider", "no payment provider is configured here")
}

/// Read an attempt to pay
#[utoipa::path(get, path = "/v1/payments/{payment}", tag = "orders", params(("payment" = PaymentId, Path), Acting), responses(
    (status = 200, description = "The payment", body = CheckoutPayment),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_payment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<PaymentId>,
) -> Result<Json<CheckoutPayment>> {
    let buyer = acting.member(&caller)?;
    let found = store::payment(&mut *state.db.acquire().await?, buyer, id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("payment"))
}

/// Take a payment provider's webhook
///
/// For the provider that is configured here. It is kept, and then the provider is asked about what it names: nothing else of it
/// is believed. The same event again is answered and changes nothing. A classic webhook of Mollie's has no signature: it is a form
/// that names a payment.
#[utoipa::path(post, path = "/v1/webhooks/{provider}", tag = "orders", security(()), params(("provider" = Provider, Path)),
    request_body(content = serde_json::Value, content_type = "application/json"), responses(
    (status = 204, description = "Kept, or nothing that is of use here"),
    (status = 400, description = "`invalid_body`: it is not what this provider sends"),
    (status = 403, description = "`invalid_signature`"),
    (status = 413, description = "`body_too_large`: a webhook has at most 65536 bytes"),
))]
async fn take_webhook(
    State(state): State<AppState>,
    Path(from): Path<Provider>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<StatusCode> {
    if provider(&state).ok() != Some(from) {
        return Err(Problem::not_found("payment provider"));
    }
    if body.len() > MOST_BYTES {
        let detail = format!("a webhook has at most {MOST_BYTES} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
    }
    let keys = match state.config.payments.webhook_keys() {
        Ok(keys) => keys,
        // What it does not sign needs no key.
        Err(_) if from == Provider::Mollie => Vec::new(),
        Err(_) => return Err(Problem::not_found("payment provider")),
    };
    let keys: Vec<_> = keys.iter().map(|key| key.expose_secret().as_bytes()).collect();
    let signatures = headers.get_all(authenticity::header(from));
    let signatures: Vec<_> = signatures.iter().map(|header| header.to_str().unwrap_or_default()).collect();
    authenticity::check(from, &keys, &signatures, &body, state.clock.now())
        .map_err(|error| Problem::forbidden("invalid_signature", error.to_string()))?;
    let notice = match notice::read(from, &body) {
        Ok(notice) => notice,
        // The provider would send it again and again.
        Err(NoticeError::Unused { .. }) => return Ok(StatusCode::NO_CONTENT),
        Err(error) => return Err(Problem::bad_request("invalid_body", error.to_string())),
    };
    let mut tx = state.ledger.begin().await?;
    let kept = store::receive_webhook(&mut tx, NewWebhook { provider: from, notice: &notice, body: &body }).await?;
    if let Some(webhook) = kept {
        let _ = tx.enqueue(&ApplyWebhook { webhook }).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
