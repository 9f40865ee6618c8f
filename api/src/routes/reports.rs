//! Reports: asked for here, made by a job, downloaded from the store.

mod asking;

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use jobs::reports::{Begun, RequestError};
use market::identity::{MemberRole, PlatformRole};
use market::ids::ReportId;
use market::reports::definitions::Audience;
use market::reports::model::{Format, Kind, NewReport, Parameters, Report, Status};
use market::reports::store::{self, ReportError};
use market::reports::table::Sum;
use queue::ops::cancel::{self, Cancelled};
use serde::{Deserialize, Serialize};
use shared::blobs::Disposition;
use shared::ids::{JobId, OrgId};
use shared::money::Money;
use shared::trace::TraceParent;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::jobs::actor;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;
pub(crate) use asking::Asking;
use asking::make;
pub(super) use asking::unfit;

/// How long a download's address works.
const VALID_FOR: Duration = Duration::from_mins(15);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_reports, create_report))
        .routes(routes!(get_report))
        .routes(routes!(cancel_report))
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::NotFound(_) => Self::not_found("report"),
            ReportError::NoSuchOrg => Self::not_found("organisation"),
            ReportError::NoSubscription => Self::not_found("subscription"),
            ReportError::TooManySubscriptions => Self::conflict("too_many_subscriptions", error.to_string()),
            ReportError::TooManyOpen => Self::too_many("too_many_reports", error.to_string(), Duration::from_secs(10)),
            ReportError::TooManyToday => Self::too_many("too_many_reports", error.to_string(), Duration::from_hours(1)),
            ReportError::UnknownCategory => unfit("/parameters/category", error.to_string()),
            ReportError::UnknownRegion => unfit("/parameters/region", error.to_string()),
            ReportError::Sql(error) => error.into(),
            ReportError::NotOpen(_) | ReportError::UnknownZone(_) | ReportError::Period(_) | ReportError::Money(_) => {
                Self::internal(error)
            }
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Report(error) => error.into(),
            RequestError::Enqueue(error) => error.into(),
        }
    }
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportView {
    id: ReportId,
    org: OrgId,
    kind: Kind,
    format: Format,
    /// Both days are inclusive, in `time_zone`.
    first_day: NaiveDate,
    last_day: NaiveDate,
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// The same period as times: from `starts_at` up to, not including, `ends_at`.
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    parameters: Parameters,
    status: Status,
    /// Percent, while it is being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<i16>,
    /// Why it could not be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row_count: Option<i64>,
    /// What its amounts add up to, by section, column and currency.
    totals: Vec<TotalView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<Download>,
    created_at: DateTime<Utc>,
    /// When the file is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

/// What the amounts of a column in one currency add up to: exactly, and rounded once, half away from zero. Where past sales with more
/// digits than their currency has are counted, each row is rounded in the same way, and all rows may come to some cents more or less.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotalView {
    #[schema(example = "orders")]
    section: String,
    #[schema(example = "total")]
    column: String,
    /// How many amounts.
    row_count: i64,
    amount: Money,
}

impl From<Sum> for TotalView {
    fn from(sum: Sum) -> Self {
        Self { section: sum.section, column: sum.column, row_count: sum.rows, amount: sum.amount }
    }
}

/// An address that works for a short time; read the report again for another one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Download {
    url: String,
    file_name: String,
    valid_until: DateTime<Utc>,
}

impl Download {
    /// Signs the way to an object, which is saved under this name.
    pub(crate) async fn sign(state: &AppState, key: &str, file_name: String) -> Result<Self> {
        let disposition = Disposition::Attachment(file_name.clone());
        let url = state.blobs.presign_get(key, &disposition, VALID_FOR).await?;
        Ok(Self { url, file_name, valid_until: state.clock.now() + VALID_FOR })
    }
}

