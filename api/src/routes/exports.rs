//! Exports: asked for here, made by a job, downloaded from the store. A person's own data is one of them, which only that person reads.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::exports::{Begun, RequestError, ask};
use market::exports::model::{Export, Filters, Format, Kind, NewExport, Rows, RowsFormat, Status};
use market::exports::rules::judge;
use market::exports::store::{self, ExportError};
use market::identity::{MemberRole, PlatformRole};
use market::ids::ExportId;
use queue::JobTx;
use queue::ops::cancel::{self, Cancelled};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::jobs::actor;
use super::reports::Download;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_exports, create_export))
        .routes(routes!(get_export))
        .routes(routes!(cancel_export))
        .routes(routes!(list_own_exports, export_own_data))
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NotFound(_) => Self::not_found("export"),
            ExportError::NoSuchOrg => Self::not_found("organisation"),
            ExportError::InProgress => Self::conflict("export_in_progress", error.to_string()),
            ExportError::TooManyOpen => Self::too_many("too_many_exports", error.to_string(), Duration::from_secs(10)),
            ExportError::TooManyToday => Self::too_many("too_many_exports", error.to_string(), Duration::from_hours(1)),
            ExportError::Sql(error) => error.into(),
            ExportError::NotOpen(_) => Self::internal(error),
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Export(error) => error.into(),
            RequestError::Enqueue(error) => error.into(),
        }
    }
}

/// An export.
#[derive(Debug, Serialize, ToSchema)]
struct ExportView {
    id: ExportId,
    /// Absent where it is of everybody, or of a person's own data.
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<OrgId>,
    kind: Kind,
    format: Format,
    filters: Filters,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<Download>,
    created_at: DateTime<Utc>,
    /// When the file is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

impl ExportView {
    /// An export that was asked for a moment ago.
    fn queued(begun: Begun, new: NewExport) -> Self {
        Self {
            id: begun.export,
            org: new.org,
            kind: new.kind,
            format: new.format,
            filters: new.filters,
            status: Status::Queued,
            progress: None,
            failure: None,
            job: job_of(new.kind, Some(begun.job)),
            row_count: None,
            download: None,
            created_at: begun.at,
            expires_at: None,
        }
    }
}

/// The job that makes an export, for those who may look at it. That of one's own data is no organisation's, so only operators do.
fn job_of(kind: Kind, job: Option<JobId>) -> Option<JobId> {
    job.filter(|_| kind != Kind::OwnData)
}

/// Exports with their downloads, and how far their jobs are.
async fn views(state: &AppState, exports: Vec<Export>) -> Result<Vec<ExportView>> {
    let running = exports.iter().filter(|export| export.status == Status::Running);
    let jobs: Vec<JobId> = running.filter_map(|export| export.job).collect();
    let mut progress: HashMap<JobId, i16> = HashMap::new();
    if !jobs.is_empty() {
        let jobs = queue::ops::view::read(&mut *state.db.acquire().await?, &jobs).await?;
        progress.extend(jobs.into_iter().filter_map(|job| Some((job.id, job.progress?))));
    }
    let mut views = Vec::with_capacity(exports.len());
    for export in exports {
        let download = match &export.object_key {
            Some(key) if export.status == Status::Ready => Some(Download::sign(state, key, export.file_name()).await?),
            _ => None,
        };
        views.push(ExportView {
            id: export.id,
            org: export.org,
            kind: export.kind,
            format: export.format,
            filters: export.filters,
            status: export.status,
            progress: export.job.and_then(|job| progress.get(&job).copied()),
            failure: export.failure,
            job: job_of(export.kind, export.job),
            row_count: export.row_count,
            download,
            created_at: export.created_at,
            expires_at: export.expires_at,
        });
    }
    Ok(views)
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateExport {
    kind: Rows,
    format: RowsFormat,
    #[serde(default)]
    filters: Filters,
    /// Of the whole platform instead of an organisation; for administrators.
    #[serde(default)]
    everybody: bool,
}

/// Ask for an export
///
/// A job makes it, and the person who asked gets an email when it is ready. It has what was there when it was asked for: an
/// organisation's listings, its orders of both sides, its bids, or the events of its shipments. Platform administrators may ask for any
/// organisation, and for everybody. What somebody would have bid is there only for those who belong to the organisation that bid.
#[utoipa::path(post, path = "/v1/exports", tag = "exports", params(Acting, OptionalKey), request_body = CreateExport, responses(
    (status = 202, description = "A job makes it; `Location` names the export, `Link` the job", body = ExportView,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`filters_invalid`: the times are reversed, or what is exported has no such status"),
    (status = 429, description = "`too_many_exports`"),
))]
async fn create_export(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<CreateExport>,
) -> Result<Response> {
    let admin = caller.platform(PlatformRole::Admin);
    let org = if body.everybody {
        admin?;
        None
    } else {
        let org = acting.member_or(PlatformRole::Admin, &caller)?;
        if admin.is_err() {
            caller.member(org, MemberRole::Trader)?;
        }
        Some(org)
    };
    let new = NewExport {
        org,
        requested_by: caller.user,
        kind: body.kind.into(),
        format: body.format.into(),
        filters: body.filters,
    };
    judge(new.kind, &new.filters).map_err(|unfit| {
        Problem::unprocessable("filters_invalid", unfit.to_string()).at(unfit.pointer(), unfit.to_string())
    })?;
    let owner = org.map_or(caller.user.0, |org| org.0);
    key.once(&state.ledger, owner, StatusCode::ACCEPTED, async |tx| make(tx, new).await).await
}

