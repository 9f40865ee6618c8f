//! Deliveries: read, tried out and replayed.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::webhooks::{replay, replay_missed, send_test};
use market::ids::{DeliveryId, EndpointId};
use market::webhooks::model::{Delivery, DeliveryStatus, RecordedAttempt};
use market::webhooks::store::{self, WebhookError};
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::Result;
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::routes::acting::Acting;
use crate::routes::api_keys::owner;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(test_webhook_endpoint))
        .routes(routes!(replay_delivery))
        .routes(routes!(replay_missed_deliveries))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListDeliveries {
    /// Only those that are so.
    status: Option<DeliveryStatus>,
    /// The `next` of an earlier page.
    after: Option<DeliveryId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the deliveries to an endpoint, newest first
///
/// Those of the last month at least.
#[utoipa::path(get, path = "/v1/webhook-endpoints/{endpoint}/deliveries", tag = "webhooks",
    params(("endpoint" = EndpointId, Path), Acting, ListDeliveries), responses(
    (status = 200, description = "A page", body = Page<Delivery>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_deliveries(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(endpoint): Path<EndpointId>,
    Query(query): Query<ListDeliveries>,
) -> Result<Json<Page<Delivery>>> {
    let org = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    store::get(&mut conn, org, endpoint).await?.ok_or(WebhookError::NotFound)?;
    let (status, before) = (query.status, query.after);
    let rows = store::page_deliveries(&mut conn, org, endpoint, status, before, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |delivery| delivery.id.to_string(), |delivery| delivery)))
}

/// A delivery, with what came of its attempts.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryView {
    #[serde(flatten)]
    delivery: Delivery,
    /// The latest hundred, the first of them first.
    #[schema(max_items = 100)]
    attempts_made: Vec<RecordedAttempt>,
}

/// Read a delivery, with what came of each attempt
#[utoipa::path(get, path = "/v1/webhook-deliveries/{delivery}", tag = "webhooks", params(("delivery" = DeliveryId, Path), Acting),
    responses(
    (status = 200, description = "The delivery", body = DeliveryView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_delivery(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<DeliveryId>,
) -> Result<Json<DeliveryView>> {
    let org = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    let delivery = store::delivery(&mut conn, org, id).await?.ok_or(WebhookError::NoDelivery)?;
    Ok(Json(DeliveryView { attempts_made: store::attempts(&mut conn, id).await?, delivery }))
}

/// Nothing needs to be said.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SendTest {}

/// Try an endpoint out
///
/// A job sends it the event `webhook.test`, signed as all others are.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/test", tag = "webhooks", request_body = Option<SendTest>,
    params(("endpoint" = EndpointId, Path), Acting, OptionalKey), responses(
    (status = 202, description = "A job sends it; `Location` names the delivery, `Link` the job", body = Delivery,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`: an owner does it"),
    (status = 409, description = "`endpoint_not_active`: let it go on first"),
))]
async fn test_webhook_endpoint(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(endpoint): Path<EndpointId>,
    Keyed { key, body: _ }: Keyed<Option<SendTest>>,
) -> Result<Response> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    key.once(&state.ledger, org.0, StatusCode::ACCEPTED, async |tx| {
        let (id, job) = send_test(tx, org, by, endpoint).await?;
        let made = store::delivery(tx, org, id).await?.ok_or(WebhookError::NoDelivery)?;
        Ok(Made::at(format!("/v1/webhook-deliveries/{id}"), made).by(job))
    })
    .await
}

/// Send a webhook again
///
/// Whatever became of it, under the same `webhook-id`. One that still waits goes on waiting.
#[utoipa::path(post, path = "/v1/webhook-deliveries/{delivery}/replay", tag = "webhooks",
    params(("delivery" = DeliveryId, Path), Acting), responses(
    (status = 200, description = "The delivery", body = Delivery),
    (status = 403, description = "`role_too_low`: an owner does it"),
    (status = 409, description = "`endpoint_not_active`: let it go on first"),
))]
async fn replay_delivery(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<DeliveryId>,
) -> Result<Json<Delivery>> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    replay(&mut tx, org, by, id).await?;
    let begun = store::delivery(&mut tx, org, id).await?.ok_or(WebhookError::NoDelivery)?;
    tx.commit().await?;
    Ok(Json(begun))
}

/// What is sent again.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayMissed {
    /// What has happened from then on.
    since: DateTime<Utc>,
    /// And before then.
    until: Option<DateTime<Utc>>,
}

/// How much is sent again.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Replayed {
    deliveries: usize,
    /// There is more: ask again.
    more: bool,
}

/// Send again what an endpoint did not get
///
/// What has failed or was missed, up to 500 of it, the oldest first.
#[utoipa::path(post, path = "/v1/webhook-endpoints/{endpoint}/replay", tag = "webhooks", request_body = ReplayMissed,
    params(("endpoint" = EndpointId, Path), Acting), responses(
    (status = 200, description = "How much is sent again", body = Replayed),
    (status = 403, description = "`role_too_low`: an owner does it"),
    (status = 409, description = "`endpoint_not_active`: let it go on first"),
))]
async fn replay_missed_deliveries(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(endpoint): Path<EndpointId>,
    Json(body): Json<ReplayMissed>,
) -> Result<Json<Replayed>> {
    let (org, by) = (owner(acting, &caller)?, Actor::User(caller.user));
    let mut tx = state.ledger.begin().await?;
    let deliveries = replay_missed(&mut tx, org, by, endpoint, body.since, body.until).await?;
    tx.commit().await?;
    let more = i64::try_from(deliveries).is_ok_and(|count| count == store::MOST_REPLAYED);
    Ok(Json(Replayed { deliveries, more }))
}