/// A report, and how far its job is.
async fn one(state: &AppState, report: Report) -> Result<ReportView> {
    let progress = progress(state, std::slice::from_ref(&report)).await?;
    view(state, report, &progress).await
}

impl ReportView {
    /// A report that was asked for a moment ago.
    fn queued(begun: Begun, report: &NewReport) -> Self {
        let period = &report.period;
        Self {
            id: begun.report,
            org: report.org,
            kind: report.kind,
            format: report.format,
            first_day: period.first_day(),
            last_day: period.last_day(),
            time_zone: period.zone().name().to_owned(),
            starts_at: period.starts_at(),
            ends_at: period.ends_at(),
            parameters: report.parameters,
            status: Status::Queued,
            progress: None,
            failure: None,
            job: Some(begun.job),
            row_count: None,
            totals: Vec::new(),
            download: None,
            created_at: begun.at,
            expires_at: None,
        }
    }
}

async fn view(state: &AppState, report: Report, progress: &HashMap<JobId, i16>) -> Result<ReportView> {
    let download = match &report.object_key {
        Some(key) if report.status == Status::Ready => Some(Download::sign(state, key, report.file_name()).await?),
        _ => None,
    };
    let progress = report.job.and_then(|job| progress.get(&job).copied());
    Ok(ReportView {
        id: report.id,
        org: report.org,
        kind: report.kind,
        format: report.format,
        first_day: report.period.first_day(),
        last_day: report.period.last_day(),
        time_zone: report.period.zone().name().to_owned(),
        starts_at: report.period.starts_at(),
        ends_at: report.period.ends_at(),
        parameters: report.parameters,
        status: report.status,
        progress,
        failure: report.failure,
        job: report.job,
        row_count: report.row_count,
        totals: report.sums.into_iter().map(TotalView::from).collect(),
        download,
        created_at: report.created_at,
        expires_at: report.expires_at,
    })
}

