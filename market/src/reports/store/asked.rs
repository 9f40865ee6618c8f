//! Reports that people ask for.

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::JobId;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::ReportError;
use crate::ids::{CategoryId, RegionId, ReportId};
use crate::reports::model::{Format, Kind, NewReport, Parameters};

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
    parameters: Vec<Json<Parameters>>,
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
        rows.parameters.push(Json(report.parameters));
    }
    let stored = sqlx::query_scalar!(
        r#"
        INSERT INTO reports (
            id, job_id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at, parameters
        )
        SELECT id, job_id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at, parameters
        FROM unnest(
            $1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::date[], $9::date[],
            $10::timestamptz[], $11::timestamptz[], $12::jsonb[]
        ) WITH ORDINALITY AS asked (
            id, job_id, org_id, requested_by, kind, format, zone, first_day, last_day, starts_at, ends_at, parameters, place
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
        &rows.parameters as &[Json<Parameters>],
    )
    .fetch_all(conn)
    .await
    .map_err(ReportError::of_write)?;
    Ok(stored.first().copied())
}

/// Refuses categories and regions that do not exist.
pub async fn known(conn: &mut PgConnection, parameters: &Parameters) -> Result<(), ReportError> {
    let Parameters { category, region, .. } = parameters;
    if category.is_none() && region.is_none() {
        return Ok(());
    }
    let found = sqlx::query!(
        r#"
        SELECT
            EXISTS (SELECT FROM categories WHERE id = $1) AS "category!",
            EXISTS (SELECT FROM regions WHERE id = $2) AS "region!"
        "#,
        category.map(|CategoryId(id)| id),
        region.map(|RegionId(id)| id),
    )
    .fetch_one(conn)
    .await?;
    if category.is_some() && !found.category {
        return Err(ReportError::UnknownCategory);
    }
    if region.is_some() && !found.region { Err(ReportError::UnknownRegion) } else { Ok(()) }
}
