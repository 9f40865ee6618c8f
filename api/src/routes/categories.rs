//! The catalogue's categories.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use market::catalog::model::{Category, CategoryChange, NewCategory};
use market::catalog::store;
use market::identity::PlatformRole;
use market::ids::CategoryId;
use serde::Serialize;
use shared::audit::Actor;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::cache::What;
use crate::caching::Encoded;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_categories, create_category))
        .routes(routes!(get_category, change_category))
}

#[derive(Debug, Serialize, ToSchema)]
struct Categories {
    /// Parents before their children.
    items: Vec<Category>,
}

/// List the categories
///
/// All of them at once: what can be sold, and which attributes items of each kind have.
#[utoipa::path(get, path = "/v1/categories", tag = "catalogue", security(()), responses(
    (status = 200, description = "Every category", body = Categories),
))]
async fn list_categories(State(state): State<AppState>, uri: Uri) -> Result<Encoded> {
    state.cache.answer(What::Categories, &uri, || every(&state)).await
}

async fn every(state: &AppState) -> Result<Categories> {
    let items = store::categories(&mut *state.db.acquire().await?).await?;
    Ok(Categories { items })
}

/// Add a category
#[utoipa::path(post, path = "/v1/categories", tag = "catalogue", params(OptionalKey), request_body = NewCategory, responses(
    (status = 201, description = "Added", body = Category, headers(("Location" = String))),
    (status = 404, description = "`not_found`: there is no such parent"),
    (status = 409, description = "`category_exists`"),
    (status = 422, description = "`invalid_value`, with every fault of the schema"),
    (status = 403, description = "`role_too_low`"),
))]
async fn create_category(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body: new }: Keyed<NewCategory>,
) -> Result<Response> {
    caller.platform(PlatformRole::Admin)?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let category = store::create_category(tx, Actor::User(caller.user), &new).await?;
        Ok(Made::at(format!("/v1/categories/{}", category.id), category))
    })
    .await
}

/// Read a category
#[utoipa::path(get, path = "/v1/categories/{category}", tag = "catalogue", security(()),
    params(("category" = CategoryId, Path)), responses(
    (status = 200, description = "The category", body = Category),
))]
async fn get_category(State(state): State<AppState>, Path(id): Path<CategoryId>) -> Result<Json<Category>> {
    let category = store::category(&mut *state.db.acquire().await?, id).await?;
    category.map(Json).ok_or(Problem::not_found("category"))
}

/// Change a category
///
/// Fields that are left out stay as they are; the schema is replaced as a whole. Items stay as they are, too: they must fit a
/// new schema when they are changed or listed next.
#[utoipa::path(patch, path = "/v1/categories/{category}", tag = "catalogue", params(("category" = CategoryId, Path), IfMatch),
    request_body = CategoryChange, responses(
    (status = 200, description = "The category", body = Category),
    (status = 422, description = "`invalid_value`, with every fault of the schema"),
    (status = 403, description = "`role_too_low`"),
))]
async fn change_category(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<CategoryId>,
    expected: IfMatch,
    Json(change): Json<CategoryChange>,
) -> Result<Json<Category>> {
    caller.platform(PlatformRole::Admin)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_category(&mut tx, id).await?)?;
    }
    let category = store::change_category(&mut tx, Actor::User(caller.user), id, &change).await?;
    tx.commit().await?;
    Ok(Json(category))
}

#[cfg(test)]
mod tests;
