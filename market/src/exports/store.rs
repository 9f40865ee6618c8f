//! Statements on `exports`. What is in the files, their parts read.

use chrono::{DateTime, Utc};
use shared::ids::{JobId, OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::model::{Export, Filters, Format, Kind, NewExport, Status};
use crate::ids::ExportId;

/// The most exports of a person that are not finished, as the table's rule says.
pub const MAX_OPEN: u32 = 10;
/// The most exports that a person asks for within a day, as the table's rule says.
pub const MAX_PER_DAY: u32 = 100;

/// What people see of an export whose job has given up.
pub const GIVEN_UP: &str = "The export could not be made. Our operators can see why.";

/// Why an export was not stored, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("export {0} does not exist")]
    NotFound(ExportId),
    /// Another run has finished it.
    #[error("export {0} is not open")]
    NotOpen(ExportId),
    #[error("your data is being collected already")]
    InProgress,
    #[error("{MAX_OPEN} exports of yours are being made")]
    TooManyOpen,
    #[error("you asked for {MAX_PER_DAY} exports within a day")]
    TooManyToday,
    #[error("the organisation does not exist")]
    NoSuchOrg,
    #[error(transparent)]
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for ExportError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("exports_own_data_once") => Self::InProgress,
            Some("exports_org_exists") => Self::NoSuchOrg,
            Some("exports_unfinished") => Self::TooManyOpen,
            Some("exports_per_day") => Self::TooManyToday,
            _ => Self::Sql(error),
        }
    }
}

/// Stores an export to make, and returns when.
pub async fn insert(conn: &mut PgConnection, new: &NewExport) -> Result<(ExportId, DateTime<Utc>), ExportError> {
    if new.kind == Kind::OwnData {
        settle(conn, new.requested_by).await?;
    }
    let id = ExportId::generate();
    let created_at = sqlx::query_scalar!(
        r#"
        INSERT INTO exports (id, org_id, requested_by, kind, format, filters)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING created_at
        "#,
        id.0,
        new.org.map(|org| org.0),
        new.requested_by.0,
        new.kind as Kind,
        new.format as Format,
        Json(&new.filters) as Json<&Filters>,
    )
    .fetch_one(conn)
    .await?;
    Ok((id, created_at))
}

/// Writes down what became of a person's own data whose job has ended without it, so that it can be asked for again.
async fn settle(conn: &mut PgConnection, person: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE exports AS e
        SET status = CASE WHEN j.state = 'cancelled' THEN 'cancelled' ELSE 'failed' END,
            failure = CASE WHEN j.state = 'cancelled' THEN NULL ELSE $2 END,
            finished_at = clock_timestamp()
        FROM exports AS open
        LEFT JOIN jobs AS j ON j.id = open.job_id
        WHERE open.id = e.id
          AND e.requested_by = $1
          AND e.kind = 'own_data'
          AND e.status IN ('queued', 'running')
          AND e.job_id IS NOT NULL
          AND coalesce(j.state >= 'succeeded', true)
        "#,
        person.0,
        GIVEN_UP,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes which job makes the export.
pub async fn set_job(conn: &mut PgConnection, id: ExportId, job: JobId) -> Result<(), ExportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE exports
        SET job_id = $2
        WHERE id = $1
        "#,
        id.0,
        job.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ExportError::NotFound(id)) }
}

/// Reads an export.
pub async fn get(conn: &mut PgConnection, id: ExportId) -> Result<Export, ExportError> {
    read(conn, &[id]).await?.pop().ok_or(ExportError::NotFound(id))
}

