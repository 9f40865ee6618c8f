//! What is paid is sent, arrives, is accepted or given back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::escrow::notify_with;
use jobs::invoices::repay;
use jobs::shipments;
use market::escrow::model::{Escrow, Refund};
use market::escrow::store;
use market::hires::store::order_with_days;
use market::identity::PlatformRole;
use market::ids::OrderId;
use market::offers::model::Party;
use market::orders::model::Order;
use market::orders::store as orders;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::orgs::{given_reason, reason_schema};
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Idempotent, Made};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_escrow))
        .routes(routes!(ship_order))
        .routes(routes!(receive_order))
        .routes(routes!(accept_order))
        .routes(routes!(list_refunds, refund_order))
        .routes(routes!(refund_released))
}

/// Read what is held for an order
///
/// For the organisation that buys or sells; before it is paid, nothing is held.
#[utoipa::path(get, path = "/v1/orders/{order}/escrow", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "What is held", body = Escrow),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_escrow(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<Escrow>> {
    let party = acting.member(&caller)?;
    let found = store::escrow(&mut *state.db.acquire().await?, party, order).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("paid order"))
}

async fn read(conn: &mut PgConnection, party: OrgId, order: OrderId) -> Result<Json<Order>> {
    order_with_days(conn, party, order).await?.map(Json).ok_or_else(|| Problem::not_found("order"))
}

/// Say that an order was sent
///
/// By its seller, once it is paid. Shipments of it that wait are picked up, and what no shipment has leaves in one more.
#[utoipa::path(post, path = "/v1/orders/{order}/ship", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "Under way", body = Order),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `order_status`: it was sent, or is over"),
))]
async fn ship_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<Order>> {
    let seller = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    shipments::ship_order(&mut tx, Party { org: seller, user: caller.user }, order).await?;
    let shipped = read(&mut tx, seller, order).await?;
    tx.commit().await?;
    Ok(shipped)
}

/// Say that an order has arrived
///
/// By its buyer, who may find fault for 7 days from then on. After that it counts as accepted. Its shipments have arrived by that.
#[utoipa::path(post, path = "/v1/orders/{order}/receive", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "Arrived", body = Order),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `order_status`: it was not sent, has arrived, or is over"),
))]
async fn receive_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<Order>> {
    let buyer = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    shipments::receive_order(&mut tx, Party { org: buyer, user: caller.user }, order).await?;
    let received = read(&mut tx, buyer, order).await?;
    tx.commit().await?;
    Ok(received)
}

/// Accept what has arrived
///
/// By its buyer. What is held becomes the seller's at once.
#[utoipa::path(post, path = "/v1/orders/{order}/accept", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "Completed", body = Order),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `not_delivered`; `escrow_frozen`: a dispute is open; `escrow_released`; `escrow_refunded`; `escrow_partly`"),
))]
async fn accept_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<Order>> {
    let buyer = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let version = store::accept(&mut tx, buyer, caller.user, order).await?;
    notify_with(&mut tx, order, version, Vec::new()).await?;
    let accepted = read(&mut tx, buyer, order).await?;
    tx.commit().await?;
    Ok(accepted)
}

/// Where the money comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundFrom {
    /// What is held for the order.
    #[default]
    Held,
    /// What is the seller's already.
    Earned,
}

/// A part that goes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRefund {
    /// Without it, `held`.
    #[serde(default)]
    from: RefundFrom,
    /// From one minor unit to all that is held, or that was released and not given back.
    amount: Money,
    /// The buyer reads it.
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Give a part of what was paid back, or all of it
///
/// By the seller, out of what is held or of what is the seller's already. The platform gives back its share of the part. An order of
/// which nothing is left is `refunded`. What the seller's earnings lack is owed, and kept back of the next ones.
#[utoipa::path(post, path = "/v1/orders/{order}/refunds", tag = "orders", request_body = NewRefund, params(
    ("order" = OrderId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each refund; the same again gets the same answer"),
), responses(
    (status = 201, description = "On its way to the buyer", body = Refund, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `escrow_frozen`: a dispute is open; `escrow_released`; `escrow_refunded`; `escrow_partly`; `escrow_held`: it is not the seller's yet"),
    (status = 422, description = "`invalid_value`; `reason_length`"),
))]
async fn refund_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Idempotent { key, body }: Idempotent<NewRefund>,
) -> Result<Response> {
    let seller = acting.trader(&caller)?;
    let reason = given_reason(&body.reason)?;
    key.once(&state.ledger, seller.0, StatusCode::CREATED, async |tx| {
        let made = match body.from {
            RefundFrom::Held => store::refund(tx, seller, caller.user, order, body.amount, &reason).await?,
            RefundFrom::Earned => store::take_back(tx, Some(seller), caller.user, order, body.amount, &reason).await?,
        };
        repay(tx, made.id).await?;
        Ok(Made::at(format!("/v1/orders/{order}/refunds"), made))
    })
    .await
}

/// A part that the platform gives back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefundReleased {
    /// From one minor unit to all that was released and not given back.
    amount: Money,
    /// Both parties read it.
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Give a part back of what is the seller's already, or all of it
///
/// By people of the platform's finance who belong to neither party. What is held is decided by disputes.
#[utoipa::path(post, path = "/v1/admin/orders/{order}/refunds", tag = "admin", request_body = RefundReleased, params(
    ("order" = OrderId, Path),
    ("Idempotency-Key" = String, Header, description = "A new one for each refund; the same again gets the same answer"),
), responses(
    (status = 201, description = "On its way to the buyer", body = Refund, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `own_order`: they belong to the buyer or the seller"),
    (status = 409, description = "`not_paid`; `escrow_held`: it is not the seller's yet; `escrow_frozen`: a dispute is open; `escrow_refunded`"),
    (status = 422, description = "`invalid_value`; `reason_length`"),
))]
async fn refund_released(
    State(state): State<AppState>,
    caller: Caller,
    Path(order): Path<OrderId>,
    Idempotent { key, body }: Idempotent<RefundReleased>,
) -> Result<Response> {
    caller.platform(PlatformRole::Finance)?;
    let reason = given_reason(&body.reason)?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let made = store::take_back(tx, None, caller.user, order, body.amount, &reason).await?;
        repay(tx, made.id).await?;
        Ok(Made::at(format!("/v1/orders/{order}/refunds"), made))
    })
    .await
}

/// What was given back of an order.
#[derive(Debug, serde::Serialize, ToSchema)]
struct Refunds {
    /// Oldest first.
    #[schema(max_items = 1000)]
    items: Vec<Refund>,
}

/// List what was given back of an order
#[utoipa::path(get, path = "/v1/orders/{order}/refunds", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "All of them", body = Refunds),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_refunds(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<Refunds>> {
    let party = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    orders::order(&mut conn, party, order).await?.ok_or_else(|| Problem::not_found("order"))?;
    Ok(Json(Refunds { items: store::refunds(&mut conn, party, order).await? }))
}

#[cfg(test)]
pub(in crate::routes) mod tests;
