//! What parts fit.

use axum::extract::State;
use market::catalog::model::Fit;
use market::catalog::store::{self, CatalogError};
use market::ids::ItemId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::Result;
use crate::extract::{Json, Path};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(fits_of_item, set_fits))
}

/// What a part fits.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Fits {
    #[schema(max_items = 500)]
    pub(in crate::routes) fits: Vec<Fit>,
}

/// List the machines that an item fits
#[utoipa::path(get, path = "/v1/items/{item}/fits", tag = "items", params(("item" = ItemId, Path), Acting), responses(
    (status = 200, description = "In the order that they were given", body = Fits),
    (status = 403, description = "`role_too_low`"),
))]
async fn fits_of_item(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ItemId>,
    acting: Acting,
) -> Result<Json<Fits>> {
    let org = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    store::item(&mut conn, org, id).await?.ok_or(CatalogError::NotFound)?;
    Ok(Json(Fits { fits: store::fits_of(&mut conn, id).await? }))
}

/// Say which machines a part fits
///
/// Replaces the list. A model's page shows the parts that fit it.
#[utoipa::path(put, path = "/v1/items/{item}/fits", tag = "items", params(("item" = ItemId, Path), Acting, IfMatch),
    request_body = Fits, responses(
    (status = 200, description = "The list", body = Fits),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`item_fixed`: a listing of the item has bids"),
    (status = 422, description = "`invalid_value`, with every fault of the list"),
))]
async fn set_fits(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ItemId>,
    acting: Acting,
    expected: IfMatch,
    Json(body): Json<Fits>,
) -> Result<Json<Fits>> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        store::lock_item(&mut tx, org, id).await?;
        expected.check(&Fits { fits: store::fits_of(&mut tx, id).await? })?;
    }
    store::set_fits(&mut tx, org, id, &body.fits).await?;
    let fits = store::fits_of(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(Fits { fits }))
}

#[cfg(test)]
mod tests;
