//! What organisations hold and may list.

mod calendar;
mod fits;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::catalog::model::{Item, ItemChange, NewItem};
use market::catalog::store::{self, CatalogError};
use market::identity::PlatformRole;
use market::ids::ItemId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(super) use calendar::{Calendar, planned};
pub(super) use fits::Fits;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_items, create_item))
        .routes(routes!(get_item, change_item, archive_item))
        .merge(fits::router())
        .merge(calendar::router())
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::NotFound => Self::not_found("item"),
            CatalogError::SkuTaken => Self::conflict("sku_taken", error.to_string()).at("/sku", "taken"),
            CatalogError::FixedByBids => Self::conflict("item_fixed", error.to_string()),
            CatalogError::NoCategory => Self::not_found("category"),
            CatalogError::NoModel => Self::not_found("model"),
            CatalogError::ModelTaken => Self::conflict("model_exists", error.to_string()).at("/name", "taken"),
            CatalogError::PathTaken => Self::conflict("category_exists", error.to_string()).at("/slug", "taken"),
            CatalogError::Invalid(invalid) => invalid.into(),
            CatalogError::Unfit(faults) => faults.into(),
            CatalogError::BrokenSchema(_) => Self::conflict("category_schema", error.to_string()),
            CatalogError::Database(error) => error.into(),
        }
    }
}

/// Add an item
///
/// Its attributes must fit its category; those that it requires may follow. It is seen by its organisation only, until a listing
/// offers it.
#[utoipa::path(post, path = "/v1/items", tag = "items", params(Acting, OptionalKey), request_body = NewItem, responses(
    (status = 201, description = "Added", body = Item, headers(("Location" = String))),
    (status = 409, description = "`sku_taken`; `category_schema`: the category's schema cannot be applied"),
    (status = 422, description = "`invalid_value`"),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "`not_found`: there is no such category"),
))]
async fn create_item(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body: new }: Keyed<NewItem>,
) -> Result<Response> {
    let org = acting.preparer(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let item = store::create_item(tx, org, &new).await?;
        Ok(Made::at(format!("/v1/items/{}", item.id), item))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListItems {
    after: Option<ItemId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's items, oldest first
///
/// Members see their organisation's items, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/items", tag = "items", params(Acting, ListItems), responses(
    (status = 200, description = "A page", body = Page<Item>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_items(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListItems>,
) -> Result<Json<Page<Item>>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let rows = store::items_of(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |item| item.id.to_string(), |item| item)))
}

/// Read an item
///
/// Members see their organisation's items, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/items/{item}", tag = "items", params(("item" = ItemId, Path), Acting), responses(
    (status = 200, description = "The item", body = Item),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_item(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ItemId>,
    acting: Acting,
) -> Result<Json<Item>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let item = store::item(&mut *state.db.acquire().await?, org, id).await?;
    Ok(Json(item.ok_or(CatalogError::NotFound)?))
}

/// Change an item
///
/// Fields that are left out stay as they are; attributes are replaced as a whole. What is on offer must stay complete.
#[utoipa::path(patch, path = "/v1/items/{item}", tag = "items", params(("item" = ItemId, Path), Acting, IfMatch),
    request_body = ItemChange, responses(
    (status = 200, description = "The item", body = Item),
    (status = 422, description = "`invalid_value`"),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`item_fixed`: a listing of the item has bids, and only the title changes; `category_schema`: the \
        category's schema cannot be applied"),
))]
async fn change_item(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ItemId>,
    acting: Acting,
    expected: IfMatch,
    Json(change): Json<ItemChange>,
) -> Result<Json<Item>> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_item(&mut tx, org, id).await?)?;
    }
    let item = store::change_item(&mut tx, org, id, &change).await?;
    tx.commit().await?;
    Ok(Json(item))
}

/// Archive an item
///
/// It leaves the lists; listings and orders keep it.
#[utoipa::path(delete, path = "/v1/items/{item}", tag = "items", params(("item" = ItemId, Path), Acting, IfMatch), responses(
    (status = 204, description = "Archived"),
    (status = 403, description = "`role_too_low`"),
))]
async fn archive_item(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<ItemId>,
    acting: Acting,
    expected: IfMatch,
) -> Result<StatusCode> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_item(&mut tx, org, id).await?)?;
    }
    store::archive_item(&mut tx, org, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
