//! Buying at fixed prices: one payment, an order for each seller.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{NaiveDate, TimeDelta};
use jobs::checkout::{ActError, cancel, place, place_basket};
use jobs::hires::hire;
use market::checkout::model::{Checkout, CheckoutLine};
use market::checkout::rules::LineRefusal;
use market::checkout::store::{self, CheckoutError};
use market::identity::OrgKind;
use market::ids::{CheckoutId, ListingId};
use serde::Deserialize;
use shared::money::Money;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Idempotent, Made};
use crate::paging::{Limit, Page};
use crate::state::AppState;

/// How long a buyer has to pay.
const TERM: TimeDelta = TimeDelta::minutes(30);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_checkouts, create_checkout))
        .routes(routes!(get_checkout))
        .routes(routes!(cancel_checkout))
        .routes(routes!(buy_listing))
}

/// What a refusal says. `place` tells where in the request a field of a line is.
pub(super) fn refused(error: CheckoutError, place: impl Fn(usize, &str) -> Option<String>) -> Problem {
    let text = error.to_string();
    let at = |problem: Problem, line, field: &str| match place(line, field) {
        Some(pointer) => problem.at(pointer, text.clone()),
        None => problem,
    };
    match error {
        CheckoutError::NotFound => Problem::not_found("checkout"),
        CheckoutError::Empty | CheckoutError::TooMany(_) => {
            Problem::unprocessable("invalid_value", "the lines are not usable").at("/lines", text)
        }
        CheckoutError::Twice(line) => {
            at(Problem::unprocessable("invalid_value", "the lines are not usable"), line, "listing")
        }
        CheckoutError::Currencies(_) => Problem::unprocessable("checkout_currencies", text.clone()).at("/lines", text),
        CheckoutError::Line { line, refusal } => match refusal {
            LineRefusal::NotOnOffer => at(Problem::conflict("not_on_offer", text.clone()), line, "listing"),
            LineRefusal::NotFixed => at(Problem::conflict("not_fixed", text.clone()), line, "listing"),
            LineRefusal::PriceChanged(_) => at(Problem::conflict("price_changed", text.clone()), line, "price"),
            LineRefusal::Quantity { .. } => {
                at(Problem::unprocessable("invalid_value", "the quantity is not sold"), line, "quantity")
            }
            LineRefusal::OwnListing => at(Problem::forbidden("own_lot", text.clone()), line, "listing"),
        },
        CheckoutError::OutOfStock { line, .. } => at(Problem::conflict("out_of_stock", text.clone()), line, "quantity"),
        CheckoutError::TotalChanged(_) => Problem::conflict("price_changed", text.clone()).at("/total", text),
        CheckoutError::BasketFull => Problem::conflict("basket_full", text),
        CheckoutError::SellersPeople => Problem::forbidden("sellers_people", text),
        CheckoutError::Ended(_) => Problem::conflict("checkout_ended", text),
        CheckoutError::Paying => Problem::conflict("payment_running", text),
        CheckoutError::Owed => Problem::conflict("goods_left", text),
        CheckoutError::NothingOwed => Problem::conflict("nothing_owed", text),
        CheckoutError::TimeToPay(_) => Problem::conflict("time_to_pay", text),
        CheckoutError::Awarded => Problem::conflict("awarded", text),
        CheckoutError::Order(error) => Problem::internal(error),
        CheckoutError::Shipment(error) => error.into(),
        CheckoutError::Stock(error) => Problem::internal(error),
        CheckoutError::Invalid(invalid) => invalid.into(),
        CheckoutError::Money(error) => {
            let text = error.to_string();
            Problem::unprocessable("amount_too_large", text)
        }
        CheckoutError::Sql(error) => error.into(),
    }
}

pub(super) fn act_refused(error: ActError, place: impl Fn(usize, &str) -> Option<String>) -> Problem {
    match error {
        ActError::Checkout(error) => refused(error, place),
        ActError::Shipment(error) => error.into(),
        ActError::Enqueue(error) => error.into(),
        ActError::Mail(error) => error.into(),
    }
}

/// The lines stand in the body.
#[expect(clippy::unnecessary_wraps, reason = "other requests have no lines")]
fn in_lines(line: usize, field: &str) -> Option<String> {
    Some(format!("/lines/{line}/{field}"))
}

/// What to buy, all of it or nothing: these lines, or what is in the basket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCheckout {
    /// Of one currency; each listing once. Absent: what is in the basket and on offer, in the currency of `total`.
    #[schema(min_items = 1, max_items = 100)]
    lines: Option<Vec<CheckoutLine>>,
    /// For a basket: what it comes to, as the buyer was shown it.
    total: Option<Money>,
}

