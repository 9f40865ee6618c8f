//! Returns: what was delivered goes back by line and quantity, and stock and money with it.

mod refusals;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::returns::{ActError, mail, receive, request};
use market::ids::{OrderId, ReturnId};
use market::offers::model::Party;
use market::orders::store as orders;
use market::returns::model::{Disposition, Return, ReturnReason, ReturnStatus};
use market::returns::rules::Wanted;
use market::returns::store::{self, NewReturn, ReturnError, ReturnFilter};
use queue::JobTx;
use serde::{Deserialize, Serialize};
use shared::text;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::refusals::in_lines;
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
        .routes(routes!(list_returns_of_order, request_return))
        .routes(routes!(list_returns))
        .routes(routes!(get_return))
        .routes(routes!(approve_return))
        .routes(routes!(refuse_return))
        .routes(routes!(cancel_return))
        .routes(routes!(send_return))
        .routes(routes!(receive_return))
}

/// Units of a line.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LineToReturn {
    /// Its place among the order's lines; the first is 1.
    #[schema(minimum = 1, maximum = 32_767)]
    line: i16,
    /// At most what was bought and is in no other return.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
}

/// What is to go back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestReturn {
    /// Each line once.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<LineToReturn>,
    reason: ReturnReason,
    /// For the seller to read.
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(schema_with = note_schema)]
    text: Option<String>,
}

/// A text of up to 1,000 characters, or none.
fn note_schema() -> ObjectBuilder {
    reason_schema().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// Ask for a return
///
/// By the buyer, within 14 days of the delivery. The seller has 7 days to answer; then the return is approved. Whether the money is held
/// or is the seller's already makes no difference, and what is held is released at its time.
#[utoipa::path(post, path = "/v1/orders/{order}/returns", tag = "returns", request_body = RequestReturn, params(
    ("order" = OrderId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each return; the same again gets the same answer"),
), responses(
    (status = 201, description = "Requested", body = Return, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`not_paid`; `not_delivered`; `return_too_late`; `escrow_frozen`: a dispute is open; `order_status`: it is refunded; `nothing_to_return`: all units of a line are in other returns"),
    (status = 422, description = "`invalid_value`"),
))]
async fn request_return(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
    Idempotent { key, body }: Idempotent<RequestReturn>,
) -> Result<Response> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let numbers: Vec<_> = body.lines.iter().map(|line| line.line).collect();
    let lines: Vec<_> = body.lines.iter().map(|&LineToReturn { line, quantity }| Wanted { line, quantity }).collect();
    key.once(&state.ledger, by.org.0, StatusCode::CREATED, async |tx| {
        let new = NewReturn { order, reason: body.reason, text: body.text.as_deref(), lines: &lines };
        let made = request(tx, by, new).await.map_err(|error| match error {
            ActError::Return(ReturnError::NotFound) => Problem::not_found("order"),
            error => in_lines(error, &numbers),
        })?;
        Ok(Made::at(format!("/v1/returns/{}", made.id), made))
    })
    .await
}

/// The returns of an order.
#[derive(Debug, Serialize, ToSchema)]
struct Returns {
    /// Newest first.
    #[schema(max_items = 100)]
    items: Vec<Return>,
}

/// List the returns of an order
///
/// For the organisation that buys or sells.
#[utoipa::path(get, path = "/v1/orders/{order}/returns", tag = "returns", params(("order" = OrderId, Path), Acting), responses(
    (status = 200, description = "All of them", body = Returns),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_returns_of_order(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(order): Path<OrderId>,
) -> Result<Json<Returns>> {
    let party = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    orders::order(&mut conn, party, order).await?.ok_or_else(|| Problem::not_found("order"))?;
    Ok(Json(Returns { items: store::of_order(&mut conn, party, order).await? }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListReturns {
    /// Only those that are at this.
    #[param(inline)]
    status: Option<ReturnStatus>,
    /// The `next` of an earlier page.
    after: Option<ReturnId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the returns of what an organisation sells, newest first
#[utoipa::path(get, path = "/v1/returns", tag = "returns", params(Acting, ListReturns), responses(
    (status = 200, description = "A page", body = Page<Return>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_returns(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListReturns>,
) -> Result<Json<Page<Return>>> {
    let seller = acting.member(&caller)?;
    let filter = ReturnFilter { seller, status: query.status, before: query.after, limit: query.limit.fetch() };
    let rows = store::page(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |found| found.id.to_string(), |found| found)))
}

/// Read a return
///
/// For the organisation that buys or sells.
#[utoipa::path(get, path = "/v1/returns/{return}", tag = "returns", params(("return" = ReturnId, Path), Acting), responses(
    (status = 200, description = "The return", body = Return),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_return(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReturnId>,
) -> Result<Json<Return>> {
    let party = acting.member(&caller)?;
    let found = store::get(&mut *state.db.acquire().await?, party, id).await?;
    Ok(Json(found.ok_or(ReturnError::NotFound)?))
}

/// Tells the other side of a step, and returns what the return is now.
async fn after_step(mut tx: JobTx, id: ReturnId) -> Result<Json<Return>> {
    mail::step(&mut tx, id).await?;
    let found = store::find(&mut tx, id).await?.ok_or(ReturnError::NotFound)?;
    tx.commit().await?;
    Ok(Json(found))
}

/// What the seller says to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApproveReturn {
    /// For the buyer to read, such as where to send it.
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(schema_with = note_schema)]
    note: Option<String>,
}

/// Approve a return
///
/// By the seller. The buyer has 14 days to send the goods; then the return lapses.
#[utoipa::path(post, path = "/v1/returns/{return}/approve", tag = "returns", request_body = ApproveReturn,
    params(("return" = ReturnId, Path), Acting), responses(
    (status = 200, description = "Approved", body = Return),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`return_status`: it was answered, or is over; `escrow_frozen`: a dispute is open"),
    (status = 422, description = "`invalid_value`"),
))]
async fn approve_return(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReturnId>,
    Json(body): Json<ApproveReturn>,
) -> Result<Json<Return>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    store::approve(&mut tx, by, id, body.note.as_deref()).await?;
    after_step(tx, id).await
}

