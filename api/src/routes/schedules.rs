//! Schedules, for operators: what the code declares, and what they set instead.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::identity::PlatformRole;
use queue::schedule::store::{self, Edit, NewSchedule, ScheduleError, ScheduleView, TimesError};
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::actor;
use crate::auth::Caller;
use crate::conditional::{EntityTag, IfMatch};
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_schedules, add_schedule))
        .routes(routes!(get_schedule, change_schedule, remove_schedule))
        .routes(routes!(pause_schedule))
        .routes(routes!(resume_schedule))
        .routes(routes!(reset_schedule))
        .routes(routes!(run_schedule_now))
}

impl From<ScheduleError> for Problem {
    fn from(error: ScheduleError) -> Self {
        let text = error.to_string();
        match error {
            ScheduleError::Unknown(_) => Self::not_found("schedule"),
            ScheduleError::Taken(_) => Self::conflict("schedule_exists", text).at("/name", "taken"),
            ScheduleError::Name(_) => Self::unprocessable("schedule_name", text.clone()).at("/name", text),
            ScheduleError::Times(times) => {
                let pointer = match times {
                    TimesError::Expression(_) => "/expression",
                    TimesError::Zone(_) => "/zone",
                    TimesError::Misfire(_) => "/misfire",
                };
                Self::unprocessable("schedule_times", text.clone()).at(pointer, text)
            }
            ScheduleError::NothingToChange => Self::unprocessable("nothing_to_change", text),
            ScheduleError::UnknownKind(_) => Self::unprocessable("unknown_kind", text.clone()).at("/kind", text),
            ScheduleError::Payload(_) => Self::unprocessable("payload_unfit", text.clone()).at("/payload", text),
            ScheduleError::Declared(_) => Self::conflict("schedule_declared", text),
            ScheduleError::Retired(_) => Self::conflict("schedule_retired", text),
            ScheduleError::Enqueue(error) => error.into(),
            ScheduleError::Sql(error) => error.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Schedules {
    items: Vec<ScheduleView>,
}

/// List the schedules with their next five fire times
#[utoipa::path(get, path = "/v1/schedules", tag = "schedules", responses(
    (status = 200, description = "All schedules", body = Schedules),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_schedules(State(state): State<AppState>, caller: Caller) -> Result<Json<Schedules>> {
    caller.platform(PlatformRole::Observer)?;
    Ok(Json(Schedules { items: store::list(&mut *state.db.acquire().await?).await? }))
}

/// Read a schedule
///
/// The `ETag` is that of what people set: its times, and whether it is paused.
#[utoipa::path(get, path = "/v1/schedules/{schedule}", tag = "schedules", params(("schedule" = String, Path)), responses(
    (status = 200, description = "The schedule", body = ScheduleView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_schedule(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<(EntityTag, Json<ScheduleView>)> {
    caller.platform(PlatformRole::Observer)?;
    let view = store::get(&mut *state.db.acquire().await?, &name).await?;
    let tag = EntityTag::of(&edited(&view))?;
    Ok((tag, Json(view)))
}

/// What people set of a schedule; its next times change by themselves.
fn edited(view: &ScheduleView) -> impl Serialize + '_ {
    (&view.name, &view.times, view.paused)
}

/// Add a schedule of any kind of job
#[utoipa::path(post, path = "/v1/schedules", tag = "schedules", params(OptionalKey), request_body = NewSchedule, responses(
    (status = 201, description = "The schedule; check its next fire times", body = ScheduleView,
        headers(("Location" = String))),
    (status = 409, description = "`schedule_exists`"),
    (status = 422, description = "`schedule_name`, `schedule_times`, `unknown_kind`, `payload_unfit`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn add_schedule(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<NewSchedule>,
) -> Result<Response> {
    caller.platform(PlatformRole::Operator)?;
    key.once(&state.ledger, caller.user.0, StatusCode::CREATED, async |tx| {
        let view = store::add(tx, &state.registry, body, actor(&caller)).await?;
        Ok(Made::at(format!("/v1/schedules/{}", view.name), view))
    })
    .await
}

/// Fire at other times, from now on
#[utoipa::path(patch, path = "/v1/schedules/{schedule}", tag = "schedules", params(("schedule" = String, Path), IfMatch),
    request_body = Edit, responses(
    (status = 200, description = "The schedule; check its next fire times", body = ScheduleView),
    (status = 422, description = "`schedule_times`, `nothing_to_change`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn change_schedule(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    expected: IfMatch,
    Json(body): Json<Edit>,
) -> Result<(EntityTag, Json<ScheduleView>)> {
    caller.platform(PlatformRole::Operator)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&edited(&store::lock(&mut tx, &name).await?))?;
    }
    let view = store::edit(&mut tx, &name, body, actor(&caller)).await?;
    tx.commit().await?;
    let tag = EntityTag::of(&edited(&view))?;
    Ok((tag, Json(view)))
}

/// Remove a schedule that was added at run time
#[utoipa::path(delete, path = "/v1/schedules/{schedule}", tag = "schedules", params(("schedule" = String, Path), IfMatch), responses(
    (status = 204, description = "Removed"),
    (status = 409, description = "`schedule_declared`: pause it instead"),
    (status = 403, description = "`role_too_low`"),
))]
async fn remove_schedule(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    expected: IfMatch,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Operator)?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&edited(&store::lock(&mut tx, &name).await?))?;
    }
    store::remove(&mut tx, &name, actor(&caller)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stop a schedule from firing
#[utoipa::path(post, path = "/v1/schedules/{schedule}/pause", tag = "schedules", params(("schedule" = String, Path)), responses(
    (status = 200, description = "The schedule", body = ScheduleView),
    (status = 403, description = "`role_too_low`"),
))]
async fn pause_schedule(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<ScheduleView>> {
    caller.platform(PlatformRole::Operator)?;
    let view = store::pause(&mut *state.db.acquire().await?, &name, actor(&caller)).await?;
    Ok(Json(view))
}

/// Let a schedule fire again, from now: times during the pause are not made up
#[utoipa::path(post, path = "/v1/schedules/{schedule}/resume", tag = "schedules", params(("schedule" = String, Path)), responses(
    (status = 200, description = "The schedule", body = ScheduleView),
    (status = 403, description = "`role_too_low`"),
))]
async fn resume_schedule(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<ScheduleView>> {
    caller.platform(PlatformRole::Operator)?;
    let view = store::resume(&mut *state.db.acquire().await?, &name, actor(&caller)).await?;
    Ok(Json(view))
}

/// Take back every override: the schedule goes on as the code declares it
#[utoipa::path(post, path = "/v1/schedules/{schedule}/reset", tag = "schedules", params(("schedule" = String, Path)), responses(
    (status = 200, description = "The schedule", body = ScheduleView),
    (status = 403, description = "`role_too_low`"),
))]
async fn reset_schedule(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<ScheduleView>> {
    caller.platform(PlatformRole::Operator)?;
    let view = store::reset(&mut *state.db.acquire().await?, &name, actor(&caller)).await?;
    Ok(Json(view))
}

#[derive(Debug, Serialize, ToSchema)]
struct Started {
    /// The new job, or the open one that does the same.
    job: JobId,
    url: String,
}

/// Nothing more to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunNow {}

/// Run a schedule's job now, also while it is paused; the next fire time stays
#[utoipa::path(post, path = "/v1/schedules/{schedule}/run-now", tag = "schedules", params(("schedule" = String, Path), OptionalKey),
    request_body = Option<RunNow>, responses(
    (status = 202, description = "The job; `Location` and `Link` name it", body = Started,
        headers(("Location" = String), ("Link" = String))),
    (status = 409, description = "`schedule_retired`"),
    (status = 422, description = "`unknown_kind`; `payload_unfit`: it was added by another version"),
    (status = 403, description = "`role_too_low`"),
))]
async fn run_schedule_now(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    Keyed { key, body: _ }: Keyed<Option<RunNow>>,
) -> Result<Response> {
    caller.platform(PlatformRole::Operator)?;
    key.once(&state.ledger, caller.user.0, StatusCode::ACCEPTED, async |tx| {
        let job = store::run_now(tx, &state.registry, &name, actor(&caller)).await?.id();
        let url = format!("/v1/jobs/{job}");
        Ok(Made::at(url.clone(), Started { job, url }).by(Some(job)))
    })
    .await
}

#[cfg(test)]
mod tests;
