use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::ops::list::{JobFilter, count};
use queue::ops::retry::given_up;
use queue::ops::{self, Actor};
use queue::{Enqueue, EnqueueError, Job, Kind, Queue, Retry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::audit::{self, Entry};
use shared::ids::UserId;
use sqlx::{Connection, PgConnection};

use super::{Asked, actor_of};
use crate::queues;

/// Runs the dead (or, when the filter says so, cancelled) jobs that fit a filter again, oldest first, in small batches.
/// A second run goes on where the first one ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryJobs {
    pub matching: JobFilter,
    /// They become due one after the other at this rate; `None`: all at once.
    pub per_second: Option<f64>,
    /// The most jobs to retry; `None`: all.
    pub limit: Option<u64>,
    /// What ends later, such as one of them that dies again, is left alone.
    pub asked_at: DateTime<Utc>,
    /// `None`: on the command line.
    pub asked_by: Option<UserId>,
    /// How many there were then, up to the limit.
    pub counted: u64,
}

impl RetryJobs {
    /// Counts the jobs that fit and enqueues the job that retries them. Cancelling that job stops it.
    pub async fn ask(
        conn: &mut PgConnection,
        matching: JobFilter,
        per_second: Option<f64>,
        limit: Option<u64>,
        actor: Actor,
    ) -> Result<Asked, EnqueueError> {
        let mut tx = conn.begin().await?;
        let asked_at = ops::now(&mut tx).await?;
        let counted = match given_up(&matching) {
            Some(given_up) => count(&mut tx, &given_up).await?.unsigned_abs().min(limit.unwrap_or(u64::MAX)),
            None => 0,
        };
        let this = Self { matching, per_second, limit, asked_at, asked_by: actor.user(), counted };
        let job = Enqueue::new(&this).insert(&mut tx).await?.id();
        let data = json!({
            "job": job, "matching": this.matching, "per_second": per_second, "limit": limit, "counted": counted,
        });
        let entry = Entry { actor, action: "job.retry_many", subject: ("job", job.to_string()), data };
        audit::append(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(Asked { job, counted })
    }

    /// Who asked for it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        actor_of(self.asked_by)
    }
}

impl Job for RetryJobs {
    const KIND: Kind = Kind::new("jobs.retry");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_secs(5)).max_attempts(10);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const PRIORITY: queue::Priority = queue::Priority::High;
}
