//! Jobs by filter, newest first; how many there are; dead ones grouped by what killed them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::ids::{JobId, OrgId};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::JobState;
pub use super::filter::JobFilter;
use super::filter::by_index;
use crate::job::Priority;

/// How many rows one page may look at. Where more are in a state than this, the page walks along the ids: a rare match further
/// back is on a later page, and the page says where to go on.
const SCAN: i64 = 100_000;

/// What a list shows of a job.
pub(super) const COLUMNS: &str = "id, state, kind, queue, priority, tenant, attempt, created_at, run_at, queued_at, started_at, finished_at, \
                       cancel_at, progress, progress_text, left(error, 300) AS error, fingerprint";

/// A job in a list.
#[derive(Clone, Debug, Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct JobLine {
    #[schema(value_type = i64)]
    pub id: JobId,
    pub state: JobState,
    pub kind: String,
    pub queue: String,
    pub priority: Priority,
    #[schema(value_type = Option<uuid::Uuid>)]
    pub tenant: Option<OrgId>,
    /// How many attempts have begun.
    pub attempt: i32,
    pub created_at: DateTime<Utc>,
    pub run_at: DateTime<Utc>,
    pub queued_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// When somebody asked a running job to stop.
    pub cancel_at: Option<DateTime<Utc>>,
    /// Percent.
    pub progress: Option<i16>,
    pub progress_text: Option<String>,
    /// The first 300 characters of the last error.
    pub error: Option<String>,
    pub fingerprint: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct JobPage {
    /// Newest first. May be shorter than asked for, even empty, while `next` is set: go on there.
    pub jobs: Vec<JobLine>,
    /// Pass as `before` to get the next page; `None`: that was all.
    #[schema(value_type = Option<i64>)]
    pub next: Option<JobId>,
}

/// Lists up to `limit` jobs (at least 1, at most 1,000) with ids below `before`, newest first.
pub async fn list(
    conn: &mut PgConnection,
    filter: &JobFilter,
    before: Option<JobId>,
    limit: u32,
) -> Result<JobPage, sqlx::Error> {
    let limit = limit.clamp(1, 1_000);
    let before = before.map_or(i64::MAX, |id| id.0);
    let mut tx = by_index(conn).await?;
    let (mut sql, floor) = if is_small(&mut tx, filter).await? {
        (by_state(filter, before, limit), None)
    } else {
        let floor = floor(&mut tx, before).await?;
        (by_id(filter, before, floor, limit), floor)
    };
    let mut jobs: Vec<JobLine> = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let limit = limit as usize;
    let full = jobs.len() > limit;
    jobs.truncate(limit);
    let next = if full { jobs.last().map(|job| job.id) } else { floor.map(JobId) };
    Ok(JobPage { jobs, next })
}

/// Whether the indexes of the wanted states hold so few rows that one page may look at all of them.
async fn is_small(conn: &mut PgConnection, filter: &JobFilter) -> Result<bool, sqlx::Error> {
    if filter.wanted().contains(&JobState::Succeeded) {
        return Ok(false);
    }
    let most: i64 = small(filter).build_query_scalar().fetch_one(conn).await?;
    Ok(most <= SCAN)
}

pub(super) fn small(filter: &JobFilter) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT greatest(");
    for (place, &state) in filter.wanted().iter().enumerate() {
        sql.push(if place > 0 { ", " } else { "" });
        sql.push("(SELECT count(*) FROM (SELECT FROM jobs WHERE ");
        filter.push_indexed(&mut sql, state);
        sql.push(" LIMIT ").push_bind(SCAN + 1).push(") AS few)");
    }
    sql.push(")");
    sql
}

/// A page from the indexes of the wanted states.
pub(super) fn by_state(filter: &JobFilter, before: i64, limit: u32) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("SELECT * FROM (");
    for (place, &state) in filter.wanted().iter().enumerate() {
        sql.push(if place > 0 { " UNION ALL " } else { "" });
        // The offset keeps the order out: to have it for nothing, the planner would walk along the ids of the whole ledger.
        sql.push(format_args!("(SELECT * FROM (SELECT {COLUMNS} FROM jobs WHERE "));
        filter.push(&mut sql, state);
        sql.push(" AND id < ").push_bind(before).push(" OFFSET 0) AS found ORDER BY id DESC LIMIT ");
        sql.push_bind(i64::from(limit) + 1).push(")");
    }
    sql.push(") AS found ORDER BY id DESC LIMIT ").push_bind(i64::from(limit) + 1);
    sql
}