/// Ask for everything that is kept about the caller
///
/// An archive with a CSV and a JSON file for each kind of thing, and a text that says what is in them. A job makes it, and the caller
/// gets an email when it is ready; nobody else can download it. There is one at a time.
#[utoipa::path(post, path = "/v1/me/export", tag = "me", params(OptionalKey), request_body = Option<ExportOwnData>, responses(
    (status = 202, description = "A job makes it; `Location` names the export", body = ExportView, headers(("Location" = String))),
    (status = 409, description = "`export_in_progress`: wait for the one that is being made"),
    (status = 429, description = "`too_many_exports`"),
))]
async fn export_own_data(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body: _ }: Keyed<Option<ExportOwnData>>,
) -> Result<Response> {
    let new = NewExport {
        org: None,
        requested_by: caller.user,
        kind: Kind::OwnData,
        format: Format::Zip,
        filters: Filters::default(),
    };
    key.once(&state.ledger, caller.user.0, StatusCode::ACCEPTED, async |tx| make(tx, new).await).await
}

/// Nothing more to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ExportOwnData {}

async fn make(tx: &mut JobTx, new: NewExport) -> Result<Made<ExportView>> {
    let begun = ask(tx, &new).await?;
    let job = job_of(new.kind, Some(begun.job));
    Ok(Made::at(format!("/v1/exports/{}", begun.export), ExportView::queued(begun, new)).by(job))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListExports {
    after: Option<ExportId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's exports, newest first
#[utoipa::path(get, path = "/v1/exports", tag = "exports", params(Acting, ListExports), responses(
    (status = 200, description = "A page", body = Page<ExportView>),
))]
async fn list_exports(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListExports>,
) -> Result<Json<Page<ExportView>>> {
    let org = acting.member(&caller)?;
    let rows = store::page(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    page(&state, query.limit, rows).await
}

/// List the exports that the caller has asked for, newest first
#[utoipa::path(get, path = "/v1/me/export", tag = "me", params(ListExports), responses(
    (status = 200, description = "A page", body = Page<ExportView>),
))]
async fn list_own_exports(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListExports>,
) -> Result<Json<Page<ExportView>>> {
    let mut rows =
        store::page_of(&mut *state.db.acquire().await?, caller.user, query.after, query.limit.fetch()).await?;
    for export in &mut rows {
        if !may_read(export, &caller) {
            export.object_key = None;
        }
    }
    page(&state, query.limit, rows).await
}

async fn page(state: &AppState, limit: Limit, rows: Vec<Export>) -> Result<Json<Page<ExportView>>> {
    let page = limit.page(rows, |export| export.id.to_string(), |export| export);
    Ok(Json(Page { items: views(state, page.items).await?, next: page.next }))
}

/// Whether somebody still may read what they have asked for: they may have left since.
fn may_read(export: &Export, caller: &Caller) -> bool {
    export.requested_by == caller.user
        && (export.kind == Kind::OwnData
            || caller.platform(PlatformRole::Admin).is_ok()
            || export.org.is_some_and(|org| caller.belongs_to(org)))
}

/// An export that the caller may read: one that they asked for, or one that somebody else asked for of the caller's organisation.
/// Administrators read their own only: that of somebody else may have what only that person may see.
async fn readable(state: &AppState, acting: Acting, caller: &Caller, id: ExportId) -> Result<Export> {
    let export = store::get(&mut *state.db.acquire().await?, id).await?;
    if may_read(&export, caller) {
        return Ok(export);
    }
    match export.org {
        Some(org) => acting.owner(org, caller, "export").map(|_| export),
        None => Err(Problem::not_found("export")),
    }
}

async fn one(state: &AppState, export: Export) -> Result<Json<ExportView>> {
    views(state, vec![export]).await?.pop().map(Json).ok_or(Problem::not_found("export"))
}

/// Read an export's state, and where to download it
#[utoipa::path(get, path = "/v1/exports/{export}", tag = "exports", params(("export" = ExportId, Path), Acting), responses(
    (status = 200, description = "The export", body = ExportView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_export(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ExportId>,
) -> Result<Json<ExportView>> {
    let export = readable(&state, acting, &caller, id).await?;
    one(&state, export).await
}

/// Cancel an export that is not ready yet
///
/// A waiting one at once, a running one within a second. Nothing of it is kept.
#[utoipa::path(post, path = "/v1/exports/{export}/cancel", tag = "exports", params(("export" = ExportId, Path), Acting), responses(
    (status = 200, description = "Whether it is cancelled now or will be", body = Cancelled),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`wrong_state`: it is finished"),
))]
async fn cancel_export(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ExportId>,
) -> Result<Json<Cancelled>> {
    let export = readable(&state, acting, &caller, id).await?;
    if let (Some(org), true) = (export.org, export.requested_by != caller.user) {
        caller.member(org, MemberRole::Trader)?;
    }
    if !matches!(export.status, Status::Queued | Status::Running) {
        return Err(Problem::conflict("wrong_state", "the export is finished"));
    }
    let job = export.job.ok_or(Problem::not_found("export"))?;
    Ok(Json(cancel::cancel(&mut *state.db.acquire().await?, job, actor(&caller)).await?))
}

#[cfg(test)]
mod tests;
