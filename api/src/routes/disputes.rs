//! Buyers who do not agree, and who decides.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::escrow::{ReleaseEscrow, notify};
use jobs::invoices::repay;
use market::escrow::model::{Dispute, DisputeReason};
use market::escrow::store::{self, Decision, DisputeFilter, EscrowError, NewDispute};
use market::identity::PlatformRole;
use market::ids::{DisputeId, OrderId};
use queue::enqueue::Enqueue;
use serde::Deserialize;
use shared::money::Money;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::orgs::{given_reason, reason_schema};
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Idempotent, Made};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(open_dispute))
        .routes(routes!(list_disputes))
        .routes(routes!(get_dispute))
        .routes(routes!(withdraw_dispute))
        .routes(routes!(list_all_disputes))
        .routes(routes!(resolve_dispute))
}

fn of_dispute(error: EscrowError) -> Problem {
    match error {
        EscrowError::NotFound => Problem::not_found("dispute"),
        error => error.into(),
    }
}

/// Why the buyer does not agree.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenDispute {
    reason: DisputeReason,
    /// The seller and whoever decides read it.
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
}

/// Open a dispute about an order
///
/// By its buyer, from the payment until the inspection is over. What is held moves for nobody until it is decided.
#[utoipa::path(post, path = "/v1/orders/{order}/disputes", tag = "orders", request_body = OpenDispute, params(
    ("order" = OrderId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each dispute; the same again gets the same answer"),
), responses(
    (status = 201, description = "Open", body = Dispute, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `inspection_over`; `escrow_frozen`: one is open; `escrow_released`; `escrow_refunded`; `escrow_partly`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn open_dispute(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Idempotent { key, body }: Idempotent<OpenDispute>,
) -> Result<Response> {
    let buyer = acting.trader(&caller)?;
    let text = body.text.trim();
    if !(1..=4000).contains(&text.chars().count()) {
        let problem = Problem::unprocessable("invalid_value", "the text is not usable");
        return Err(problem.at("/text", "expected 1 to 4000 characters"));
    }
    key.once(&state.ledger, buyer.0, StatusCode::CREATED, async |tx| {
        let opened =
            store::open_dispute(tx, buyer, caller.user, NewDispute { order, reason: body.reason, text }).await?;
        notify(tx, order).await?;
        Ok(Made::at(format!("/v1/disputes/{}", opened.id), opened))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListDisputes {
    /// Only those that are not decided.
    #[serde(default)]
    open: bool,
    /// The `next` of an earlier page.
    after: Option<DisputeId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the disputes about an organisation's orders, newest first
#[utoipa::path(get, path = "/v1/disputes", tag = "orders", params(Acting, ListDisputes), responses(
    (status = 200, description = "A page", body = Page<Dispute>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_disputes(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListDisputes>,
) -> Result<Json<Page<Dispute>>> {
    let party = Some(acting.member(&caller)?);
    let filter = DisputeFilter { party, open: query.open, before: query.after, limit: query.limit.fetch() };
    let rows = store::disputes(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |dispute| dispute.id.to_string(), |dispute| dispute)))
}

/// Read a dispute
#[utoipa::path(get, path = "/v1/disputes/{dispute}", tag = "orders", params(("dispute" = DisputeId, Path), Acting), responses(
    (status = 200, description = "The dispute", body = Dispute),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_dispute(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<DisputeId>,
) -> Result<Json<Dispute>> {
    let party = acting.member(&caller)?;
    let found = store::dispute(&mut *state.db.acquire().await?, Some(party), id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("dispute"))
}

/// Withdraw a dispute
///
/// By the buyer. The order is what it was before; the inspection goes on, and is over when it would have been.
#[utoipa::path(post, path = "/v1/disputes/{dispute}/withdraw", tag = "orders", params(("dispute" = DisputeId, Path), Acting), responses(
    (status = 200, description = "Withdrawn", body = Dispute),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`dispute_ended`"),
))]
async fn withdraw_dispute(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<DisputeId>,
) -> Result<Json<Dispute>> {
    let buyer = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let until = store::withdraw(&mut tx, buyer, caller.user, id).await.map_err(of_dispute)?;
    let withdrawn = store::dispute(&mut tx, Some(buyer), id).await?.ok_or_else(|| Problem::not_found("dispute"))?;
    notify(&mut tx, withdrawn.order).await?;
    if let Some(until) = until {
        let _ = tx.enqueue_with(Enqueue::new(&ReleaseEscrow { order: withdrawn.order }).run_at(until)).await?;
    }
    tx.commit().await?;
    Ok(Json(withdrawn))
}

/// List all disputes, newest first
#[utoipa::path(get, path = "/v1/admin/disputes", tag = "admin", params(ListDisputes), responses(
    (status = 200, description = "A page", body = Page<Dispute>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_all_disputes(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListDisputes>,
) -> Result<Json<Page<Dispute>>> {
    caller.platform(PlatformRole::Finance)?;
    let filter = DisputeFilter { party: None, open: query.open, before: query.after, limit: query.limit.fetch() };
    let rows = store::disputes(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |dispute| dispute.id.to_string(), |dispute| dispute)))
}

/// How a dispute is decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResolveDispute {
    /// What the buyer gets back, from nothing to all that is held; the seller gets the rest.
    amount: Money,
    /// Why; both parties read it.
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Decide a dispute
///
/// By people of the platform's finance who belong to neither party.
#[utoipa::path(post, path = "/v1/admin/disputes/{dispute}/resolve", tag = "admin", request_body = ResolveDispute,
    params(("dispute" = DisputeId, Path)), responses(
    (status = 200, description = "Decided", body = Dispute),
    (status = 403, description = "`role_too_low`; `own_order`: they belong to the buyer or the seller"),
    (status = 409, description = "`dispute_ended`"),
    (status = 422, description = "`invalid_value`; `reason_length`"),
))]
async fn resolve_dispute(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<DisputeId>,
    Json(body): Json<ResolveDispute>,
) -> Result<Json<Dispute>> {
    caller.platform(PlatformRole::Finance)?;
    let note = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    let decision = Decision { by: caller.user, refund: body.amount, note: &note };
    let refund = store::resolve(&mut tx, id, decision).await.map_err(of_dispute)?;
    if let Some(refund) = refund {
        repay(&mut tx, refund).await?;
    }
    let decided = store::dispute(&mut tx, None, id).await?.ok_or_else(|| Problem::not_found("dispute"))?;
    notify(&mut tx, decided.order).await?;
    tx.commit().await?;
    Ok(Json(decided))
}

#[cfg(test)]
mod tests;
