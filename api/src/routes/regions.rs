//! Where on which body things are.

use axum::extract::State;
use axum::response::Response;
use market::ids::RegionId;
use market::stock::model::Region;
use market::stock::store;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::Query;
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_regions))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListRegions {
    /// Only those right below this one; without it, the bodies.
    parent: Option<RegionId>,
    /// The `next` of an earlier page.
    #[param(pattern = "^[a-z0-9-]+(/[a-z0-9-]+)*$", max_length = 100)]
    after: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// Whether a text can be the code of a region.
fn is_code(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase() || c == b'-')
    };
    text.len() <= 100 && text.split('/').all(word)
}

/// List regions, by code
///
/// Planets and moons first; `parent` leads to what lies on them.
#[utoipa::path(get, path = "/v1/regions", tag = "stock", security(()), params(ListRegions), responses(
    (status = 200, description = "A page", body = Page<Region>),
))]
async fn list_regions(State(state): State<AppState>, Query(query): Query<ListRegions>) -> Result<Response> {
    if query.after.as_deref().is_some_and(|after| !is_code(after)) {
        return Err(Problem::bad_request("invalid_query", "the query is not what this request takes")
            .parameter("after", "expected the `next` of an earlier page"));
    }
    let mut conn = state.db.acquire().await?;
    let rows = store::regions(&mut conn, query.parent, query.after.as_deref(), query.limit.fetch()).await?;
    Ok(caching::shared(query.limit.page(rows, |region| region.code.clone(), |region| region)))
}
