//! Jobs: their owners see how they are getting on, operators see and steer all of them.

mod topic;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::maintenance::{self, Asked};
use market::identity::PlatformRole;
use queue::Priority;
use queue::ops::cancel::{self, Cancelled};
use queue::ops::detail::{self, JobDetail};
use queue::ops::list::{self, DeadGroup, JobFilter, JobLine, StateCount};
use queue::ops::retry::{self, Again};
use queue::ops::view::JobView;
use queue::ops::why::{self, Why};
use queue::ops::{Actor, JobState, OpsError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) use topic::JobTopic;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(count_jobs))
        .routes(routes!(list_dead))
        .routes(routes!(get_job, change_job))
        .routes(routes!(get_detail))
        .routes(routes!(get_why))
        .routes(routes!(cancel_job))
        .routes(routes!(retry_job))
        .routes(routes!(run_job_now))
        .routes(routes!(cancel_jobs))
        .routes(routes!(retry_jobs))
}

impl From<OpsError> for Problem {
    fn from(error: OpsError) -> Self {
        let text = error.to_string();
        match error {
            OpsError::UnknownJob(_) => Self::not_found("job"),
            OpsError::UnknownQueue { .. } => Self::not_found("queue"),
            OpsError::WrongState { .. } => Self::conflict("wrong_state", text),
            OpsError::Conflict { .. } => Self::conflict("unique_key_taken", text),
            OpsError::UnknownKind(_) => Self::conflict("unknown_kind", text),
            OpsError::Payload(problem) => Self::unprocessable("payload_unfit", text).at("/payload", problem),
            OpsError::Invalid { setting, problem } => {
                Self::unprocessable("setting_out_of_bounds", text).at(format!("/{setting}"), problem)
            }
            OpsError::Sql(error) => error.into(),
        }
    }
}

/// Who acts.
pub(super) const fn actor(caller: &Caller) -> Actor {
    Actor::User(caller.user)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListJobs {
    /// One or more states, separated by commas.
    #[param(
        pattern = "^(scheduled|available|queued|running|succeeded|cancelled|dead)(,(scheduled|available|queued|running|succeeded|cancelled|dead))*$"
    )]
    state: Option<String>,
    kind: Option<String>,
    queue: Option<String>,
    tenant: Option<OrgId>,
    fingerprint: Option<String>,
    /// Part of the last error.
    error: Option<String>,
    created_from: Option<DateTime<Utc>>,
    /// Exclusive.
    created_until: Option<DateTime<Utc>>,
    after: Option<JobId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List jobs, newest first
///
/// A page may be short, even empty, while there is a `next`: a rare match is further back.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(ListJobs), responses(
    (status = 200, description = "A page", body = Page<JobLine>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_jobs(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListJobs>,
) -> Result<Json<Page<JobLine>>> {
    caller.platform(PlatformRole::Observer)?;
    let states = query.state.iter().flat_map(|list| list.split(',')).map(str::parse);
    let states: Vec<JobState> = states.collect::<Result<_, String>>().map_err(|problem| {
        Problem::bad_request("invalid_query", "the query is not what this request takes").parameter("state", problem)
    })?;
    let filter = JobFilter {
        states,
        kind: query.kind,
        queue: query.queue,
        tenant: query.tenant,
        fingerprint: query.fingerprint,
        error: query.error,
        created_from: query.created_from,
        created_until: query.created_until,
    };
    let mut conn = state.db.acquire().await?;
    let page = list::list(&mut conn, &filter, query.after, query.limit.size()).await?;
    Ok(Json(Page { items: page.jobs, next: page.next.map(|id| id.to_string()) }))
}

#[derive(Debug, Serialize, ToSchema)]
struct Counts {
    items: Vec<StateCount>,
}

/// Count open and dead jobs by queue and state
#[utoipa::path(get, path = "/v1/jobs/counts", tag = "jobs", responses((status = 200, description = "Counts", body = Counts),
    (status = 403, description = "`role_too_low`"),
))]
async fn count_jobs(State(state): State<AppState>, caller: Caller) -> Result<Json<Counts>> {
    caller.platform(PlatformRole::Observer)?;
    Ok(Json(Counts { items: list::counts(&mut *state.db.acquire().await?).await? }))
}

#[derive(Debug, Serialize, ToSchema)]
struct DeadGroups {
    items: Vec<DeadGroup>,
}

