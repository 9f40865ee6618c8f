//! The places where organisations keep things.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::identity::PlatformRole;
use market::ids::SiteId;
use market::stock::model::{NewSite, Site, SiteChange};
use market::stock::store::{self, StockError};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::conditional::{EntityTag, IfMatch};
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_sites, create_site)).routes(routes!(get_site, change_site, archive_site))
}

/// What people edit of a site: what it stores changes without them.
fn edited(site: &Site) -> (SiteId, i64) {
    (site.id, site.version)
}

/// Add a site
///
/// It stands on the body of its region, and stays there. With a capacity it refuses what it has no room for.
#[utoipa::path(post, path = "/v1/sites", tag = "stock", params(Acting, OptionalKey), request_body = NewSite, responses(
    (status = 201, description = "Added", body = Site, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_site(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body: new }: Keyed<NewSite>,
) -> Result<Response> {
    let org = acting.preparer(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let site = store::create_site(tx, org, &new).await?;
        Ok(Made::at(format!("/v1/sites/{}", site.id), site))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListSites {
    after: Option<SiteId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's sites, oldest first
///
/// Members see their organisation's sites, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/sites", tag = "stock", params(Acting, ListSites), responses(
    (status = 200, description = "A page", body = Page<Site>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_sites(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListSites>,
) -> Result<Json<Page<Site>>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let rows = store::sites_of(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |site| site.id.to_string(), |site| site)))
}

/// Read a site
///
/// The entity tag is of what people edit: what comes and goes does not change it.
/// Members see their organisation's sites, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/sites/{site}", tag = "stock", params(("site" = SiteId, Path), Acting), responses(
    (status = 200, description = "The site", body = Site),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_site(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<SiteId>,
    acting: Acting,
) -> Result<(EntityTag, Json<Site>)> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let site = store::site(&mut *state.db.acquire().await?, org, id).await?;
    let site = site.ok_or(StockError::NotFound)?;
    Ok((EntityTag::of(&edited(&site))?, Json(site)))
}

/// Change a site
///
/// Fields that are left out stay as they are.
#[utoipa::path(patch, path = "/v1/sites/{site}", tag = "stock", params(("site" = SiteId, Path), Acting, IfMatch),
    request_body = SiteChange, responses(
    (status = 200, description = "The site", body = Site),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`site_full`: it stores more than that; `site_capacity_settled`: it has had stock, and neither gets nor \
        loses a capacity"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_site(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<SiteId>,
    acting: Acting,
    expected: IfMatch,
    Json(change): Json<SiteChange>,
) -> Result<(EntityTag, Json<Site>)> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&edited(&store::lock_site(&mut tx, org, id).await?))?;
    }
    let site = store::change_site(&mut tx, org, id, &change).await?;
    tx.commit().await?;
    Ok((EntityTag::of(&edited(&site))?, Json(site)))
}

/// Archive a site
///
/// It leaves the lists; what was sold from there keeps it.
#[utoipa::path(delete, path = "/v1/sites/{site}", tag = "stock", params(("site" = SiteId, Path), Acting, IfMatch), responses(
    (status = 204, description = "Archived"),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`site_in_use`: it has stock"),
))]
async fn archive_site(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<SiteId>,
    acting: Acting,
    expected: IfMatch,
) -> Result<StatusCode> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&edited(&store::lock_site(&mut tx, org, id).await?))?;
    }
    store::archive_site(&mut tx, org, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
