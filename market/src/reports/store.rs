//! Statements on `reports`, and on the organisations that reports are scheduled for. What reports are made of, their definitions read.

mod asked;
mod due;
mod replica;
mod subscriptions;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use shared::ids::{JobId, OrgId, UserId};
use shared::invalid::violated;
use shared::money::{Currency, Money, MoneyError};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::model::{Format, Kind, NewReport, Parameters, Report, Status};
use super::rules::{Period, PeriodError};
use super::table::Sum;
use crate::ids::{ReportId, ReportSubscriptionId};

pub use asked::{Asked, insert_asked, known};
pub use due::{Due, approved, now, owners, readers_locale};
pub use replica::{begin_reading, has_all_until};
pub use subscriptions::{
    Subscribed, note_requested, subscribe, subscribed, subscription, subscriptions, threshold, unsubscribe,
};

/// The most reports that an organisation's people may have asked for and that are not finished, as the table's rule says.
pub const MAX_OPEN: u32 = 20;
/// The most characters kept of a failure's text.
const MAX_FAILURE: usize = 1000;

/// What people see of a report whose job has given up.
pub const GIVEN_UP: &str = "The report could not be made. Our operators can see why.";

/// Why a report was not stored, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("report {0} does not exist")]
    NotFound(ReportId),
    /// Another run has finished it.
    #[error("report {0} is not open")]
    NotOpen(ReportId),
    #[error("{MAX_OPEN} reports of this organisation are being made")]
    TooManyOpen,
    #[error("500 reports of this organisation were asked for within a day")]
    TooManyToday,
    #[error("there is no such subscription")]
    NoSubscription,
    #[error("a person subscribes to at most 50 reports: end one first")]
    TooManySubscriptions,
    #[error("the organisation does not exist")]
    NoSuchOrg,
    #[error("no category has this id")]
    UnknownCategory,
    #[error("no region has this id")]
    UnknownRegion,
    #[error("stored zone {0:?} is not known")]
    UnknownZone(String),
    #[error(transparent)]
    Period(#[from] PeriodError),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl ReportError {
    fn of_write(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("reports_org_exists") => Self::NoSuchOrg,
            Some("reports_unfinished") => Self::TooManyOpen,
            Some("reports_per_day") => Self::TooManyToday,
            _ => Self::Sql(error),
        }
    }
}

/// Stores a report to make. `None`: the schedule has already requested this period's report.
pub async fn insert(conn: &mut PgConnection, report: &NewReport) -> Result<Option<ReportId>, ReportError> {
    let id = ReportId::generate();
    let period = &report.period;
    let inserted = sqlx::query!(
        r#"
        INSERT INTO reports (id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at, parameters, subscription_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (org_id, kind, first_day, last_day, format) WHERE requested_by IS NULL DO NOTHING
        "#,
        id.0,
        report.org.0,
        report.requested_by.map(|it| it.0),
        report.kind as Kind,
        report.format as Format,
        period.zone().name(),
        period.first_day(),
        period.last_day(),
        period.starts_at(),
        period.ends_at(),
        Json(report.parameters) as Json<Parameters>,
        report.subscription.map(|it| it.0),
    )
    .execute(conn)
    .await
    .map_err(ReportError::of_write)?;
    Ok((inserted.rows_affected() == 1).then_some(id))
}

/// Notes which job makes the report.
pub async fn set_job(conn: &mut PgConnection, id: ReportId, job: JobId) -> Result<(), ReportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE reports
        SET job_id = $2
        WHERE id = $1
        "#,
        id.0,
        job.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ReportError::NotFound(id)) }
}

