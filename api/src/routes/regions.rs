//! Where on which body things are.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::identity::PlatformRole;
use market::ids::RegionId;
use market::stock::model::{NewRegion, Region, RegionChange};
use market::stock::store;
use serde::Deserialize;
use shared::audit::Actor;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::caching;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_regions, create_region)).routes(routes!(
        get_region,
        change_region,
        archive_region
    ))
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

/// Add a region
///
/// A body, or a part of what lies on one. Its code is the path to it, and stays.
#[utoipa::path(post, path = "/v1/regions", tag = "admin", params(OptionalKey), request_body = NewRegion, responses(
    (status = 201, description = "Added", body = Region, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`region_exists`: there is one of this code, or was one"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_region(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body: new }: Keyed<NewRegion>,
) -> Result<Response> {
    caller.platform(PlatformRole::Admin)?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let region = store::create_region(tx, Actor::User(caller.user), &new).await?;
        Ok(Made::at(format!("/v1/regions/{}", region.id), region))
    })
    .await
}

/// Read a region
#[utoipa::path(get, path = "/v1/regions/{region}", tag = "stock", security(()), params(("region" = RegionId, Path)), responses(
    (status = 200, description = "The region", body = Region),
))]
async fn get_region(State(state): State<AppState>, Path(id): Path<RegionId>) -> Result<Json<Region>> {
    let region = store::region(&mut *state.db.acquire().await?, id).await?;
    region.map(Json).ok_or(Problem::not_found("region"))
}

/// Rename a region
#[utoipa::path(patch, path = "/v1/regions/{region}", tag = "admin", params(("region" = RegionId, Path), IfMatch),
    request_body = RegionChange, responses(
    (status = 200, description = "The region", body = Region),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_region(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<RegionId>,
    expected: IfMatch,
    Json(change): Json<RegionChange>,
) -> Result<Json<Region>> {
    caller.platform(PlatformRole::Admin)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_region(&mut tx, id).await?)?;
    }
    let region = store::change_region(&mut tx, Actor::User(caller.user), id, &change).await?;
    tx.commit().await?;
    Ok(Json(region))
}

/// Archive a region
///
/// One in which no site and no other region lies. It leaves the lists; what refers to it from before keeps it.
#[utoipa::path(delete, path = "/v1/regions/{region}", tag = "admin", params(("region" = RegionId, Path), IfMatch), responses(
    (status = 204, description = "Archived"),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`region_in_use`"),
))]
async fn archive_region(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<RegionId>,
    expected: IfMatch,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Admin)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock_region(&mut tx, id).await?)?;
    }
    store::archive_region(&mut tx, Actor::User(caller.user), id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
