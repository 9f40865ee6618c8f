//! Queues and the workers that serve them, for operators.

use axum::extract::State;
use axum::http::StatusCode;
use market::identity::PlatformRole;
use queue::ops::queues::{self, Change, QueueChange, QueueView};
use queue::ops::workers::{self, WorkerView};
use queue::transport::Transport;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::actor;
use crate::auth::Caller;
use crate::conditional::{EntityTag, IfMatch};
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_queues))
        .routes(routes!(get_queue, change_queue))
        .routes(routes!(pause_queue))
        .routes(routes!(resume_queue))
        .routes(routes!(list_workers))
}

#[derive(Debug, Serialize, ToSchema)]
struct Queues {
    items: Vec<QueueView>,
}

/// List the queues: settings, depth, oldest job, dispatcher, workers
#[utoipa::path(get, path = "/v1/queues", tag = "queues", responses((status = 200, description = "All queues", body = Queues),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_queues(State(state): State<AppState>, caller: Caller) -> Result<Json<Queues>> {
    caller.platform(PlatformRole::Observer)?;
    Ok(Json(Queues { items: queues::list(&mut *state.db.acquire().await?, None).await? }))
}

/// Read a queue
///
/// The `ETag` is that of its settings.
#[utoipa::path(get, path = "/v1/queues/{queue}", tag = "queues", params(("queue" = String, Path)), responses(
    (status = 200, description = "The queue", body = QueueView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_queue(
    State(state): State<AppState>,
    caller: Caller,
    Path(queue): Path<String>,
) -> Result<(EntityTag, Json<QueueView>)> {
    caller.platform(PlatformRole::Observer)?;
    let view = queues::one(&mut *state.db.acquire().await?, &queue).await?;
    Ok((EntityTag::of(&view.settings)?, Json(view)))
}

/// What is absent stays as it is; `null` unsets what may be unset.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeQueue {
    /// The most jobs queued or running.
    #[schema(minimum = 1, maximum = 4000)]
    window: Option<i32>,
    /// The most jobs running.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<i32>, minimum = 1)]
    concurrency_limit: Change<i32>,
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<f64>, minimum = 0.00001, maximum = 1_000_000)]
    rate_per_second: Change<f64>,
    /// How many jobs may leave at once after a quiet time.
    #[schema(minimum = 1, maximum = 1_000_000)]
    rate_burst: Option<f64>,
    /// The most jobs that one broker message names.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<i16>, minimum = 1, maximum = 100)]
    pack: Change<i16>,
    /// Jobs go on flowing while it changes.
    transport: Option<Transport>,
}

fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Change<T>, D::Error> {
    Option::deserialize(from).map(|value| value.map_or(Change::Unset, Change::To))
}

/// Change a queue's settings: all of them or, when one is out of bounds, none
#[utoipa::path(patch, path = "/v1/queues/{queue}", tag = "queues", params(("queue" = String, Path), IfMatch), request_body = ChangeQueue, responses(
    (status = 200, description = "The queue", body = QueueView),
    (status = 422, description = "`setting_out_of_bounds`, `transport_missing`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn change_queue(
    State(state): State<AppState>,
    caller: Caller,
    Path(queue): Path<String>,
    expected: IfMatch,
    Json(body): Json<ChangeQueue>,
) -> Result<(EntityTag, Json<QueueView>)> {
    caller.platform(PlatformRole::Operator)?;
    if let Some(transport) = body.transport.filter(|transport| state.brokers.get(*transport).is_none()) {
        let detail = format!("this installation has no {transport}");
        return Err(Problem::unprocessable("transport_missing", detail.clone()).at("/transport", detail));
    }
    let change = QueueChange {
        window: body.window,
        concurrency_limit: body.concurrency_limit,
        rate_per_second: body.rate_per_second,
        rate_burst: body.rate_burst,
        pack: body.pack,
        transport: body.transport,
    };
    let mut tx = state.db.begin().await?;
    expected.check(&queues::lock(&mut tx, &queue).await?.settings)?;
    let after = queues::set(&mut tx, &queue, &change, actor(&caller)).await?;
    tx.commit().await?;
    Ok((EntityTag::of(&after.settings)?, Json(after)))
}

#[derive(Debug, Serialize, ToSchema)]
struct Paused {
    /// How many jobs that no worker had claimed came back from the broker.
    returned: u64,
}

/// Stop handing out a queue's jobs; running ones finish
#[utoipa::path(post, path = "/v1/queues/{queue}/pause", tag = "queues", params(("queue" = String, Path)), responses(
    (status = 200, description = "Paused", body = Paused),
    (status = 403, description = "`role_too_low`"),
))]
async fn pause_queue(State(state): State<AppState>, caller: Caller, Path(queue): Path<String>) -> Result<Json<Paused>> {
    caller.platform(PlatformRole::Operator)?;
    let returned = queues::pause(&mut *state.db.acquire().await?, &queue, actor(&caller)).await?;
    Ok(Json(Paused { returned }))
}

/// Hand out a queue's jobs again
#[utoipa::path(post, path = "/v1/queues/{queue}/resume", tag = "queues", params(("queue" = String, Path)), responses(
    (status = 204, description = "Resumed"),
    (status = 403, description = "`role_too_low`"),
))]
async fn resume_queue(State(state): State<AppState>, caller: Caller, Path(queue): Path<String>) -> Result<StatusCode> {
    caller.platform(PlatformRole::Operator)?;
    queues::resume(&mut *state.db.acquire().await?, &queue, actor(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListWorkers {
    /// Also those that stopped.
    #[serde(default)]
    gone: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct Workers {
    items: Vec<WorkerView>,
}

/// List the workers: live ones, then those whose lease has passed
#[utoipa::path(get, path = "/v1/workers", tag = "queues", params(ListWorkers), responses(
    (status = 200, description = "Workers", body = Workers),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_workers(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListWorkers>,
) -> Result<Json<Workers>> {
    caller.platform(PlatformRole::Observer)?;
    Ok(Json(Workers { items: workers::list(&mut *state.db.acquire().await?, query.gone).await? }))
}
