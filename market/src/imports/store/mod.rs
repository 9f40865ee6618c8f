//! SQL for imports.
//!
//! A chunk of rows is applied in one transaction, together with what became of each. A row that is refused is taken back by a
//! savepoint of its own.
//!
//! How to get this wrong: apply a row and note it in two transactions; look for the same file only before the insert, or only
//! after it.

mod expire;
mod listings;
mod past_sales;
mod rows;
mod stock;

use chrono::{DateTime, Utc};
use serde_json::Value;
use shared::ids::{JobId, OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{
    Encoding, Import, ImportKind, ImportRow, ImportStatus, ListingTerms, NewImport, RowCounts, Separator,
};
use super::rules::fields::{Columns, FromFields, ReadRow};
use super::rules::shape::Shape;
use crate::catalog::store::CatalogError;
use crate::ids::ImportId;
use crate::images::store::ImageError;
use crate::listings::store::ListingError;
use crate::stock::model::Moved;
use crate::stock::store::StockError;

pub use expire::{Overdue, expire, overdue};
pub use rows::{dealt_with, page, record};

/// What people see of an import whose job has given up.
pub const GIVEN_UP: &str = "The file could not be applied to its end. Our operators can see why.";
/// The most characters kept of a failure's text.
const MAX_FAILURE: usize = 1_000;

/// Why an import was not stored, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("import {0} does not exist")]
    NotFound(ImportId),
    /// Another run has finished it.
    #[error("import {0} is not open")]
    NotOpen(ImportId),
    #[error("5 imports of this organisation are being made")]
    TooManyOpen,
    #[error("200 files of this organisation were imported within a day")]
    TooManyToday,
    #[error("stored terms cannot be read")]
    Terms(#[from] serde_json::Error),
    #[error(transparent)]
    Stock(#[from] StockError),
    #[error(transparent)]
    Item(#[from] CatalogError),
    #[error(transparent)]
    Listing(#[from] ListingError),
    #[error(transparent)]
    Pictures(#[from] ImageError),
    #[error(transparent)]
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("imports_unfinished") => Self::TooManyOpen,
            Some("imports_per_day") => Self::TooManyToday,
            _ => Self::Sql(error),
        }
    }
}

/// How rows of a kind become part of the market.
pub trait Apply: FromFields {
    /// Applies rows in their order. Returns what became of each, and the levels of stock that have changed. Needs a transaction.
    fn apply(
        conn: &mut PgConnection,
        by: Acting,
        columns: &Columns,
        rows: &[ReadRow<Self>],
    ) -> impl Future<Output = Result<(Vec<ImportRow>, Vec<Moved>), ImportError>> + Send;
}

/// On whose behalf rows are applied, and what their movements refer to.
#[derive(Clone, Copy, Debug)]
pub struct Acting {
    pub org: OrgId,
    pub user: UserId,
    pub import: ImportId,
}

impl Acting {
    #[must_use]
    pub const fn of(import: &Import) -> Self {
        Self { org: import.org, user: import.created_by, import: import.id }
    }
}

/// What there is after a file was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    New(ImportId),
    /// The same file was sent before.
    Known(ImportId),
}

/// Stores a file to apply, unless there is an import of the same one.
pub async fn create(conn: &mut PgConnection, new: &NewImport) -> Result<Begun, ImportError> {
    let id = ImportId::generate();
    let checksum = new.identity(id);
    if let Some(known) = same(conn, new, &checksum).await? {
        return Ok(Begun::Known(known));
    }
    let inserted = sqlx::query!(
        "INSERT INTO imports (id, org_id, created_by, kind, checksum, upload_id, terms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT ON CONSTRAINT imports_once DO NOTHING",
        id.0,
        new.org.0,
        new.created_by.0,
        new.kind as ImportKind,
        &checksum[..],
        new.upload.0,
        serde_json::to_value(&new.terms)?,
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Begun::New(id));
    }
    // It came while this one waited.
    same(conn, new, &checksum).await?.map(Begun::Known).ok_or(ImportError::NotFound(id))
}

async fn same(conn: &mut PgConnection, new: &NewImport, checksum: &[u8; 32]) -> Result<Option<ImportId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: ImportId"
           FROM imports
           WHERE org_id = $1
             AND kind = $2
             AND checksum = $3"#,
        new.org.0,
        new.kind as ImportKind,
        &checksum[..],
    )
    .fetch_optional(conn)
    .await
}

