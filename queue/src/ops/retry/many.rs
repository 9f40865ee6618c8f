//! Running many jobs again: which, at what rate, in small batches.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::super::filter::by_index;
use super::super::list::JobFilter;
use super::super::{JobState, OpsError};
use super::{Again, put_again, put_back, renew};
use crate::registry::Registry;

/// What became of a request to retry many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RetriedMany {
    pub retried: u64,
    /// Jobs that stay as they are because another job holds their key.
    pub conflicts: u64,
}

/// The filter for what [`retryable`] finds: dead jobs, or also cancelled ones when the filter says so. `None`: it names only
/// states in which nothing can be retried.
#[must_use]
pub fn given_up(filter: &JobFilter) -> Option<JobFilter> {
    let named = if filter.states.is_empty() { &[JobState::Dead][..] } else { filter.states.as_slice() };
    let given_up = |state: &JobState| matches!(state, JobState::Dead | JobState::Cancelled);
    let states: Vec<_> = named.iter().copied().filter(given_up).collect();
    (!states.is_empty()).then(|| JobFilter { states, ..filter.clone() })
}

/// The first `most` jobs after `after` that fit, oldest first, and that had ended at `asked_at`: one that is retried and ends the
/// same way again is not found again.
pub async fn retryable(
    conn: &mut PgConnection,
    filter: &JobFilter,
    asked_at: DateTime<Utc>,
    after: JobId,
    most: i64,
) -> Result<Vec<JobId>, sqlx::Error> {
    let mut tx = by_index(conn).await?;
    let found = match finding(filter, asked_at, after, most) {
        Some(mut sql) => sql.build_query_scalar().fetch_all(&mut *tx).await?,
        None => Vec::new(),
    };
    tx.commit().await?;
    Ok(found)
}

pub(in crate::ops) fn finding(
    filter: &JobFilter,
    asked_at: DateTime<Utc>,
    after: JobId,
    most: i64,
) -> Option<QueryBuilder<Postgres>> {
    let filter = given_up(filter)?;
    let mut sql = QueryBuilder::new("SELECT id FROM (");
    for (place, &state) in filter.states.iter().enumerate() {
        sql.push(if place > 0 { " UNION ALL " } else { "" }).push("(SELECT id FROM jobs WHERE ");
        filter.push(&mut sql, state);
        sql.push(" AND id > ").push_bind(after).push(" AND finished_at <= ").push_bind(asked_at);
        sql.push(" ORDER BY id LIMIT ").push_bind(most).push(")");
    }
    sql.push(") AS found ORDER BY id LIMIT ").push_bind(most);
    Some(sql)
}

/// When the jobs of a bulk retry become due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// `None`: all at once.
    pub per_second: Option<f64>,
    /// When the next one is due, if that is later than now.
    pub next_at: Option<DateTime<Utc>>,
}

impl Pace {
    /// How long after `now` the next one is due.
    fn take(&mut self, now: DateTime<Utc>) -> Duration {
        let Some(per_second) = self.per_second else { return Duration::ZERO };
        let at = self.next_at.map_or(now, |at| at.max(now));
        let gap = Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(MOST_APART).min(MOST_APART);
        self.next_at = Some(at + gap);
        (at - now).to_std().unwrap_or(Duration::ZERO)
    }
}

/// At the slowest rate there is, one a day.
const MOST_APART: Duration = Duration::from_hours(24);

/// Retries those of the jobs that are still dead or cancelled and that nobody holds at this instant, in the caller's transaction.
/// `by` is named in their logs.
pub async fn retry_these(
    conn: &mut PgConnection,
    registry: &Registry,
    jobs: &[JobId],
    pace: &mut Pace,
    by: &str,
) -> Result<RetriedMany, OpsError> {
    let ids: Vec<_> = jobs.iter().map(|job| job.0).collect();
    let rows = sqlx::query!(
        r#"
        SELECT id AS "id: JobId", kind, version, payload, unique_key, clock_timestamp() AS "now!"
        FROM jobs
        WHERE id = ANY ($1)
          AND state IN ('dead', 'cancelled')
        ORDER BY id
        FOR UPDATE SKIP LOCKED
        "#,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut done = RetriedMany::default();
    let mut free = Vec::new();
    for row in rows {
        let renewed = renew(registry, &row.kind, row.version, row.payload, row.unique_key, None)?;
        let mut next = *pace;
        let delay = next.take(row.now);
        if renewed.key.is_none() {
            free.push((row.id, renewed, delay));
            *pace = next;
            continue;
        }
        match put_again(conn, registry, row.id, &Again { payload: None, delay }, by).await {
            Ok(()) => {
                done.retried += 1;
                *pace = next;
            }
            Err(OpsError::Conflict { .. }) => done.conflicts += 1,
            Err(error) => return Err(error),
        }
    }
    done.retried += put_back(conn, &free).await?;
    let free: Vec<_> = free.iter().map(|(job, ..)| job.0).collect();
    sqlx::query!(
        r#"
        INSERT INTO job_logs (job, attempt, at, line)
        SELECT id, attempt, clock_timestamp(), $2
        FROM jobs
        WHERE id = ANY ($1)
        "#,
        &free,
        format!("retried by {by}"),
    )
    .execute(conn)
    .await?;
    Ok(done)
}

/// Checks the rate of a bulk retry.
pub fn check_rate(per_second: Option<f64>) -> Result<(), OpsError> {
    let slowest = 1.0 / MOST_APART.as_secs_f64();
    match per_second {
        Some(rate) if !(rate.is_finite() && rate >= slowest) => {
            Err(OpsError::Invalid { setting: "per_second", problem: "must be at least one a day" })
        }
        _ => Ok(()),
    }
}
