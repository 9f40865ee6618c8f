//! What buyers read of the item that is listed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use market::catalog::store as catalog;
use market::ids::ListingId;
use market::listings::model::Listing;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::visible;
use crate::auth::Caller;
use crate::caching;
use crate::error::Result;
use crate::extract::{Json, Path};
use crate::routes::acting::Acting;
use crate::routes::items::{Calendar, Fits, planned};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(fits_of_listing)).routes(routes!(calendar_of_listing))
}

/// List the machines that a listed part fits
#[utoipa::path(get, path = "/v1/listings/{listing}/fits", tag = "listings", security((), ("bearer" = [])),
    params(("listing" = ListingId, Path), Acting),
    responses((status = 200, description = "In the seller's order", body = Fits)))]
async fn fits_of_listing(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Path(id): Path<ListingId>,
) -> Result<Response> {
    let mut conn = state.db.acquire().await?;
    let listing = visible(&mut conn, caller.as_ref(), acting, id).await?;
    let fits = catalog::fits_of(&mut conn, listing.item_id).await?;
    Ok(shown(&listing, Fits { fits }))
}

/// Read the calendar of what is for hire, one year
#[utoipa::path(get, path = "/v1/listings/{listing}/calendar/{year}", tag = "listings", security((), ("bearer" = [])),
    params(("listing" = ListingId, Path), ("year" = i16, Path, minimum = 2000, maximum = 2100), Acting),
    responses((status = 200, description = "The days that are taken", body = Calendar)))]
async fn calendar_of_listing(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Path((id, year)): Path<(ListingId, i16)>,
) -> Result<Response> {
    let year = planned(year)?;
    let mut conn = state.db.acquire().await?;
    let listing = visible(&mut conn, caller.as_ref(), acting, id).await?;
    let taken = catalog::taken_days(&mut conn, listing.item_id, year).await?;
    Ok(shown(&listing, Calendar { taken }))
}

/// What is public may be kept by caches that many share.
fn shown(listing: &Listing, body: impl Serialize) -> Response {
    if listing.is_public() { caching::shared(body) } else { Json(body).into_response() }
}
