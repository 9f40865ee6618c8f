//! Where an organisation is sent webhooks, and what became of them.

mod deliveries;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use jobs::webhooks::ActError;
use market::ids::EndpointId;
use market::webhooks::model::{Endpoint, EndpointChange, NewEndpoint};
use market::webhooks::rules::reach::Reach;
use market::webhooks::store::{self, WebhookError};
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::api_keys::owner;
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_webhook_endpoints, create_webhook_endpoint))
        .routes(routes!(get_webhook_endpoint, change_webhook_endpoint, end_webhook_endpoint))
        .routes(routes!(rotate_webhook_secret))
        .routes(routes!(pause_webhook_endpoint))
        .routes(routes!(resume_webhook_endpoint))
        .merge(deliveries::router())
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let text = error.to_string();
        match error {
            WebhookError::NotFound => Self::not_found("webhook endpoint"),
            WebhookError::NoDelivery => Self::not_found("delivery"),
            WebhookError::NotActive => Self::conflict("endpoint_not_active", text),
            WebhookError::Invalid(invalid) => invalid.into(),
            WebhookError::Seal(error) => Self::internal(error),
            WebhookError::Body(error) => Self::internal(error),
            WebhookError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Webhook(error) => error.into(),
            ActError::Enqueue(error) => error.into(),
        }
    }
}

/// Which addresses this installation sends webhooks to.
fn reach(state: &AppState) -> Reach {
    Reach::of(state.config.webhooks.private_targets)
}

/// An endpoint that was just made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeEndpoint {
    #[serde(flatten)]
    endpoint: Endpoint,
    /// What the webhooks are signed with. Shown only now.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
}

