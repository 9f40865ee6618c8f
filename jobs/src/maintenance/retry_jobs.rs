use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::ops::Actor;
use queue::ops::list::JobFilter;
use queue::ops::retry::given_up;
use queue::{EnqueueError, Job, Kind, Queue, Retry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::ids::UserId;
use sqlx::PgConnection;

use super::{Asked, Wanted, actor_of, ask};
use crate::queues;

/// Retries the dead (or, if the filter says so, cancelled) jobs that match a filter, oldest first,
/// in small batches.
/// A second run goes on where the first one ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryJobs {
    pub matching: JobFilter,
    /// They become due one by one at this rate; `None`: all at once.
    pub per_second: Option<f64>,
    /// The most jobs to retry; `None`: all.
    pub limit: Option<u64>,
    /// Jobs that end later, such as one of these that dies again, are left alone.
    pub asked_at: DateTime<Utc>,
    /// `None`: on the command line.
    pub asked_by: Option<UserId>,
    /// How many there were at that time, up to the limit.
    pub counted: u64,
}

impl RetryJobs {
    /// Counts the jobs that match and enqueues the job that retries them. Cancelling that job stops
    /// it.
    pub async fn ask(
        conn: &mut PgConnection,
        matching: JobFilter,
        per_second: Option<f64>,
        limit: Option<u64>,
        actor: Actor,
    ) -> Result<Asked, EnqueueError> {
        let given_up = given_up(&matching);
        let most = limit.unwrap_or(u64::MAX);
        let wanted = Wanted { fitting: given_up.as_ref(), most, actor, action: "job.retry_many" };
        let made = |asked_at, counted| Self { matching, per_second, limit, asked_at, asked_by: actor.user(), counted };
        let said = |this: &Self| json!({"matching": this.matching, "per_second": per_second, "limit": limit});
        ask(conn, wanted, made, said).await
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