/// A page from a stretch of the ledger.
pub(super) fn by_id(filter: &JobFilter, before: i64, floor: Option<i64>, limit: u32) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(format!("SELECT {COLUMNS} FROM jobs WHERE id < "));
    sql.push_bind(before);
    if let Some(floor) = floor {
        sql.push(" AND id >= ").push_bind(floor);
    }
    if !filter.states.is_empty() {
        // As text: the index of a state would not keep to the stretch.
        let states: Vec<&str> = filter.states.iter().map(|state| state.name()).collect();
        sql.push(" AND state::text = ANY (").push_bind(states).push(")");
    }
    filter.push_fields(&mut sql);
    sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit) + 1);
    sql
}

/// Counts the jobs that fit and are not finished, or are dead or cancelled. Succeeded ones are not counted: they have no index.
pub async fn count(conn: &mut PgConnection, filter: &JobFilter) -> Result<i64, sqlx::Error> {
    let mut tx = by_index(conn).await?;
    let count = match counting(filter) {
        Some(mut sql) => sql.build_query_scalar().fetch_one(&mut *tx).await?,
        None => 0,
    };
    tx.commit().await?;
    Ok(count)
}

pub(super) fn counting(filter: &JobFilter) -> Option<QueryBuilder<Postgres>> {
    let mut sql = QueryBuilder::new("SELECT ");
    let mut separated = false;
    for &state in filter.wanted().iter().filter(|state| **state != JobState::Succeeded) {
        sql.push(if separated { " + " } else { "" });
        separated = true;
        sql.push("(SELECT count(*) FROM jobs WHERE ");
        filter.push(&mut sql, state);
        sql.push(")");
    }
    separated.then_some(sql)
}

/// The lowest id that a page below `before` may look at; `None` when it may look at all that are left.
async fn floor(conn: &mut PgConnection, before: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT id
        FROM jobs
        WHERE id < $1
        ORDER BY id DESC
        OFFSET $2
        LIMIT 1
        "#,
        before,
        SCAN,
    )
    .fetch_optional(conn)
    .await
}

/// How many jobs of a queue are in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StateCount {
    pub queue: String,
    pub state: JobState,
    pub jobs: i64,
}

/// Counts open and dead jobs by queue and state; each state is counted through its own small index.
pub async fn counts(conn: &mut PgConnection) -> Result<Vec<StateCount>, sqlx::Error> {
    let mut tx = by_index(conn).await?;
    let found = sqlx::query_as!(
        StateCount,
        r#"
        SELECT queue AS "queue!", state AS "state!: JobState", count(*) AS "jobs!"
        FROM (
            SELECT queue, state FROM jobs WHERE state = 'scheduled'
            UNION ALL
            SELECT queue, state FROM jobs WHERE state = 'available'
            UNION ALL
            SELECT queue, state FROM jobs WHERE state IN ('queued', 'running')
            UNION ALL
            SELECT queue, state FROM jobs WHERE state = 'dead'
        ) AS counted
        GROUP BY queue, state
        ORDER BY queue, state
        "#,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(found)
}

/// [`counts`] with the succeeded and cancelled jobs as well. Reads the whole ledger: for reports, not for a page.
pub async fn counts_of_all(conn: &mut PgConnection) -> Result<Vec<StateCount>, sqlx::Error> {
    sqlx::query_as!(
        StateCount,
        r#"
        SELECT queue, state AS "state: JobState", count(*) AS "jobs!"
        FROM jobs
        GROUP BY queue, state
        ORDER BY queue, state
        "#,
    )
    .fetch_all(conn)
    .await
}

/// Dead jobs that died of the same error.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DeadGroup {
    pub fingerprint: Option<String>,
    pub kind: String,
    pub queue: String,
    pub jobs: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    /// The newest of them, and its error.
    #[schema(value_type = i64)]
    pub last_job: JobId,
    pub error: Option<String>,
}

/// Groups the dead jobs by fingerprint, kind and queue, the biggest group first; at most `limit` groups.
pub async fn dead_groups(conn: &mut PgConnection, limit: u32) -> Result<Vec<DeadGroup>, sqlx::Error> {
    let mut tx = by_index(conn).await?;
    let found = sqlx::query_as!(
        DeadGroup,
        r#"
        SELECT dead.fingerprint, dead.kind AS "kind!", dead.queue AS "queue!", dead.jobs AS "jobs!",
               dead.first_at AS "first_at!", dead.last_at AS "last_at!", last.id AS "last_job: JobId",
               left(last.error, 300) AS error
        FROM (
            SELECT fingerprint, kind, queue, count(*) AS jobs, min(finished_at) AS first_at, max(finished_at) AS last_at,
                   max(id) AS last_job
            FROM jobs
            WHERE state = 'dead'
            GROUP BY fingerprint, kind, queue
        ) AS dead
        JOIN jobs AS last ON last.id = dead.last_job
        ORDER BY dead.jobs DESC, last.id DESC
        LIMIT $1
        "#,
        i64::from(limit),
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(found)
}

#[cfg(test)]
mod tests;