/// Add a webhook endpoint
///
/// From then on it is sent what orders become on which the organisation is buyer or seller, by the Standard Webhooks specification, signed
/// with the secret in the answer: nobody shows it again. If the answer is lost, replace the secret. A webhook counts as delivered when
/// it is answered with a status of the 200s within 15 seconds; else it is sent again for three days, under the same `webhook-id`.
/// An endpoint at which everything has failed for five days is paused, and one that answers 410 is disabled.
#[utoipa::path(post, path = "/v1/webhook-endpoints", tag = "webhooks", params(Acting), request_body = NewEndpoint, responses(
    (status = 201, description = "Added", body = MadeEndpoint, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`: an owner does it"),
    (status = 422, description = "`invalid_value`"),
))]
async fn create_webhook_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Json(new): Json<NewEndpoint>,
) -> Result<Response> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    let (endpoint, secret) = store::create(&mut tx, org, by, &new, reach(&state), &state.keyring).await?;
    tx.commit().await?;
    let location = format!("/v1/webhook-endpoints/{}", endpoint.id);
    let body = MadeEndpoint { endpoint, secret: secret.shown() };
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(body)).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListEndpoints {
    /// The `next` of an earlier page.
    after: Option<EndpointId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's webhook endpoints, oldest first
#[utoipa::path(get, path = "/v1/webhook-endpoints", tag = "webhooks", params(Acting, ListEndpoints), responses(
    (status = 200, description = "A page", body = Page<Endpoint>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_webhook_endpoints(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListEndpoints>,
) -> Result<Json<Page<Endpoint>>> {
    let org = acting.member(&caller)?;
    let rows = store::page(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |endpoint| endpoint.id.to_string(), |endpoint| endpoint)))
}

/// Read a webhook endpoint
#[utoipa::path(get, path = "/v1/webhook-endpoints/{endpoint}", tag = "webhooks", params(("endpoint" = EndpointId, Path), Acting),
    responses(
    (status = 200, description = "The endpoint", body = Endpoint),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_webhook_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<EndpointId>,
) -> Result<Json<Endpoint>> {
    let org = acting.member(&caller)?;
    let found = store::get(&mut *state.db.acquire().await?, org, id).await?;
    Ok(Json(found.ok_or(WebhookError::NotFound)?))
}

/// Change a webhook endpoint
///
/// Fields that are left out stay as they are. What waits goes to the new address.
#[utoipa::path(patch, path = "/v1/webhook-endpoints/{endpoint}", tag = "webhooks", request_body = EndpointChange,
    params(("endpoint" = EndpointId, Path), Acting, IfMatch), responses(
    (status = 200, description = "The endpoint", body = Endpoint),
    (status = 403, description = "`role_too_low`: an owner does it"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_webhook_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<EndpointId>,
    expected: IfMatch,
    Json(change): Json<EndpointChange>,
) -> Result<Json<Endpoint>> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock(&mut tx, org, id).await?)?;
    }
    let changed = store::change(&mut tx, org, by, id, &change, reach(&state)).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// Remove a webhook endpoint
///
/// Nothing is sent there any more, and its secrets are forgotten.
#[utoipa::path(delete, path = "/v1/webhook-endpoints/{endpoint}", tag = "webhooks", params(("endpoint" = EndpointId, Path), Acting),
    responses(
    (status = 204, description = "Removed"),
    (status = 403, description = "`role_too_low`: an owner does it"),
))]
async fn end_webhook_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<EndpointId>,
) -> Result<StatusCode> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    store::end(&mut tx, org, by, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How an endpoint's secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateWebhookSecret {
    /// Whether the present one signs for another 24 hours, beside the new one. Say `false` if somebody else knows it.
    #[serde(default = "keep_old")]
    #[schema(default = true)]
    keep_old: bool,
}

const fn keep_old() -> bool {
    true
}

#[derive(Debug, Serialize, ToSchema)]
struct RotatedWebhookSecret {
    /// What the webhooks are signed with from now on. Shown only now.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
    /// Until when the one before it signs as well; absent: it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_good_until: Option<DateTime<Utc>>,
}

/// Replace an endpoint's secret
///
/// The present one signs for another 24 hours, and one that was replaced before ends now. Until then every webhook has two signatures.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/secret", tag = "webhooks", request_body = RotateWebhookSecret,
    params(("endpoint" = EndpointId, Path), Acting), responses(
    (status = 200, description = "Replaced", body = RotatedWebhookSecret),
    (status = 403, description = "`role_too_low`: an owner does it"),
))]
async fn rotate_webhook_secret(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<EndpointId>,
    Json(body): Json<RotateWebhookSecret>,
) -> Result<Json<RotatedWebhookSecret>> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    let rotated = store::rotate(&mut tx, org, by, id, body.keep_old, &state.keyring).await?;
    tx.commit().await?;
    Ok(Json(RotatedWebhookSecret { secret: rotated.secret.shown(), old_good_until: rotated.old_good_until }))
}

/// Pause an endpoint
///
/// What waits for it and what happens meanwhile is missed, and can be replayed.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/pause", tag = "webhooks", params(("endpoint" = EndpointId, Path), Acting),
    responses(
    (status = 200, description = "The endpoint", body = Endpoint),
    (status = 403, description = "`role_too_low`: an owner does it"),
))]
async fn pause_webhook_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<EndpointId>,
) -> Result<Json<Endpoint>> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    let paused = store::pause(&mut tx, org, by, id).await?;
    tx.commit().await?;
    Ok(Json(paused))
}

/// Let an endpoint go on
///
/// Also one that was paused because it failed, or disabled because it was gone. What it missed is sent when it is replayed.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/resume", tag = "webhooks", params(("endpoint" = EndpointId, Path), Acting),
    responses(
    (status = 200, description = "The endpoint", body = Endpoint),
    (status = 403, description = "`role_too_low`: an owner does it"),
))]
async fn resume_webhook_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<EndpointId>,
) -> Result<Json<Endpoint>> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    let resumed = store::resume(&mut tx, org, by, id).await?;
    tx.commit().await?;
    Ok(Json(resumed))
}

#[cfg(test)]
mod tests;
