//! Jobs by filter, newest first; how many there are; dead ones grouped by what killed them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;

use super::JobState;
use crate::job::Priority;

/// How many finished rows one page may look at. Finished jobs have no index by kind or error: a rare match further back is on
/// a later page, and the page says where to go on.
const SCAN: i64 = 100_000;

/// Which jobs. Everything that is set must fit; the default fits every job.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Any of these; empty: all.
    pub states: Vec<JobState>,
    pub kind: Option<String>,
    pub queue: Option<String>,
    pub tenant: Option<OrgId>,
    pub fingerprint: Option<String>,
    /// Part of the last error, in any case.
    pub error: Option<String>,
    pub created_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub created_until: Option<DateTime<Utc>>,
}

impl JobFilter {
    /// Jobs in one of these states.
    #[must_use]
    pub fn states(states: impl Into<Vec<JobState>>) -> Self {
        Self { states: states.into(), ..Self::default() }
    }

    pub(super) fn states_or_none(&self) -> Option<&[JobState]> {
        (!self.states.is_empty()).then_some(self.states.as_slice())
    }

    /// Whether rows without an index of their own may have to be looked at.
    fn looks_at_finished(&self) -> bool {
        self.states.is_empty() || self.states.iter().any(|s| matches!(s, JobState::Succeeded | JobState::Cancelled))
    }
}

