//! `job:<id>`: how a job is getting on.
//!
//! The ledger is written tens of thousands of times a second and publishes nothing. What clients watch is little: this process
//! reads the watched rows a few times a second, in one statement, and tells what changed.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use market::identity::PlatformRole;
use queue::ops::JobState;
use serde::Serialize;
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use shared::realtime::Event;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::topics::{Carries, Snapshot, Topic};
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::Result;

const EVERY: Duration = Duration::from_millis(250);
const PREFIX: &str = "job:";

/// What a job's owner sees of it: the result, but neither the payload nor the errors, which are for operators.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct JobView {
    id: JobId,
    kind: String,
    state: JobState,
    /// How many attempts have begun.
    attempt: i32,
    /// Percent.
    progress: Option<i16>,
    progress_text: Option<String>,
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    tenant: Option<OrgId>,
    #[serde(skip)]
    epoch: i32,
}

impl JobView {
    /// Rises with every change that is shown: the hand-over, the place in its life, the progress.
    fn seq(&self) -> i64 {
        let place = match self.state {
            JobState::Queued => 1,
            JobState::Running => 2,
            // Before its first hand-over, or back from one.
            JobState::Scheduled | JobState::Available if self.epoch == 0 => 0,
            JobState::Scheduled | JobState::Available => 3,
            JobState::Succeeded | JobState::Cancelled | JobState::Dead => 4,
        };
        let progress = if place >= 2 { i64::from(self.progress.unwrap_or(0)) } else { 0 };
        i64::from(self.epoch) * 1_000 + place * 200 + progress
    }

    fn data(&self) -> Value {
        // Text, numbers and JSON always serialise.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Reads the jobs that exist.
pub(crate) async fn read(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<JobView>, sqlx::Error> {
    sqlx::query_as!(
        JobView,
        r#"
        SELECT
            id AS "id: JobId", kind, state AS "state: JobState", attempt, progress, progress_text, result, created_at,
            finished_at, tenant AS "tenant: OrgId", epoch
        FROM jobs
        WHERE id = ANY ($1)
        "#,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// The job, if the caller may see it: its organisation's members, and who looks after the queues.
pub(crate) async fn visible(
    conn: &mut PgConnection,
    caller: &Caller,
    id: JobId,
) -> Result<Option<JobView>, sqlx::Error> {
    let job = read(conn, &[id.0]).await?.pop();
    Ok(job.filter(|job| {
        caller.platform(PlatformRole::Observer).is_ok() || job.tenant.is_some_and(|org| caller.belongs_to(org))
    }))
}

/// A job's owner watches it, and who looks after the queues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobTopic;

impl Topic for JobTopic {
    fn prefix(&self) -> &'static str {
        "job"
    }

    fn carries(&self) -> Carries {
        Carries::Reading
    }

    fn snapshot<'a>(
        &'a self,
        state: &'a AppState,
        caller: &'a Caller,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Snapshot>>> {
        Box::pin(async move {
            let Ok(id) = id.parse() else { return Ok(None) };
            let job = visible(&mut *state.db.acquire().await?, caller, JobId(id)).await?;
            Ok(job.map(|job| Snapshot { seq: job.seq(), data: job.data() }))
        })
    }
}

/// Tells the sockets of this process what changed in the jobs that they watch.
pub(super) async fn watch(state: AppState) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut known: HashMap<i64, JobView> = HashMap::new();
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = state.shutdown.cancelled() => return,
        }
        let ids: Vec<i64> =
            state.hub.watched(PREFIX).iter().filter_map(|topic| topic.strip_prefix(PREFIX)?.parse().ok()).collect();
        known.retain(|id, _| ids.contains(id));
        if ids.is_empty() {
            continue;
        }
        let rows = async { read(&mut *state.db.acquire().await?, &ids).await };
        match rows.await {
            Ok(rows) => {
                for job in rows {
                    let before = known.insert(job.id.0, job.clone());
                    if before.as_ref() != Some(&job) {
                        let (topic, kind) = (format!("{PREFIX}{}", job.id), "changed".to_owned());
                        state.hub.deliver(Event { topic, seq: job.seq(), kind, data: job.data() });
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "watched jobs were not read"),
        }
    }
}
