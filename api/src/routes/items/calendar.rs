//! When what is for hire is taken.

use axum::extract::State;
use chrono::NaiveDate;
use market::catalog::store::{self, CatalogError};
use market::ids::ItemId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(calendar_of_item, block_days))
}

/// A year's days that are not free.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes) struct Calendar {
    /// In order; all others are free.
    #[schema(max_items = 366)]
    pub(in crate::routes) taken: Vec<NaiveDate>,
}

/// Refuses years that nobody plans for.
pub(in crate::routes) fn planned(year: i16) -> Result<i16> {
    if (2000..=2100).contains(&year) { Ok(year) } else { Err(Problem::not_found("calendar")) }
}

/// Read an item's calendar of one year
#[utoipa::path(get, path = "/v1/items/{item}/calendar/{year}", tag = "items",
    params(("item" = ItemId, Path), ("year" = i16, Path, minimum = 2000, maximum = 2100), Acting), responses(
    (status = 200, description = "The days that are taken", body = Calendar),
    (status = 403, description = "`role_too_low`"),
))]
async fn calendar_of_item(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, year)): Path<(ItemId, i16)>,
    acting: Acting,
) -> Result<Json<Calendar>> {
    let org = acting.member(&caller)?;
    let year = planned(year)?;
    let mut conn = state.db.acquire().await?;
    store::item(&mut conn, org, id).await?.ok_or(CatalogError::NotFound)?;
    Ok(Json(Calendar { taken: store::taken_days(&mut conn, id, year).await? }))
}

/// Say on which days of a year a service is not for hire
///
/// These days instead of those that were said before. The days that orders have stay taken, whether or not they are among them.
#[utoipa::path(put, path = "/v1/items/{item}/calendar/{year}", tag = "items",
    params(("item" = ItemId, Path), ("year" = i16, Path, minimum = 2000, maximum = 2100), Acting, IfMatch),
    request_body = Calendar, responses(
    (status = 200, description = "The days that are taken", body = Calendar),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn block_days(
    State(state): State<AppState>,
    caller: Caller,
    Path((id, year)): Path<(ItemId, i16)>,
    acting: Acting,
    expected: IfMatch,
    Json(body): Json<Calendar>,
) -> Result<Json<Calendar>> {
    let org = acting.preparer(&caller)?;
    let year = planned(year)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        store::lock_item(&mut tx, org, id).await?;
        expected.check(&Calendar { taken: store::taken_days(&mut tx, id, year).await? })?;
    }
    store::block_days(&mut tx, org, id, year, &body.taken).await?;
    let taken = store::taken_days(&mut tx, id, year).await?;
    tx.commit().await?;
    Ok(Json(Calendar { taken }))
}

#[cfg(test)]
mod tests;
