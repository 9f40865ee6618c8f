//! Models of machines, and the parts that fit them.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use market::catalog::model::{MachineModel, NewModel};
use market::catalog::store::{self, CatalogError};
use market::identity::PlatformRole;
use market::listings::store as listings;
use serde::Deserialize;
use shared::audit::Actor;
use sqlx::PgConnection;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::listings::{ListingView, cursor, newest_first};
use crate::auth::Caller;
use crate::cache::What;
use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::{Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page, TimeCursor};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_models, create_model))
        .routes(routes!(get_model))
        .routes(routes!(parts_for_model))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListModels {
    /// Only models of this make, in capital letters or small ones.
    #[param(min_length = 1, max_length = 100)]
    make: Option<String>,
    /// The `next` of an earlier page.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 201)]
    after: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List models of machines, by name
#[utoipa::path(get, path = "/v1/models", tag = "catalogue", security(()), params(ListModels), responses(
    (status = 200, description = "A page", body = Page<MachineModel>),
))]
async fn list_models(State(state): State<AppState>, uri: Uri, Query(query): Query<ListModels>) -> Result<Response> {
    let models = state.cache.answer(What::Models, &uri, || page(&state, &query)).await?;
    Ok(caching::shared_encoded(models))
}

async fn page(state: &AppState, query: &ListModels) -> Result<Page<MachineModel>> {
    let (make, after) = (query.make.as_deref(), query.after.as_deref());
    if make.is_some_and(|make| !(1..=100).contains(&make.chars().count())) {
        return Err(wrong("make", "has 1 to 100 characters"));
    }
    let is_slug = |text: &str| {
        let words = text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase()));
        words && text.len() <= 201
    };
    if after.is_some_and(|after| !is_slug(after)) {
        return Err(wrong("after", "expected the `next` of an earlier page"));
    }
    let rows = store::models(&mut *state.db.acquire().await?, make, after, query.limit.fetch()).await?;
    Ok(query.limit.page(rows, |model| model.slug.clone(), |model| model))
}

/// Add a model
#[utoipa::path(post, path = "/v1/models", tag = "catalogue", params(OptionalKey), request_body = NewModel, responses(
    (status = 201, description = "Added", body = MachineModel, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`model_exists`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_model(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body: new }: Keyed<NewModel>,
) -> Result<Response> {
    caller.platform(PlatformRole::Admin)?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let model = store::create_model(tx, Actor::User(caller.user), &new).await?;
        Ok(Made::at(format!("/v1/models/{}", model.slug), model))
    })
    .await
}

/// Read a model
#[utoipa::path(get, path = "/v1/models/{model}", tag = "catalogue", security(()),
    params(("model" = String, Path, example = "john-deere-6130r")), responses(
    (status = 200, description = "The model", body = MachineModel),
))]
async fn get_model(State(state): State<AppState>, Path(slug): Path<String>) -> Result<Response> {
    Ok(caching::shared(found(&mut *state.db.acquire().await?, &slug).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PartsFor {
    /// The year that the machine was built in.
    #[param(minimum = 1800, maximum = 2100)]
    year: Option<i16>,
    #[param(inline)]
    after: Option<TimeCursor>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the parts that fit a model, newest first
///
/// Those whose sellers name the model, or its make without a model.
#[utoipa::path(get, path = "/v1/models/{model}/parts", tag = "catalogue", security(()),
    params(("model" = String, Path, example = "john-deere-6130r"), PartsFor), responses(
    (status = 200, description = "A page", body = Page<ListingView>),
))]
async fn parts_for_model(
    State(state): State<AppState>,
    uri: Uri,
    Path(slug): Path<String>,
    Query(query): Query<PartsFor>,
) -> Result<Response> {
    let parts = state.cache.answer(What::Parts, &uri, || parts_for(&state, &slug, &query)).await?;
    Ok(caching::shared_encoded(parts))
}

async fn parts_for(state: &AppState, slug: &str, query: &PartsFor) -> Result<Page<ListingView>> {
    if query.year.is_some_and(|year| !(1800..=2100).contains(&year)) {
        return Err(wrong("year", "must lie between 1800 and 2100"));
    }
    let mut conn = state.db.acquire().await?;
    let model = found(&mut conn, slug).await?;
    let after = query.after.map(cursor);
    let rows = listings::parts_for(&mut conn, &model, query.year, after, query.limit.fetch()).await?;
    newest_first(&mut conn, query.limit, rows).await
}

fn wrong(parameter: &'static str, expected: &'static str) -> Problem {
    Problem::bad_request("invalid_query", "the query is not what this request takes").parameter(parameter, expected)
}

async fn found(conn: &mut PgConnection, slug: &str) -> Result<MachineModel> {
    Ok(store::model(conn, slug).await?.ok_or(CatalogError::NoModel)?)
}