/// Group the dead jobs by cause, the largest group first
#[utoipa::path(get, path = "/v1/jobs/dead", tag = "jobs", responses((status = 200, description = "Groups", body = DeadGroups),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_dead(State(state): State<AppState>, caller: Caller) -> Result<Json<DeadGroups>> {
    caller.platform(PlatformRole::Observer)?;
    Ok(Json(DeadGroups { items: list::dead_groups(&mut *state.db.acquire().await?, 100).await? }))
}

/// See how a job is getting on
///
/// For those who act for the organisation that the job belongs to, and for operators. `job:<id>` on the WebSocket reports the same as
/// it happens.
#[utoipa::path(get, path = "/v1/jobs/{job}", tag = "jobs", params(("job" = JobId, Path), Acting), responses(
    (status = 200, description = "The job", body = JobView),
))]
async fn get_job(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(job): Path<JobId>,
) -> Result<Json<JobView>> {
    let viewer = acting.viewer(Some(&caller))?;
    let found = topic::visible(&mut *state.db.acquire().await?, &caller, viewer, job).await?;
    found.map(Json).ok_or(Problem::not_found("job"))
}

/// See everything about a job: payload, attempts, log, family
#[utoipa::path(get, path = "/v1/jobs/{job}/detail", tag = "jobs", params(("job" = JobId, Path)), responses(
    (status = 200, description = "The job with its history", body = JobDetail),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_detail(State(state): State<AppState>, caller: Caller, Path(job): Path<JobId>) -> Result<Json<JobDetail>> {
    caller.platform(PlatformRole::Observer)?;
    Ok(Json(detail::detail(&mut *state.db.acquire().await?, job).await?))
}

