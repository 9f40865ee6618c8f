//! Reports that people ask for.

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::JobId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ReportError;
use crate::ids::ReportId;
use crate::reports::model::{Format, Kind, NewReport};

/// A report to store, and the job that makes it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub id: ReportId,
    pub job: JobId,
    pub report: &'a NewReport,
}

/// The columns of the statement.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    jobs: Vec<i64>,
    orgs: Vec<Uuid>,
    people: Vec<Option<Uuid>>,
    kinds: Vec<Kind>,
    formats: Vec<Format>,
    zones: Vec<&'static str>,
    first_days: Vec<NaiveDate>,
    last_days: Vec<NaiveDate>,
    starts: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
}

/// Stores reports, all or none, and returns when; `None` if there are none. Organisations are locked in the order of their ids.
pub async fn insert_asked(conn: &mut PgConnection, asked: &[Asked<'_>]) -> Result<Option<DateTime<Utc>>, ReportError> {
    if asked.is_empty() {
        return Ok(None);
    }
    let mut ordered: Vec<_> = asked.iter().collect();
    ordered.sort_by_key(|asked| asked.report.org);
    let mut rows = Columns::default();
    for Asked { id, job, report } in ordered {
        let period = &report.period;
        rows.ids.push(id.0);
        rows.jobs.push(job.0);
        rows.orgs.push(report.org.0);
        rows.people.push(report.requested_by.map(|person| person.0));
        rows.kinds.push(report.kind);
        rows.formats.push(report.format);
        rows.zones.push(period.zone().name());
        rows.first_days.push(period.first_day());
        rows.last_days.push(period.last_day());
        rows.starts.push(period.starts_at());
        rows.ends.push(period.ends_at());
    }
    let stored = sqlx::query_scalar!(
        r#"
        INSERT INTO reports (id, job_id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at)
        SELECT id, job_id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at
        FROM unnest(
            $1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::date[], $9::date[],
            $10::timestamptz[], $11::timestamptz[]
        ) WITH ORDINALITY AS asked (
            id, job_id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at, place
        )
        ORDER BY place
        RETURNING created_at
        "#,
        &rows.ids,
        &rows.jobs,
        &rows.orgs,
        &rows.people as &[Option<Uuid>],
        &rows.kinds as &[Kind],
        &rows.formats as &[Format],
        &rows.zones as &[&str],
        &rows.first_days,
        &rows.last_days,
        &rows.starts,
        &rows.ends,
    )
    .fetch_all(conn)
    .await
    .map_err(ReportError::of_write)?;
    Ok(stored.first().copied())
}
