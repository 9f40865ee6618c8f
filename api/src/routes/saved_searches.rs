//! Searches that people keep, for which new matches are mailed.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::ids::SavedSearchId;
use market::search::model::{Criteria, SavedSearch};
use market::search::store::saved::{self, NewSavedSearch, SavedSearchChange, SavedSearchError};
use serde::{Deserialize, Serialize};
use shared::text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::listings::search::checked;
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// The longest path of a category, in characters.
const MAX_CATEGORY: usize = 200;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_saved_searches, save_search)).routes(routes!(
        get_saved_search,
        change_saved_search,
        delete_saved_search
    ))
}

impl From<SavedSearchError> for Problem {
    fn from(error: SavedSearchError) -> Self {
        match error {
            SavedSearchError::NotFound => Self::not_found("saved search"),
            SavedSearchError::TooMany => Self::conflict("too_many_saved_searches", error.to_string()),
            SavedSearchError::TooLong => {
                Self::unprocessable("invalid_value", error.to_string()).at("/query", error.to_string())
            }
            SavedSearchError::Sql(error) => error.into(),
        }
    }
}

/// A search to keep.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SaveSearch {
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    name: String,
    query: Criteria,
    /// Whether to mail new matches, at most once a day.
    #[serde(default = "yes")]
    alerts: bool,
}

const fn yes() -> bool {
    true
}

fn name_fits(name: &str) -> Result<()> {
    if (1..=MAX_NAME).contains(&name.chars().count()) {
        return Ok(());
    }
    let detail = "must have 1 to 100 characters";
    Err(Problem::unprocessable("invalid_value", detail).at("/name", detail))
}

/// Words and categories are never empty: who looks for anything leaves them out. That there are not too many words, every search
/// checks.
fn criteria_fit(criteria: &Criteria) -> Result<()> {
    let length = |text: &Option<String>| text.as_ref().map(|text| text.chars().count());
    let refused = |pointer: &str, detail: &str| {
        Err(Problem::unprocessable("invalid_value", detail.to_owned()).at(pointer, detail.to_owned()))
    };
    if length(&criteria.q) == Some(0) {
        return refused("/query/q", "must have 1 to 200 characters, or be absent");
    }
    match length(&criteria.category) {
        Some(length) if !(1..=MAX_CATEGORY).contains(&length) => {
            refused("/query/category", "must have 1 to 200 characters, or be absent")
        }
        _ => Ok(()),
    }
}

/// Save a search
///
/// The criteria are those of `GET /v1/listings`. What is published from now on and matches is mailed to the caller, at most once a
/// day by the caller's time zone.
#[utoipa::path(post, path = "/v1/saved-searches", tag = "saved searches", params(OptionalKey), request_body = SaveSearch, responses(
    (status = 201, description = "Saved", body = SavedSearch, headers(("Location" = String))),
    (status = 400, description = "`invalid_query`: a criterion is not what a search takes"),
    (status = 409, description = "`too_many_saved_searches`: a person saves at most 50"),
    (status = 422, description = "`invalid_value`; `invalid_search`: criteria need each other, or name what is not there; `unknown_filter`"),
))]
async fn save_search(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<SaveSearch>,
) -> Result<Response> {
    name_fits(&body.name)?;
    criteria_fit(&body.query)?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let query = checked(tx, &body.query).await.map_err(|problem| problem.in_body("/query"))?;
        let new = NewSavedSearch { name: &body.name, asked: &body.query, query: &query, alerts: body.alerts };
        let saved = saved::create(tx, caller.user, new).await?;
        Ok(Made::at(format!("/v1/saved-searches/{}", saved.id), saved))
    })
    .await
}

#[derive(Debug, Serialize, ToSchema)]
struct SavedSearches {
    /// Oldest first, at most 50.
    items: Vec<SavedSearch>,
}

/// List the caller's saved searches
#[utoipa::path(get, path = "/v1/saved-searches", tag = "saved searches", responses(
    (status = 200, description = "All of them", body = SavedSearches),
))]
async fn list_saved_searches(State(state): State<AppState>, caller: Caller) -> Result<Json<SavedSearches>> {
    let items = saved::of_user(&mut *state.db.acquire().await?, caller.user).await?;
    Ok(Json(SavedSearches { items }))
}

/// Read a saved search
#[utoipa::path(get, path = "/v1/saved-searches/{search}", tag = "saved searches", params(("search" = SavedSearchId, Path)), responses(
    (status = 200, description = "The search", body = SavedSearch),
))]
async fn get_saved_search(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<SavedSearchId>,
) -> Result<Json<SavedSearch>> {
    let found = saved::get(&mut *state.db.acquire().await?, caller.user, id).await?;
    Ok(Json(found.ok_or(SavedSearchError::NotFound)?))
}

/// Changes to a saved search; absent fields stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeSavedSearch {
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    name: Option<String>,
    /// All criteria, in place of those before.
    query: Option<Criteria>,
    alerts: Option<bool>,
}

/// Change a saved search
///
/// Other criteria, or alerts that are turned on, begin anew: what was published before is not mailed.
#[utoipa::path(patch, path = "/v1/saved-searches/{search}", tag = "saved searches", params(("search" = SavedSearchId, Path), IfMatch),
    request_body = ChangeSavedSearch, responses(
    (status = 200, description = "The search", body = SavedSearch),
    (status = 400, description = "`invalid_query`: a criterion is not what a search takes"),
    (status = 422, description = "`invalid_value`; `invalid_search`: criteria need each other, or name what is not there; `unknown_filter`"),
))]
async fn change_saved_search(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<SavedSearchId>,
    expected: IfMatch,
    Json(change): Json<ChangeSavedSearch>,
) -> Result<Json<SavedSearch>> {
    change.name.as_deref().map_or(Ok(()), name_fits)?;
    change.query.as_ref().map_or(Ok(()), criteria_fit)?;
    let mut tx = state.ledger.begin().await?;
    expected.check(&saved::lock(&mut tx, caller.user, id).await?)?;
    let query = match &change.query {
        Some(asked) => Some(checked(&mut tx, asked).await.map_err(|problem| problem.in_body("/query"))?),
        None => None,
    };
    let change = SavedSearchChange {
        name: change.name.as_deref(),
        query: change.query.as_ref().zip(query.as_ref()),
        alerts: change.alerts,
    };
    let saved = saved::change(&mut tx, caller.user, id, change).await?;
    tx.commit().await?;
    Ok(Json(saved))
}

/// Delete a saved search
///
/// Nothing is mailed about it any more.
#[utoipa::path(delete, path = "/v1/saved-searches/{search}", tag = "saved searches", params(("search" = SavedSearchId, Path), IfMatch),
    responses((status = 204, description = "Deleted")))]
async fn delete_saved_search(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<SavedSearchId>,
    expected: IfMatch,
) -> Result<StatusCode> {
    let mut tx = state.ledger.begin().await?;
    expected.check(&saved::lock(&mut tx, caller.user, id).await?)?;
    saved::delete(&mut tx, caller.user, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
