use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::ops::cancel::open;
use queue::ops::list::{JobFilter, count};
use queue::ops::{self, Actor};
use queue::{Enqueue, EnqueueError, Job, Kind, Queue, Retry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::audit::{self, Entry};
use shared::ids::UserId;
use sqlx::{Connection, PgConnection};

use super::{Asked, actor_of};
use crate::queues;

/// Cancels the open jobs that fit a filter, in small batches: waiting ones at once, running ones by asking their workers.
/// A second run goes on where the first one ended; what is cancelled no longer fits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelJobs {
    pub matching: JobFilter,
    /// Jobs that come later are left alone.
    pub asked_at: DateTime<Utc>,
    /// `None`: on the command line.
    pub asked_by: Option<UserId>,
    /// How many there were then.
    pub counted: u64,
}

impl CancelJobs {
    /// Counts the jobs that fit and enqueues the job that cancels them. Cancelling that job stops it.
    pub async fn ask(conn: &mut PgConnection, matching: JobFilter, actor: Actor) -> Result<Asked, EnqueueError> {
        let mut tx = conn.begin().await?;
        let asked_at = ops::now(&mut tx).await?;
        let counted = match open(&matching) {
            Some(open) => count(&mut tx, &open).await?.unsigned_abs(),
            None => 0,
        };
        let this = Self { matching, asked_at, asked_by: actor.user(), counted };
        let job = Enqueue::new(&this).insert(&mut tx).await?.id();
        let data = json!({"job": job, "matching": this.matching, "counted": counted});
        let entry = Entry { actor, action: "job.cancel_many", subject: ("job", job.to_string()), data };
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

impl Job for CancelJobs {
    const KIND: Kind = Kind::new("jobs.cancel");
    const QUEUE: Queue = queues::MAINTENANCE;
    const RETRY: Retry = Retry::fixed(Duration::from_secs(5)).max_attempts(10);
    const TIMEOUT: Duration = Duration::from_mins(10);
    const PRIORITY: queue::Priority = queue::Priority::High;
}