/// Reads a report with its sums.
///
/// A report whose job was cancelled or has given up is shown as such. Its row stays open: the job
/// may be retried.
pub async fn get(conn: &mut PgConnection, id: ReportId) -> Result<Report, ReportError> {
    let row = sqlx::query!(
        r#"
        SELECT
            r.org_id, o.legal_name, r.requested_by, r.subscription_id AS "subscription: ReportSubscriptionId", r.kind AS "kind: Kind", r.format AS "format: Format", r.zone,
            r.first_day, r.last_day, r.parameters AS "parameters: Json<Parameters>", r.failure, r.job_id, r.object_key, r.row_count,
            r.created_at, r.expires_at,
            CASE
                WHEN r.status NOT IN ('queued', 'running') OR r.job_id IS NULL OR j.state < 'succeeded' THEN r.status
                WHEN j.state = 'cancelled' THEN 'cancelled'
                ELSE 'failed'
            END AS "status!: Status"
        FROM reports AS r
        JOIN orgs AS o ON o.id = r.org_id
        LEFT JOIN jobs AS j ON j.id = r.job_id
        WHERE r.id = $1
        "#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ReportError::NotFound(id))?;
    let zone: Tz = row.zone.parse().map_err(|_| ReportError::UnknownZone(row.zone))?;
    Ok(Report {
        id,
        org: OrgId(row.org_id),
        org_name: row.legal_name,
        requested_by: row.requested_by.map(UserId),
        subscription: row.subscription,
        kind: row.kind,
        format: row.format,
        period: Period::new(row.first_day, row.last_day, zone)?,
        parameters: row.parameters.0,
        status: row.status,
        failure: row.failure.or_else(|| (row.status == Status::Failed).then(|| GIVEN_UP.to_owned())),
        job: row.job_id.map(JobId),
        object_key: row.object_key,
        row_count: row.row_count,
        sums: sums(conn, id).await?,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}

async fn sums(conn: &mut PgConnection, id: ReportId) -> Result<Vec<Sum>, ReportError> {
    let rows = sqlx::query!(
        r#"
        SELECT section, name, currency AS "currency: Currency", row_count, amount_minor
        FROM report_sums
        WHERE report_id = $1
        ORDER BY place
        "#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    let sum = rows.into_iter().map(|row| Sum {
        section: row.section,
        column: row.name,
        rows: row.row_count,
        amount: Money::from_minor(row.amount_minor, row.currency),
    });
    Ok(sum.collect())
}

/// An organisation's reports of these kinds, newest first, before `before`.
pub async fn page(
    conn: &mut PgConnection,
    org: OrgId,
    kinds: &[Kind],
    before: Option<ReportId>,
    limit: i64,
) -> Result<Vec<Report>, ReportError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id
        FROM reports
        WHERE org_id = $1
          AND ($2::uuid IS NULL OR id < $2)
          AND kind = ANY ($3)
        ORDER BY id DESC
        LIMIT $4
        "#,
        org.0,
        before.map(|it| it.0),
        kinds as &[Kind],
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut reports = Vec::with_capacity(ids.len());
    for id in ids {
        reports.push(get(conn, ReportId(id)).await?);
    }
    Ok(reports)
}

/// Notes that the report is being made; also after a failure, when somebody retries its job.
pub async fn begin(conn: &mut PgConnection, id: ReportId) -> Result<(), ReportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE reports
        SET status = 'running', failure = NULL
        WHERE id = $1
          AND status IN ('queued', 'running', 'failed')
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ReportError::NotOpen(id)) }
}

/// A finished file and its figures.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    pub object_key: &'a str,
    pub rows: i64,
    pub sums: &'a [Sum],
    pub keep_days: i32,
}

/// Notes the finished file and its figures. The file is kept for `keep_days` from now. Returns when
/// it expires.
pub async fn finish(
    conn: &mut PgConnection,
    id: ReportId,
    finished: Finished<'_>,
) -> Result<DateTime<Utc>, ReportError> {
    let expires_at = sqlx::query_scalar!(
        r#"
        UPDATE reports
        SET status = 'ready', object_key = $2, row_count = $3, failure = NULL, finished_at = clock_timestamp(),
            expires_at = clock_timestamp() + make_interval(days => $4)
        WHERE id = $1
          AND status = 'running'
        RETURNING expires_at AS "expires_at!"
        "#,
        id.0,
        finished.object_key,
        finished.rows,
        finished.keep_days,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ReportError::NotOpen(id))?;
    let sums = finished.sums;
    let sections: Vec<&str> = sums.iter().map(|it| it.section.as_str()).collect();
    let names: Vec<&str> = sums.iter().map(|it| it.column.as_str()).collect();
    let currencies: Vec<&str> = sums.iter().map(|it| it.amount.currency().code()).collect();
    let counts: Vec<i64> = sums.iter().map(|it| it.rows).collect();
    let amounts: Vec<i64> = sums.iter().map(|it| it.amount.minor()).collect();
    sqlx::query!(
        r#"
        INSERT INTO report_sums (report_id, place, section, name, currency, row_count, amount_minor)
        SELECT $1, place, section, name, currency, row_count, amount_minor
        FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
            AS sums (section, name, currency, row_count, amount_minor, place)
        "#,
        id.0,
        &sections as &[&str],
        &names as &[&str],
        &currencies as &[&str],
        &counts,
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(expires_at)
}

/// Notes why the report cannot be made.
pub async fn fail(conn: &mut PgConnection, id: ReportId, reason: &str) -> Result<(), ReportError> {
    let reason: String = reason.chars().take(MAX_FAILURE).collect();
    let updated = sqlx::query!(
        r#"
        UPDATE reports
        SET status = 'failed', failure = $2, finished_at = clock_timestamp()
        WHERE id = $1
          AND status IN ('queued', 'running')
        "#,
        id.0,
        reason,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ReportError::NotOpen(id)) }
}

/// The reports whose files have expired but still exist, oldest first.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<(ReportId, String)>, ReportError> {
    let rows = sqlx::query!(
        r#"
        SELECT id, object_key AS "object_key!"
        FROM reports
        WHERE status = 'ready'
          AND expires_at <= clock_timestamp()
        ORDER BY expires_at
        LIMIT $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (ReportId(row.id), row.object_key)).collect())
}

/// Notes that the file is gone.
pub async fn expire(conn: &mut PgConnection, id: ReportId) -> Result<(), ReportError> {
    let updated = sqlx::query!(
        r#"
        UPDATE reports
        SET status = 'expired', object_key = NULL
        WHERE id = $1
          AND status = 'ready'
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ReportError::NotOpen(id)) }
}