/// Ask why a job is not running
#[utoipa::path(get, path = "/v1/jobs/{job}/why", tag = "jobs", params(("job" = JobId, Path)), responses(
    (status = 200, description = "The cause", body = Why),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_why(State(state): State<AppState>, caller: Caller, Path(job): Path<JobId>) -> Result<Json<Why>> {
    caller.platform(PlatformRole::Observer)?;
    Ok(Json(why::why(&mut *state.db.acquire().await?, &state.registry, job).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeJob {
    priority: Priority,
}

/// Give a waiting job another priority
#[utoipa::path(patch, path = "/v1/jobs/{job}", tag = "jobs", params(("job" = JobId, Path)), request_body = ChangeJob, responses(
    (status = 204, description = "Changed"),
    (status = 409, description = "`wrong_state`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn change_job(
    State(state): State<AppState>,
    caller: Caller,
    Path(job): Path<JobId>,
    Json(body): Json<ChangeJob>,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Operator)?;
    retry::reprioritise(&mut *state.db.acquire().await?, job, body.priority, actor(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancel a job: a waiting one at once, a running one by asking its worker
#[utoipa::path(post, path = "/v1/jobs/{job}/cancel", tag = "jobs", params(("job" = JobId, Path)), responses(
    (status = 200, description = "Whether it is cancelled now or will be", body = Cancelled),
    (status = 409, description = "`wrong_state`: it is finished"),
    (status = 403, description = "`role_too_low`"),
))]
async fn cancel_job(State(state): State<AppState>, caller: Caller, Path(job): Path<JobId>) -> Result<Json<Cancelled>> {
    caller.platform(PlatformRole::Operator)?;
    Ok(Json(cancel::cancel(&mut *state.db.acquire().await?, job, actor(&caller)).await?))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryJob {
    /// A corrected payload; the job's contract checks it.
    #[schema(value_type = Option<Object>)]
    payload: Option<Value>,
    /// Not before this many seconds from now.
    #[serde(default)]
    #[schema(maximum = 31_536_000)]
    delay_seconds: u32,
}

/// Run a dead or cancelled job again, with a corrected payload if need be
#[utoipa::path(post, path = "/v1/jobs/{job}/retry", tag = "jobs", params(("job" = JobId, Path)), request_body = RetryJob, responses(
    (status = 204, description = "It waits for its turn"),
    (status = 409, description = "`wrong_state`, `unique_key_taken`, `unknown_kind`"),
    (status = 422, description = "`payload_unfit`, `delay_too_long`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn retry_job(
    State(state): State<AppState>,
    caller: Caller,
    Path(job): Path<JobId>,
    Json(body): Json<RetryJob>,
) -> Result<StatusCode> {
    caller.platform(PlatformRole::Operator)?;
    if body.delay_seconds > 31_536_000 {
        return Err(Problem::unprocessable("delay_too_long", "a year at most").at("/delay_seconds", "a year at most"));
    }
    let again = Again { payload: body.payload, delay: Duration::from_secs(u64::from(body.delay_seconds)) };
    retry::retry(&mut *state.db.acquire().await?, &state.registry, job, &again, actor(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Run a scheduled job before its time
#[utoipa::path(post, path = "/v1/jobs/{job}/run-now", tag = "jobs", params(("job" = JobId, Path)), responses(
    (status = 204, description = "It waits for its turn"),
    (status = 409, description = "`wrong_state`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn run_job_now(State(state): State<AppState>, caller: Caller, Path(job): Path<JobId>) -> Result<StatusCode> {
    caller.platform(PlatformRole::Operator)?;
    retry::run_now(&mut *state.db.acquire().await?, job, actor(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A filter that says which jobs by more than their state: nobody means all jobs there are.
fn specific(filter: JobFilter) -> Result<JobFilter> {
    if filter.is_specific() {
        Ok(filter)
    } else {
        Err(Problem::unprocessable("filter_empty", "say which jobs, by more than their state"))
    }
}

/// A job that acts on many others.
#[derive(Debug, Serialize, ToSchema)]
struct BulkJob {
    job: JobId,
    /// Shows its progress and, at the end, its result; cancelling it stops it.
    url: String,
    /// How many jobs fitted when it was asked for.
    counted: u64,
}

fn made(asked: Asked) -> Made<BulkJob> {
    let Asked { job, counted } = asked;
    let url = format!("/v1/jobs/{job}");
    Made::at(url.clone(), BulkJob { job, url, counted }).by(Some(job))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CancelJobs {
    matching: JobFilter,
}

/// Cancel every open job that fits
#[utoipa::path(post, path = "/v1/jobs/cancel", tag = "jobs", params(OptionalKey), request_body = CancelJobs, responses(
    (status = 202, description = "A job does it; `Location` and `Link` name the job", body = BulkJob,
        headers(("Location" = String), ("Link" = String))),
    (status = 422, description = "`filter_empty`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn cancel_jobs(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<CancelJobs>,
) -> Result<Response> {
    caller.platform(PlatformRole::Operator)?;
    let matching = specific(body.matching)?;
    key.once(&state.ledger, caller.user.0, StatusCode::ACCEPTED, async |tx| {
        Ok(made(maintenance::CancelJobs::ask(tx, matching, actor(&caller)).await?))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryJobs {
    matching: JobFilter,
    /// Let them become due one after the other at this rate: at least one a day.
    #[schema(minimum = 0.000_011_574_074_074_1)]
    per_second: Option<f64>,
    /// The most jobs to retry; all unless given.
    #[schema(minimum = 1)]
    limit: Option<i64>,
}

/// Run every dead (or, by `states`, cancelled) job that fits again, oldest first
#[utoipa::path(post, path = "/v1/jobs/retry", tag = "jobs", params(OptionalKey), request_body = RetryJobs, responses(
    (status = 202, description = "A job does it; `Location` and `Link` name the job", body = BulkJob,
        headers(("Location" = String), ("Link" = String))),
    (status = 422, description = "`filter_empty`, `setting_out_of_bounds`"),
    (status = 403, description = "`role_too_low`"),
))]
async fn retry_jobs(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body }: Keyed<RetryJobs>,
) -> Result<Response> {
    caller.platform(PlatformRole::Operator)?;
    let RetryJobs { matching, per_second, limit } = body;
    if limit.is_some_and(|limit| limit < 1) {
        return Err(Problem::unprocessable("setting_out_of_bounds", "at least 1").at("/limit", "at least 1"));
    }
    retry::check_rate(per_second)?;
    let matching = specific(matching)?;
    key.once(&state.ledger, caller.user.0, StatusCode::ACCEPTED, async |tx| {
        Ok(made(
            maintenance::RetryJobs::ask(tx, matching, per_second, limit.map(i64::unsigned_abs), actor(&caller)).await?,
        ))
    })
    .await
}

#[cfg(test)]
mod tests;