/// A job in a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
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
    let floor = if filter.looks_at_finished() { floor(conn, before).await? } else { None };
    let mut jobs = sqlx::query_as!(
        JobLine,
        r#"
        SELECT id AS "id: JobId", state AS "state: JobState", kind, queue, priority AS "priority: Priority",
               tenant AS "tenant: OrgId", attempt, created_at, run_at, queued_at, started_at, finished_at, cancel_at,
               progress, progress_text, left(error, 300) AS error, fingerprint
        FROM jobs
        WHERE id < $1
          AND ($2::bigint IS NULL OR id >= $2)
          AND ($3::job_state[] IS NULL OR state = ANY ($3))
          AND ($4::text IS NULL OR kind = $4)
          AND ($5::text IS NULL OR queue = $5)
          AND ($6::uuid IS NULL OR tenant = $6)
          AND ($7::text IS NULL OR fingerprint = $7)
          AND ($8::text IS NULL OR position(lower($8) IN lower(error)) > 0)
          AND ($9::timestamptz IS NULL OR created_at >= $9)
          AND ($10::timestamptz IS NULL OR created_at < $10)
        ORDER BY id DESC
        LIMIT $11
        "#,
        before,
        floor,
        filter.states_or_none() as Option<&[JobState]>,
        filter.kind.as_deref(),
        filter.queue.as_deref(),
        filter.tenant.map(|org| org.0),
        filter.fingerprint.as_deref(),
        filter.error.as_deref(),
        filter.created_from,
        filter.created_until,
        i64::from(limit) + 1,
    )
    .fetch_all(conn)
    .await?;
    let limit = limit as usize;
    let full = jobs.len() > limit;
    jobs.truncate(limit);
    let next = if full { jobs.last().map(|job| job.id) } else { floor.map(JobId) };
    Ok(JobPage { jobs, next })
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
    sqlx::query_as!(
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
    .fetch_all(conn)
    .await
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
    sqlx::query_as!(
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
    .fetch_all(conn)
    .await
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bed, insert};
    use super::*;

    async fn ids(bed: &mut Bed, filter: &JobFilter) -> Vec<JobId> {
        list(&mut bed.conn, filter, None, 50).await.unwrap().jobs.into_iter().map(|job| job.id).collect()
    }

    #[tokio::test]
    async fn every_part_of_a_filter_narrows_the_list() {
        let mut bed = Bed::new().await;
        let org = OrgId(uuid::Uuid::from_u128(7));
        let mut all = Vec::new();
        for state in JobState::ALL {
            all.push(insert(&mut bed.conn, "emails", state).await);
        }
        let last = *all.last().unwrap();
        bed.set(last, &format!("kind = 't.other', tenant = '{org}', fingerprint = 'f1', error = '100% Full'")).await;
        bed.set(last, "created_at = '2020-01-02'").await;
        let reports = insert(&mut bed.conn, "reports", JobState::Dead).await;
        let newest_first: Vec<_> = std::iter::once(reports).chain(all.iter().rev().copied()).collect();
        let any = JobFilter::default;
        assert_eq!(ids(&mut bed, &any()).await, newest_first);
        assert_eq!(ids(&mut bed, &JobFilter::states([JobState::Dead])).await, [reports, last]);
        assert_eq!(ids(&mut bed, &JobFilter::states(JobState::OPEN)).await, newest_first[4..]);
        let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
        for filter in [
            JobFilter { kind: Some("t.other".into()), ..any() },
            JobFilter { tenant: Some(org), ..any() },
            JobFilter { fingerprint: Some("f1".into()), ..any() },
            JobFilter { error: Some("0% fUL".into()), ..any() },
            JobFilter { created_until: at("2020-01-03T00:00:00Z"), ..any() },
            JobFilter { queue: Some("emails".into()), states: vec![JobState::Dead], ..any() },
        ] {
            assert_eq!(ids(&mut bed, &filter).await, [last], "{filter:?}");
        }
        let filter = JobFilter { created_from: at("2020-01-03T00:00:00Z"), ..any() };
        assert_eq!(ids(&mut bed, &filter).await.len(), 7);
        bed.close().await;
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_gaps() {
        let mut bed = Bed::new().await;
        let mut all = Vec::new();
        for _ in 0..5 {
            all.insert(0, insert(&mut bed.conn, "emails", JobState::Succeeded).await);
        }
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = list(&mut bed.conn, &JobFilter::default(), before, 2).await.unwrap();
            seen.extend(page.jobs.iter().map(|job| job.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        bed.close().await;
    }

    #[tokio::test]
    async fn a_rare_match_far_back_is_reached_page_by_page() {
        let mut bed = Bed::new().await;
        let rare = insert(&mut bed.conn, "emails", JobState::Cancelled).await;
        bed.sql(
            "INSERT INTO jobs (state, queue, kind, payload, run_at, finished_at)
             SELECT 'succeeded', 'emails', 't.send', '{}', now(), now() FROM generate_series(1, 100001)",
        )
        .await;
        let filter = JobFilter::states([JobState::Cancelled]);
        let first = list(&mut bed.conn, &filter, None, 10).await.unwrap();
        assert!(first.jobs.is_empty() && first.next.is_some());
        let second = list(&mut bed.conn, &filter, first.next, 10).await.unwrap();
        assert_eq!(second.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [rare]);
        assert_eq!(second.next, None);
        bed.close().await;
    }

    #[tokio::test]
    async fn counts_by_queue_and_state() {
        let mut bed = Bed::new().await;
        for state in JobState::ALL.into_iter().chain([JobState::Dead]) {
            insert(&mut bed.conn, "emails", state).await;
        }
        let count = |state, jobs| StateCount { queue: "emails".into(), state, jobs };
        let mut open: Vec<_> = JobState::OPEN.into_iter().map(|state| count(state, 1)).collect();
        open.push(count(JobState::Dead, 2));
        assert_eq!(counts(&mut bed.conn).await.unwrap(), open);
        assert_eq!(counts_of_all(&mut bed.conn).await.unwrap().iter().map(|c| c.jobs).sum::<i64>(), 8);
        bed.close().await;
    }

    #[tokio::test]
    async fn dead_jobs_are_grouped_by_what_killed_them() {
        let mut bed = Bed::new().await;
        let mut last = JobId(0);
        for (fingerprint, error) in [("f1", "box 1"), ("f2", "other"), ("f1", "box 2")] {
            last = insert(&mut bed.conn, "emails", JobState::Dead).await;
            bed.set(last, &format!("fingerprint = '{fingerprint}', error = '{error}'")).await;
        }
        let groups = dead_groups(&mut bed.conn, 10).await.unwrap();
        let seen: Vec<_> = groups.iter().map(|g| (g.fingerprint.as_deref(), g.jobs)).collect();
        assert_eq!(seen, [(Some("f1"), 2), (Some("f2"), 1)]);
        assert_eq!((groups[0].last_job, groups[0].error.as_deref()), (last, Some("box 2")));
        bed.close().await;
    }
}
