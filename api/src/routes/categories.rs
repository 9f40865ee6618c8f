//! The catalogue's categories.

use axum::extract::State;
use serde::Serialize;
use shared::catalog::model::Category;
use shared::catalog::store;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::error::Result;
use crate::extract::Json;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_categories))
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
async fn list_categories(State(state): State<AppState>) -> Result<Json<Categories>> {
    let items = store::categories(&mut *state.db.acquire().await?).await?;
    Ok(Json(Categories { items }))
}