/// These exports, newest first. One whose job was cancelled or has given up is shown as such; its row stays open, as the job may be
/// retried.
async fn read(conn: &mut PgConnection, ids: &[ExportId]) -> Result<Vec<Export>, ExportError> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        SELECT
            e.id AS "id: ExportId", e.org_id AS "org: OrgId", o.legal_name AS "org_name?", e.requested_by AS "requested_by: UserId",
            e.kind AS "kind: Kind", e.format AS "format: Format", e.filters AS "filters: Json<Filters>", e.failure, e.job_id, e.object_key,
            e.row_count, e.created_at, e.expires_at,
            CASE
                WHEN e.status NOT IN ('queued', 'running') OR e.job_id IS NULL OR j.state < 'succeeded' THEN e.status
                WHEN j.state = 'cancelled' THEN 'cancelled'
                ELSE 'failed'
            END AS "status!: Status"
        FROM exports AS e
        LEFT JOIN orgs AS o ON o.id = e.org_id
        LEFT JOIN jobs AS j ON j.id = e.job_id
        WHERE e.id = ANY ($1)
        ORDER BY e.id DESC
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let exports = rows.into_iter().map(|row| Export {
        id: row.id,
        org: row.org,
        org_name: row.org_name,
        requested_by: row.requested_by,
        kind: row.kind,
        format: row.format,
        filters: row.filters.0,
        status: row.status,
        failure: row.failure.or_else(|| (row.status == Status::Failed).then(|| GIVEN_UP.to_owned())),
        job: row.job_id.map(JobId),
        object_key: row.object_key,
        row_count: row.row_count,
        created_at: row.created_at,
        expires_at: row.expires_at,
    });
    Ok(exports.collect())
}

/// An organisation's exports, newest first, before `before`.
pub async fn page(
    conn: &mut PgConnection,
    org: OrgId,
    before: Option<ExportId>,
    limit: i64,
) -> Result<Vec<Export>, ExportError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: ExportId"
        FROM exports
        WHERE org_id = $1
          AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC
        LIMIT $3
        "#,
        org.0,
        before.map(|it| it.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    read(conn, &ids).await
}

/// Exports that a person asked for, newest first, before `before`.
pub async fn page_of(
    conn: &mut PgConnection,
    person: UserId,
    before: Option<ExportId>,
    limit: i64,
) -> Result<Vec<Export>, ExportError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: ExportId"
        FROM exports
        WHERE requested_by = $1
          AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC
        LIMIT $3
        "#,
        person.0,
        before.map(|it| it.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    read(conn, &ids).await
}

/// Notes that the export is being made; also after a failure, when somebody retries its job.
pub async fn begin(conn: &mut PgConnection, id: ExportId) -> Result<(), ExportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE exports
        SET status = 'running', failure = NULL
        WHERE id = $1
          AND status IN ('queued', 'running', 'failed', 'cancelled')
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ExportError::NotOpen(id)) }
}

/// Notes the finished file, which is kept for `keep_days` from now.
pub async fn finish(
    conn: &mut PgConnection,
    id: ExportId,
    object_key: &str,
    rows: i64,
    keep_days: i32,
) -> Result<(), ExportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE exports
        SET status = 'ready', object_key = $2, row_count = $3, failure = NULL, finished_at = clock_timestamp(),
            expires_at = clock_timestamp() + make_interval(days => $4)
        WHERE id = $1
          AND status = 'running'
        "#,
        id.0,
        object_key,
        rows,
        keep_days,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ExportError::NotOpen(id)) }
}

/// Notes that the export cannot be made.
pub async fn fail(conn: &mut PgConnection, id: ExportId, reason: &str) -> Result<(), ExportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE exports
        SET status = 'failed', failure = $2, finished_at = clock_timestamp()
        WHERE id = $1
          AND status IN ('queued', 'running')
        "#,
        id.0,
        reason,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ExportError::NotOpen(id)) }
}

/// The exports whose files have expired but still exist, oldest first.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<(ExportId, String)>, ExportError> {
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id: ExportId", object_key AS "object_key!"
        FROM exports
        WHERE status = 'ready'
          AND expires_at <= clock_timestamp()
        ORDER BY expires_at
        LIMIT $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.object_key)).collect())
}

/// Notes that the file is gone.
pub async fn expire(conn: &mut PgConnection, id: ExportId) -> Result<(), ExportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE exports
        SET status = 'expired', object_key = NULL
        WHERE id = $1
          AND status = 'ready'
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ExportError::NotOpen(id)) }
}
