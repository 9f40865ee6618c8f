use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::ops::Actor;
use queue::ops::cancel::open;
use queue::ops::list::JobFilter;
use queue::{EnqueueError, Job, Kind, Queue, Retry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::ids::UserId;
use sqlx::PgConnection;

use super::{Asked, Wanted, actor_of, ask};
use crate::queues;

/// Cancels the open jobs that match a filter, in small batches: waiting ones at once, running ones
/// by asking their workers.
/// A second run goes on where the first one ended; what has been cancelled no longer matches.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelJobs {
    pub matching: JobFilter,
    /// Jobs enqueued later are left alone.
    pub asked_at: DateTime<Utc>,
    /// `None`: on the command line.
    pub asked_by: Option<UserId>,
    /// How many there were at that time.
    pub counted: u64,
}

impl CancelJobs {
    /// Counts the jobs that match and enqueues the job that cancels them. Cancelling that job stops
    /// it.
    pub async fn ask(conn: &mut PgConnection, matching: JobFilter, actor: Actor) -> Result<Asked, EnqueueError> {
        let open = open(&matching);
        let wanted = Wanted { fitting: open.as_ref(), most: u64::MAX, actor, action: "job.cancel_many" };
        let made = |asked_at, counted| Self { matching, asked_at, asked_by: actor.user(), counted };
        ask(conn, wanted, made, |this| json!({"matching": this.matching})).await
    }

    /// Who asked for it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        actor_of(self.asked_by)
    }
}

impl Job for CancelJobs {
    const KIND: Kind = Kind::new("jobs.cancel");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_secs(5)).max_attempts(10);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const PRIORITY: queue::Priority = queue::Priority::High;
}
