//! Baskets: what somebody has put aside to buy.

use axum::extract::State;
use axum::http::StatusCode;
use market::checkout::model::Basket;
use market::checkout::store::{CheckoutError, basket};
use market::identity::OrgKind;
use market::ids::ListingId;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::checkouts::refused;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_basket, empty_basket)).routes(routes!(put_into_basket, take_out_of_basket))
}

/// Read the basket
///
/// Of the person, for the organisation that they act for. Prices are those of now, and nothing is reserved.
#[utoipa::path(get, path = "/v1/basket", tag = "orders", params(Acting), responses(
    (status = 200, description = "The basket", body = Basket),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_basket(State(state): State<AppState>, caller: Caller, acting: Acting) -> Result<Json<Basket>> {
    let org = acting.member(&caller)?;
    Ok(Json(basket::basket(&mut *state.db.acquire().await?, org, caller.user).await?))
}

/// Empty the basket
#[utoipa::path(delete, path = "/v1/basket", tag = "orders", params(Acting), responses(
    (status = 204, description = "It is empty"),
    (status = 403, description = "`role_too_low`"),
))]
async fn empty_basket(State(state): State<AppState>, caller: Caller, acting: Acting) -> Result<StatusCode> {
    let org = acting.member(&caller)?;
    basket::empty(&mut *state.db.acquire().await?, org, caller.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much of a listing to put aside.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutAside {
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
}

/// Put a listing into the basket
///
/// Its quantity takes the place of the one that is there. A person keeps at most 100 lines in baskets.
#[utoipa::path(put, path = "/v1/basket/{listing}", tag = "orders", request_body = PutAside, params(
    ("listing" = ListingId, Path), Acting,
), responses(
    (status = 200, description = "The basket with it", body = Basket),
    (status = 403, description = "`role_too_low`; `own_lot`: you belong to the seller; `org_not_approved`; `org_kind`: it is not a buyer"),
    (status = 404, description = "`not_found`: there is no such listing on offer"),
    (status = 409, description = "`not_fixed`: it is sold in another way; `basket_full`"),
    (status = 422, description = "`invalid_value`: the seller does not sell that quantity"),
))]
async fn put_into_basket(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(listing): Path<ListingId>,
    Json(body): Json<PutAside>,
) -> Result<Json<Basket>> {
    use market::checkout::rules::LineRefusal::NotOnOffer;
    let org = acting.trader_as(OrgKind::Buyer, &caller)?;
    let mut tx = state.ledger.begin().await?;
    basket::put(&mut tx, org, caller.user, listing, body.quantity).await.map_err(|error| match error {
        CheckoutError::Line { refusal: NotOnOffer, .. } => Problem::not_found("listing"),
        error => refused(error, |_, field| (field != "listing").then(|| format!("/{field}"))),
    })?;
    let basket = basket::basket(&mut tx, org, caller.user).await?;
    tx.commit().await?;
    Ok(Json(basket))
}

/// Take a listing out of the basket
#[utoipa::path(delete, path = "/v1/basket/{listing}", tag = "orders", params(("listing" = ListingId, Path), Acting), responses(
    (status = 204, description = "It is not in the basket"),
    (status = 403, description = "`role_too_low`"),
))]
async fn take_out_of_basket(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(listing): Path<ListingId>,
) -> Result<StatusCode> {
    let org = acting.member(&caller)?;
    basket::take_out(&mut *state.db.acquire().await?, org, caller.user, &[listing]).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