/// Why a return is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefuseReturn {
    /// The buyer reads it.
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Refuse a return
///
/// By the seller. The units can be asked for again while there is time.
#[utoipa::path(post, path = "/v1/returns/{return}/refuse", tag = "returns", request_body = RefuseReturn,
    params(("return" = ReturnId, Path), Acting), responses(
    (status = 200, description = "Refused", body = Return),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`return_status`: it was answered, or is over; `escrow_frozen`: a dispute is open"),
    (status = 422, description = "`reason_length`"),
))]
async fn refuse_return(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReturnId>,
    Json(body): Json<RefuseReturn>,
) -> Result<Json<Return>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let note = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    store::refuse(&mut tx, by, id, &note).await?;
    after_step(tx, id).await
}

/// Cancel a return
///
/// By the buyer, who keeps the goods, until they are received.
#[utoipa::path(post, path = "/v1/returns/{return}/cancel", tag = "returns",
    params(("return" = ReturnId, Path), Acting), responses(
    (status = 200, description = "Cancelled", body = Return),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`return_status`: it is over; `escrow_frozen`: a dispute is open"),
))]
async fn cancel_return(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReturnId>,
) -> Result<Json<Return>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    store::cancel(&mut tx, by, id).await?;
    after_step(tx, id).await
}

/// How the goods come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SendReturn {
    /// The carrier and its tracking number, or whatever else helps the seller to find it.
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<200>)]
    tracking: String,
}

/// Say that a return was sent
///
/// By the buyer, once it is approved. If the seller does not say within 14 days that it has arrived, it counts as received.
#[utoipa::path(post, path = "/v1/returns/{return}/send", tag = "returns", request_body = SendReturn,
    params(("return" = ReturnId, Path), Acting), responses(
    (status = 200, description = "Under way", body = Return),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`return_status`: it is not approved, was sent, or is over; `escrow_frozen`: a dispute is open"),
    (status = 422, description = "`invalid_value`"),
))]
async fn send_return(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReturnId>,
    Json(body): Json<SendReturn>,
) -> Result<Json<Return>> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    store::send(&mut tx, by, id, &body.tracking).await?;
    after_step(tx, id).await
}

/// Where the units of a line go.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LineReceived {
    #[schema(minimum = 1, maximum = 32_767)]
    line: i16,
    disposition: Disposition,
}

/// What has arrived.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReceiveReturn {
    /// Each line of the return, once.
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<LineReceived>,
}

/// Say that a return has arrived
///
/// By the seller, once it is approved or sent. The units go back to the stock that they were taken from, if the listing has one, and
/// what they cost goes back to the buyer, tax and premium included; the platform gives back its share of the commission. If less is
/// left of the order's money than that, all that is left goes back: compare `share` and `refunded`.
#[utoipa::path(post, path = "/v1/returns/{return}/receive", tag = "returns", request_body = ReceiveReturn, params(
    ("return" = ReturnId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each return; the same again gets the same answer"),
), responses(
    (status = 200, description = "Received; with a `refund` the money is on its way to the buyer", body = Return),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`return_status`: it is not approved, or is over; `escrow_frozen`: a dispute is open; `level_full`, `site_full`: there is no room for the units; `site_archived`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn receive_return(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReturnId>,
    Idempotent { key, body }: Idempotent<ReceiveReturn>,
) -> Result<Response> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    let numbers: Vec<_> = body.lines.iter().map(|line| line.line).collect();
    let given: Vec<_> = body.lines.iter().map(|line| (line.line, line.disposition)).collect();
    key.once(&state.ledger, by.org.0, StatusCode::OK, async |tx| {
        let received = receive(tx, by, id, &given).await.map_err(|error| in_lines(error, &numbers))?;
        Ok(Made::new(received))
    })
    .await
}

#[cfg(test)]
mod tests;
