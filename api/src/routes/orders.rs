//! Sales, as their two parties see them.

mod topic;

use axum::extract::State;
use jobs::auctions::defaulted;
use jobs::checkout::{ActError, write_off};
use market::auctions::store::{self as auctions, AuctionError};
use market::checkout::store::CheckoutError;
use market::hires::store::order_with_days;
use market::ids::OrderId;
use market::offers::model::Party;
use market::orders::model::{Order, Side};
use market::orders::store;
use serde::Deserialize;
use shared::text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::checkouts::act_refused;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) use topic::OrderTopic;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_orders))
        .routes(routes!(get_order))
        .routes(routes!(renounce_order))
        .routes(routes!(write_off_order))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListOrders {
    /// Whether to list what the organisation bought or what it sold.
    #[param(inline)]
    side: Side,
    after: Option<OrderId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's orders, newest first
#[utoipa::path(get, path = "/v1/orders", tag = "orders", params(Acting, ListOrders), responses(
    (status = 200, description = "A page", body = Page<Order>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_orders(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListOrders>,
) -> Result<Json<Page<Order>>> {
    let org = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    let rows = store::orders_of(&mut conn, org, query.side, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |order| order.id.to_string(), |order| order)))
}

/// Read an order
///
/// For the organisation that buys or sells; to everybody else it does not exist. Lines of what is for hire have their days.
#[utoipa::path(get, path = "/v1/orders/{order}", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "The order", body = Order),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OrderId>,
) -> Result<Json<Order>> {
    let org = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    let order = order_with_days(&mut conn, org, id).await?;
    order.map(Json).ok_or(Problem::not_found("order"))
}

/// Give up an order from an auction that you will not pay
///
/// What would happen at the end of the time to pay happens now: the order expires, your organisation has a strike, and the lot goes to
/// its next bidder or back to the seller.
#[utoipa::path(post, path = "/v1/orders/{order}/renounce", tag = "orders", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "It has expired", body = Order),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 404, description = "`not_found`: there is no such order from an auction that your organisation has bought"),
    (status = 409, description = "`checkout_ended`: it is paid, or over; `payment_running`"),
))]
async fn renounce_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OrderId>,
) -> Result<Json<Order>> {
    let buyer = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let given_up = match auctions::renounce(&mut tx, buyer, caller.user, id).await {
        Err(AuctionError::NotFound) => return Err(Problem::not_found("order")),
        given_up => given_up?,
    };
    defaulted(&mut tx, &given_up).await?;
    let order = store::order(&mut tx, buyer, id).await?.ok_or(Problem::not_found("order"))?;
    tx.commit().await?;
    Ok(Json(order))
}

/// Why nobody expects to be paid any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WriteOff {
    /// Both parties read it.
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<500>)]
    reason: String,
}

/// Write off a trade that was not paid in its time
///
/// By its seller, while goods of it are with the buyer or on their way. It expires and can no longer be paid, what has left is out of
/// the seller's stock book, and the buyer has a strike. What had not left can be sold again.
#[utoipa::path(post, path = "/v1/orders/{order}/write-off", tag = "orders", request_body = WriteOff, params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "It has expired", body = Order),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 404, description = "`not_found`: there is no such trade that your organisation has sold"),
    (status = 409, description = "`checkout_ended`: it is paid, or over; `nothing_owed`: its goods have not left, or are back; `time_to_pay`: that is not over; `payment_running`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn write_off_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<OrderId>,
    Json(body): Json<WriteOff>,
) -> Result<Json<Order>> {
    let seller = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let by = Party { org: seller, user: caller.user };
    write_off(&mut tx, by, id, &body.reason).await.map_err(|error| match error {
        ActError::Checkout(CheckoutError::NotFound) => Problem::not_found("order"),
        error => act_refused(error, |_, _| None),
    })?;
    let order = store::order(&mut tx, seller, id).await?.ok_or(Problem::not_found("order"))?;
    tx.commit().await?;
    Ok(Json(order))
}

#[cfg(test)]
mod tests;
