//! Keys with which an organisation's own systems call the API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use market::identity::MemberRole;
use market::ids::ApiKeyId;
use market::keys::model::{ApiKey, NewApiKey};
use market::keys::store::{self, KeyError};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_api_keys, create_api_key))
        .routes(routes!(get_api_key, revoke_api_key))
        .routes(routes!(rotate_api_key))
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotFound => Self::not_found("key"),
            KeyError::Invalid(invalid) => invalid.into(),
            KeyError::Sql(error) => error.into(),
        }
    }
}

/// The organisation, of which the caller is an owner; it need not be approved yet.
pub(super) fn owner(acting: Acting, caller: &Caller) -> Result<OrgId> {
    Ok(caller.member(acting.member(caller)?, MemberRole::Owner)?.org)
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeApiKey {
    #[serde(flatten)]
    key: ApiKey,
    /// What systems send as `Authorization: Bearer …`. Shown only now.
    #[schema(example = "ty_V1StGXR8Z5jdHi6BmyT0e2vWqLkPnAsDfGhJkLzXcVb")]
    secret: String,
}

fn made(key: ApiKey, secret: &SecretString) -> Response {
    let location = format!("/v1/api-keys/{}", key.id);
    let body = MadeApiKey { key, secret: secret.expose_secret().to_owned() };
    (StatusCode::CREATED, [(LOCATION, location)], Json(body)).into_response()
}

/// Make a key
///
/// For the organisation's own systems. A key does what its scopes say, in the name of whoever has made it and with at most a trader's
/// rights; it ends with their membership. The key is in the answer, and nobody shows it again: if the answer is lost, revoke it.
#[utoipa::path(post, path = "/v1/api-keys", tag = "keys", params(Acting), request_body = NewApiKey, responses(
    (status = 201, description = "Made", body = MadeApiKey, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`: an owner does it"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_api_key(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Json(new): Json<NewApiKey>,
) -> Result<Response> {
    let org = owner(acting, &caller)?;
    let mut tx = state.ledger.begin().await?;
    let (key, secret) = store::create(&mut tx, org, caller.user, &new).await?;
    tx.commit().await?;
    Ok(made(key, &secret))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListApiKeys {
    /// The `next` of an earlier page.
    after: Option<ApiKeyId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's keys, oldest first
///
/// Those that have expired are among them; those that were revoked are not.
#[utoipa::path(get, path = "/v1/api-keys", tag = "keys", params(Acting, ListApiKeys), responses(
    (status = 200, description = "A page", body = Page<ApiKey>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_api_keys(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListApiKeys>,
) -> Result<Json<Page<ApiKey>>> {
    let org = acting.member(&caller)?;
    let rows = store::page(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |key| key.id.to_string(), |key| key)))
}

/// Read a key, without what it is used by
#[utoipa::path(get, path = "/v1/api-keys/{key}", tag = "keys", params(("key" = ApiKeyId, Path), Acting), responses(
    (status = 200, description = "The key", body = ApiKey),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_api_key(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ApiKeyId>,
) -> Result<Json<ApiKey>> {
    let org = acting.member(&caller)?;
    let found = store::get(&mut *state.db.acquire().await?, org, id).await?;
    Ok(Json(found.ok_or(KeyError::NotFound)?))
}

/// Revoke a key
///
/// It is worth nothing from now on.
#[utoipa::path(delete, path = "/v1/api-keys/{key}", tag = "keys", params(("key" = ApiKeyId, Path), Acting), responses(
    (status = 204, description = "Revoked"),
    (status = 403, description = "`role_too_low`: an owner does it"),
))]
async fn revoke_api_key(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode> {
    let org = owner(acting, &caller)?;
    let mut tx = state.ledger.begin().await?;
    store::revoke(&mut tx, org, caller.user, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace a key
///
/// Makes one with the same name and scopes, in the caller's name. The one before works for another 24 hours, if it would have lived so
/// long; if somebody else knows it, revoke it.
#[utoipa::path(post, path = "/v1/api-keys/{key}/rotate", tag = "keys", params(("key" = ApiKeyId, Path), Acting), responses(
    (status = 201, description = "Made", body = MadeApiKey, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`: an owner does it"),
    (status = 422, description = "`invalid_value`: there are too many"),
))]
async fn rotate_api_key(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ApiKeyId>,
) -> Result<Response> {
    let org = owner(acting, &caller)?;
    let mut tx = state.ledger.begin().await?;
    let (key, secret) = store::rotate(&mut tx, org, caller.user, id).await?;
    tx.commit().await?;
    Ok(made(key, &secret))
}

#[cfg(test)]
mod tests;