/// How far the jobs of reports in the making are; those that are pruned are left out.
async fn progress(state: &AppState, reports: &[Report]) -> Result<HashMap<JobId, i16>> {
    let jobs: Vec<JobId> =
        reports.iter().filter(|report| report.status == Status::Running).filter_map(|report| report.job).collect();
    if jobs.is_empty() {
        return Ok(HashMap::new());
    }
    let jobs = queue::ops::view::read(&mut *state.db.acquire().await?, &jobs).await?;
    Ok(jobs.into_iter().filter_map(|job| Some((job.id, job.progress?))).collect())
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateReport {
    kind: Kind,
    format: Format,
    /// In the organisation's time zone.
    first_day: NaiveDate,
    /// Inclusive; at most ten years from the first.
    last_day: NaiveDate,
    /// How it is grouped and filtered.
    #[serde(default)]
    parameters: Parameters,
}

/// Ask for a report
///
/// A job makes it, and the person who asked gets an email when it is ready. Platform administrators may ask for any organisation.
/// `platform_sales`, `user_activity` and `job_activity` are of the whole platform, in the days of the organisation: finance staff ask for
/// the first, administrators for the second, and operators for the third.
#[utoipa::path(post, path = "/v1/reports", tag = "reports", params(Acting, OptionalKey), request_body = CreateReport, responses(
    (status = 202, description = "A job makes it; `Location` names the report, `Link` the job", body = ReportView,
        headers(("Location" = String), ("Link" = String))),
    (status = 422, description = "`period_invalid`: the days are reversed, too many, in the future, never were, or are not whole months \
        where the kind compares months; `parameters_invalid`: the kind is not grouped or filtered like this, or the category or region \
        does not exist"),
    (status = 429, description = "`too_many_reports`: wait for those that are being made"),
    (status = 403, description = "`role_too_low`"),
))]
async fn create_report(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<CreateReport>,
) -> Result<Response> {
    let audience = body.kind.definition().audience;
    let org = acting.member_or(audience.platform(), &caller)?;
    match (caller.platform(audience.platform()), audience) {
        (Ok(()), _) => {}
        (Err(_), Audience::Members) => {
            caller.member(org, MemberRole::Trader)?;
        }
        (Err(refused), Audience::Platform(_)) => return Err(refused),
    }
    let asking = Asking { org, by: caller.user, body, now: state.clock.now(), trace: TraceParent::current() };
    if let Some(answer) = state.reports.ask(&key, org.0, asking.clone()).await {
        return answer;
    }
    key.once(&state.ledger, org.0, StatusCode::ACCEPTED, async |tx| {
        make(tx, &[&asking]).await?.pop().unwrap_or(Err(Problem::not_found("organisation")))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListReports {
    after: Option<ReportId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's reports, newest first
#[utoipa::path(get, path = "/v1/reports", tag = "reports", params(Acting, ListReports), responses(
    (status = 200, description = "A page", body = Page<ReportView>),
))]
async fn list_reports(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListReports>,
) -> Result<Json<Page<ReportView>>> {
    let org = acting.member_or(PlatformRole::Admin, &caller)?;
    let kinds = readable(&caller);
    let rows = store::page(&mut *state.db.acquire().await?, org, &kinds, query.after, query.limit.fetch()).await?;
    let page = query.limit.page(rows, |report| report.id.to_string(), |report| report);
    let progress = progress(&state, &page.items).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for report in page.items {
        items.push(view(&state, report, &progress).await?);
    }
    Ok(Json(Page { items, next: page.next }))
}

/// The kinds that the caller may read of an organisation of theirs.
fn readable(caller: &Caller) -> Vec<Kind> {
    let may = |kind: &Kind| match kind.definition().audience {
        Audience::Members => true,
        Audience::Platform(role) => caller.platform(role).is_ok(),
    };
    Kind::ALL.iter().copied().filter(may).collect()
}

/// Read a report's state, and where to download it
#[utoipa::path(get, path = "/v1/reports/{report}", tag = "reports", params(("report" = ReportId, Path), Acting), responses(
    (status = 200, description = "The report", body = ReportView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_report(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReportId>,
) -> Result<Json<ReportView>> {
    let report = read(&state, acting, &caller, id).await?;
    Ok(Json(one(&state, report).await?))
}

/// A report that the caller may read.
async fn read(state: &AppState, acting: Acting, caller: &Caller, id: ReportId) -> Result<Report> {
    let report = store::get(&mut *state.db.acquire().await?, id).await?;
    match report.kind.definition().audience {
        audience if caller.platform(audience.platform()).is_ok() => {}
        Audience::Members => {
            acting.owner(report.org, caller, "report")?;
        }
        // Of everybody: whoever may not read it hears nothing of it.
        Audience::Platform(_) => return Err(Problem::not_found("report")),
    }
    Ok(report)
}

/// Cancel a report that is not ready yet
///
/// A waiting one at once, a running one within a second. Nothing of it is kept, and nobody gets an email.
#[utoipa::path(post, path = "/v1/reports/{report}/cancel", tag = "reports", params(("report" = ReportId, Path), Acting), responses(
    (status = 200, description = "Whether it is cancelled now or will be", body = Cancelled),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`wrong_state`: it is finished"),
))]
async fn cancel_report(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ReportId>,
) -> Result<Json<Cancelled>> {
    let report = read(&state, acting, &caller, id).await?;
    let of_platform = caller.platform(report.kind.definition().audience.platform()).is_ok();
    if !of_platform && report.requested_by != Some(caller.user) {
        caller.member(report.org, MemberRole::Trader)?;
    }
    if !matches!(report.status, Status::Queued | Status::Running) {
        return Err(Problem::conflict("wrong_state", "the report is finished"));
    }
    let job = report.job.ok_or(Problem::not_found("report"))?;
    Ok(Json(cancel::cancel(&mut *state.db.acquire().await?, job, actor(&caller)).await?))
}

#[cfg(test)]
mod tests;