/// Buy at fixed prices, from one seller or several
///
/// What is bought stands in `lines`, or in the basket. Everything is reserved until `pay_by`, then sold to others. One payment pays for all; each seller gets an order.
#[utoipa::path(post, path = "/v1/checkouts", tag = "orders", request_body = NewCheckout, params(
    Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each purchase; the same again gets the same answer"),
), responses(
    (status = 201, description = "Reserved, to be paid", body = Checkout, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `own_lot`, `sellers_people`: you belong to the seller; `org_not_approved`; `org_kind`: it is not a buyer"),
    (status = 409, description = "`out_of_stock`; `price_changed`; `not_on_offer`; `not_fixed`: it is sold in another way"),
    (status = 422, description = "`invalid_value`; `checkout_currencies`: a checkout has one currency; `amount_too_large`"),
))]
async fn create_checkout(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Idempotent { key, body }: Idempotent<NewCheckout>,
) -> Result<Response> {
    let buyer = acting.trader_as(OrgKind::Buyer, &caller)?;
    key.once(&state.ledger, buyer.0, StatusCode::CREATED, async |tx| {
        let placed = match (&body.lines, body.total) {
            (Some(lines), None) => {
                place(tx, buyer, caller.user, lines, TERM).await.map_err(|error| act_refused(error, in_lines))?
            }
            (None, Some(total)) => {
                let placed = place_basket(tx, buyer, caller.user, total, TERM).await;
                placed.map_err(|error| act_refused(error, |_, _| Some("/total".to_owned())))?
            }
            _ => {
                let text = "either lines, or the total of the basket";
                return Err(Problem::unprocessable("invalid_value", text).at("/lines", text));
            }
        };
        Ok(Made::at(format!("/v1/checkouts/{}", placed.id), placed))
    })
    .await
}

/// What to buy of one listing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Buy {
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    /// Per unit, as it was shown.
    price: Money,
    /// Of a service: the days that it is hired for, by the rules of `PUT /v1/orders/{order}/lines/{line}/days`. They can also be chosen later.
    #[serde(default)]
    #[schema(max_items = 366)]
    days: Vec<NaiveDate>,
}

/// Buy from one listing at its fixed price
#[utoipa::path(post, path = "/v1/listings/{listing}/buy", tag = "orders", request_body = Buy, params(
    ("listing" = ListingId, Path), Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each purchase; the same again gets the same answer"),
), responses(
    (status = 201, description = "Reserved, to be paid", body = Checkout, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `own_lot`, `sellers_people`: you belong to the seller; `org_not_approved`; `org_kind`: it is not a buyer"),
    (status = 409, description = "`out_of_stock`; `price_changed`; `not_on_offer`; `not_fixed`: it is sold in another way; `days_taken`"),
    (status = 422, description = "`invalid_value`; `amount_too_large`"),
))]
async fn buy_listing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(listing): Path<ListingId>,
    Idempotent { key, body }: Idempotent<Buy>,
) -> Result<Response> {
    let buyer = acting.trader_as(OrgKind::Buyer, &caller)?;
    let lines = [CheckoutLine { listing, quantity: body.quantity, price: body.price }];
    key.once(&state.ledger, buyer.0, StatusCode::CREATED, async |tx| {
        let placed = place(tx, buyer, caller.user, &lines, TERM).await;
        // The listing stands in the path.
        let at = |_, field: &str| (field != "listing").then(|| format!("/{field}"));
        let placed = placed.map_err(|error| act_refused(error, at))?;
        // One listing is one order of one line.
        if let Some(order) = placed.orders.first().filter(|_| !body.days.is_empty()) {
            hire(tx, buyer, order.id, 1, &body.days).await?;
        }
        Ok(Made::at(format!("/v1/checkouts/{}", placed.id), placed))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListCheckouts {
    /// The `next` of an earlier page.
    after: Option<CheckoutId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List what an organisation has bought at fixed prices and in auctions, newest first
#[utoipa::path(get, path = "/v1/checkouts", tag = "orders", params(Acting, ListCheckouts), responses(
    (status = 200, description = "A page", body = Page<Checkout>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_checkouts(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListCheckouts>,
) -> Result<Json<Page<Checkout>>> {
    let buyer = acting.member(&caller)?;
    let rows = store::of_buyer(&mut *state.db.acquire().await?, buyer, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |checkout| checkout.id.to_string(), |checkout| checkout)))
}

/// Read a checkout
#[utoipa::path(get, path = "/v1/checkouts/{checkout}", tag = "orders", params(("checkout" = CheckoutId, Path), Acting), responses(
    (status = 200, description = "The checkout", body = Checkout),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_checkout(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<CheckoutId>,
) -> Result<Json<Checkout>> {
    let buyer = acting.member(&caller)?;
    let found = store::checkout(&mut *state.db.acquire().await?, buyer, id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("checkout"))
}

/// Cancel a checkout that is not paid
///
/// What it had reserved is available again.
#[utoipa::path(post, path = "/v1/checkouts/{checkout}/cancel", tag = "orders", params(("checkout" = CheckoutId, Path), Acting), responses(
    (status = 200, description = "Cancelled", body = Checkout),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`checkout_ended`: it is paid, or over; `awarded`: it was bought in an auction, and can only be renounced; `payment_running`; `goods_left`: a trade's goods are on their way or there"),
))]
async fn cancel_checkout(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<CheckoutId>,
) -> Result<Json<Checkout>> {
    let buyer = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    let cancelled = cancel(&mut tx, buyer, caller.user, id).await.map_err(|error| act_refused(error, in_lines))?;
    tx.commit().await?;
    Ok(Json(cancelled))
}

#[cfg(test)]
pub(super) mod tests;
