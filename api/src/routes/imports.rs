//! Files that are applied row by row: how far they are, and what became of each row. What is particular to [`stock`], [`listings`]
//! and [`past_sales`] is there.

mod file;
mod listings;
mod past_sales;
mod stock;

use std::time::Duration;

use axum::extract::State;
use chrono::{DateTime, Utc};
use jobs::imports::RequestError;
use market::ids::ImportId;
use market::imports::model::{Encoding, Import, ImportKind, ImportRow, ImportStatus, NewImport, RowOutcome, Separator};
use market::imports::store::{self, ImportError};
use queue::JobTx;
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::Made;
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_import))
        .routes(routes!(list_import_rows))
        .merge(stock::router())
        .merge(listings::router())
        .merge(past_sales::router())
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::NotFound(_) => Self::not_found("import"),
            ImportError::TooManyOpen => Self::too_many("too_many_imports", error.to_string(), Duration::from_secs(10)),
            ImportError::TooManyToday => Self::too_many("too_many_imports", error.to_string(), Duration::from_hours(1)),
            ImportError::Stock(error) => error.into(),
            ImportError::Item(error) => error.into(),
            ImportError::Listing(error) => error.into(),
            ImportError::Pictures(error) => error.into(),
            ImportError::Sql(error) => error.into(),
            ImportError::NotOpen(_) | ImportError::Terms(_) => Self::internal(error),
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Import(error) => error.into(),
            RequestError::Upload(error) => error.into(),
            RequestError::Enqueue(error) => error.into(),
        }
    }
}

/// A file that is applied row by row.
#[derive(Debug, Serialize, ToSchema)]
struct ImportView {
    id: ImportId,
    org: OrgId,
    kind: ImportKind,
    status: ImportStatus,
    /// Its rows are only tried: `applied` and the other counts are of what would become of them.
    validate_only: bool,
    /// Why it could not be applied to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    /// How its characters were read, once it has been looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    separator: Option<Separator>,
    /// Without the header and empty lines, once it has been looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    row_count: Option<i32>,
    applied: i32,
    /// Rows that said what was so already.
    unchanged: i32,
    /// Rows of which drafts were made that lack something.
    incomplete: i32,
    refused: i32,
    created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
    /// When the file is removed, and what became of each row is forgotten.
    expires_at: DateTime<Utc>,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        Self {
            id: import.id,
            org: import.org,
            kind: import.kind,
            status: import.status,
            validate_only: import.terms.validate_only,
            failure: import.failure,
            job: import.job,
            encoding: import.encoding,
            separator: import.separator,
            row_count: import.row_count,
            applied: import.counts.applied,
            unchanged: import.counts.unchanged,
            incomplete: import.counts.incomplete,
            refused: import.counts.refused,
            created_at: import.created_at,
            finished_at: import.finished_at,
            expires_at: import.expires_at,
        }
    }
}

/// Stores an import and enqueues its job, or finds the one of the same file.
async fn begin(tx: &mut JobTx, new: &NewImport) -> Result<Made<ImportView>> {
    let id = jobs::imports::request(tx, new).await?;
    let import = store::get(tx, id).await?;
    let job = import.job;
    Ok(Made::at(format!("/v1/imports/{id}"), ImportView::from(import)).by(job))
}

/// An import that the caller's organisation has made.
async fn own(state: &AppState, acting: Acting, caller: &Caller, id: ImportId) -> Result<Import> {
    let import = store::get(&mut *state.db.acquire().await?, id).await?;
    acting.owner(import.org, caller, "import")?;
    Ok(import)
}

/// Read how far an import is
#[utoipa::path(get, path = "/v1/imports/{import}", tag = "imports", params(("import" = ImportId, Path), Acting), responses(
    (status = 200, description = "The import", body = ImportView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_import(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ImportId>,
) -> Result<Json<ImportView>> {
    Ok(Json(own(&state, acting, &caller, id).await?.into()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListRows {
    /// Only those that became this.
    outcome: Option<RowOutcome>,
    /// The `next` of an earlier page.
    #[param(minimum = 1)]
    after: Option<i32>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List what became of an import's rows, in the order of the file
#[utoipa::path(get, path = "/v1/imports/{import}/rows", tag = "imports", params(("import" = ImportId, Path), Acting, ListRows),
    responses(
    (status = 200, description = "A page; empty once the import has expired", body = Page<ImportRow>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_import_rows(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ImportId>,
    Query(query): Query<ListRows>,
) -> Result<Json<Page<ImportRow>>> {
    let import = own(&state, acting, &caller, id).await?;
    let mut conn = state.db.acquire().await?;
    let rows = store::page(&mut conn, import.id, query.outcome, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |row| row.line.to_string(), |row| row)))
}

#[cfg(test)]
mod tests;