/// Opens an import again whose job has given up or was cancelled, if its file is still there; `false`: there is no need, or no way.
/// Rows that were dealt with stay so.
pub async fn reopen(conn: &mut PgConnection, id: ImportId) -> Result<bool, ImportError> {
    // In a statement of its own: the next one sees what was begun while this one waited.
    sqlx::query!("SELECT FROM imports WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let import = get(conn, id).await?;
    if import.object_key.is_none() || !matches!(import.status, ImportStatus::Failed | ImportStatus::Cancelled) {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE imports
         SET status = 'queued',
             failure = NULL,
             finished_at = NULL
         WHERE id = $1",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Notes which job applies the file.
pub async fn set_job(conn: &mut PgConnection, id: ImportId, job: JobId) -> Result<(), ImportError> {
    let updated = sqlx::query!("UPDATE imports SET job_id = $2 WHERE id = $1", id.0, job.0).execute(conn).await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ImportError::NotFound(id)) }
}

struct Stored {
    org_id: Uuid,
    created_by: Uuid,
    kind: ImportKind,
    terms: Value,
    object_key: Option<String>,
    status: ImportStatus,
    failure: Option<String>,
    encoding: Option<Encoding>,
    separator: Option<Separator>,
    row_count: Option<i32>,
    applied: i32,
    unchanged: i32,
    incomplete: i32,
    refused: i32,
    job_id: Option<i64>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
}

/// Reads an import.
///
/// One whose job was cancelled or has given up is shown as such. Its row stays open: the job may be retried.
pub async fn get(conn: &mut PgConnection, id: ImportId) -> Result<Import, ImportError> {
    let row = sqlx::query_as!(
        Stored,
        r#"SELECT i.org_id, i.created_by, i.kind AS "kind: ImportKind", i.terms, u.object_key AS "object_key?", i.failure,
                  i.encoding AS "encoding: Encoding", i.separator AS "separator: Separator", i.row_count, i.applied, i.unchanged,
                  i.incomplete, i.refused, i.job_id, i.created_at, i.finished_at, i.expires_at,
                  CASE
                      WHEN i.status NOT IN ('queued', 'running') OR i.job_id IS NULL OR j.state < 'succeeded' THEN i.status
                      WHEN j.state = 'cancelled' THEN 'cancelled'
                      ELSE 'failed'
                  END AS "status!: ImportStatus"
           FROM imports AS i
           LEFT JOIN uploads AS u ON u.id = i.upload_id
           LEFT JOIN jobs AS j ON j.id = i.job_id
           WHERE i.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ImportError::NotFound(id))?;
    let terms: ListingTerms = serde_json::from_value(row.terms)?;
    Ok(Import {
        id,
        org: OrgId(row.org_id),
        created_by: UserId(row.created_by),
        kind: row.kind,
        terms,
        object_key: row.object_key,
        status: row.status,
        failure: row.failure.or_else(|| (row.status == ImportStatus::Failed).then(|| GIVEN_UP.to_owned())),
        encoding: row.encoding,
        separator: row.separator,
        row_count: row.row_count,
        counts: RowCounts {
            applied: row.applied,
            unchanged: row.unchanged,
            incomplete: row.incomplete,
            refused: row.refused,
        },
        job: row.job_id.map(JobId),
        created_at: row.created_at,
        finished_at: row.finished_at,
        expires_at: row.expires_at,
    })
}

/// Notes that the file is being applied; also after a failure, when somebody retries its job.
pub async fn begin(conn: &mut PgConnection, id: ImportId) -> Result<(), ImportError> {
    let updated = sqlx::query!(
        "UPDATE imports
         SET status = 'running',
             failure = NULL,
             finished_at = NULL
         WHERE id = $1
           AND status IN ('queued', 'running', 'failed')",
        id.0,
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), id)
}

/// Whether an organisation may trade now.
pub async fn may_trade(conn: &mut PgConnection, org: OrgId) -> Result<bool, sqlx::Error> {
    let approved = sqlx::query_scalar!(r#"SELECT status = 'approved' AS "approved!" FROM orgs WHERE id = $1"#, org.0)
        .fetch_optional(conn)
        .await?;
    Ok(approved.unwrap_or_default())
}

/// Notes what the file turned out to be.
pub async fn set_shape(conn: &mut PgConnection, id: ImportId, shape: &Shape) -> Result<(), ImportError> {
    let updated = sqlx::query!(
        "UPDATE imports
         SET encoding = $2,
             separator = $3,
             row_count = $4
         WHERE id = $1
           AND status = 'running'",
        id.0,
        shape.encoding as Encoding,
        shape.separator as Separator,
        i32::try_from(shape.rows).unwrap_or(i32::MAX),
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), id)
}

/// Notes that every row was dealt with.
pub async fn finish(conn: &mut PgConnection, id: ImportId) -> Result<(), ImportError> {
    let updated = sqlx::query!(
        "UPDATE imports
         SET status = 'done',
             finished_at = clock_timestamp()
         WHERE id = $1
           AND status = 'running'",
        id.0,
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), id)
}

/// Notes why the file cannot be applied.
pub async fn fail(conn: &mut PgConnection, id: ImportId, reason: &str) -> Result<(), ImportError> {
    let reason: String = reason.chars().take(MAX_FAILURE).collect();
    let updated = sqlx::query!(
        "UPDATE imports
         SET status = 'failed',
             failure = $2,
             finished_at = clock_timestamp()
         WHERE id = $1
           AND status IN ('queued', 'running')",
        id.0,
        reason,
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), id)
}

fn expect_one(affected: u64, id: ImportId) -> Result<(), ImportError> {
    if affected == 1 { Ok(()) } else { Err(ImportError::NotOpen(id)) }
}

#[cfg(test)]
mod tests;
