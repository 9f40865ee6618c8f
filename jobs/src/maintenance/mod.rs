//! Housekeeping, and what operators do to many jobs at once.

mod cancel_jobs;
mod prune_jobs;
mod purge_idempotency_keys;
mod purge_identity;
mod retry_jobs;
mod sweep_files;

use chrono::{DateTime, Utc};
use queue::ops::list::{JobFilter, count};
use queue::ops::{self, Actor};
use queue::{Enqueue, EnqueueError, Job};
use serde_json::{Value, json};
use shared::audit::{self, Entry};
use shared::ids::{JobId, UserId};
use sqlx::{Connection, PgConnection};

pub use cancel_jobs::CancelJobs;
pub use prune_jobs::PruneJobs;
pub use purge_idempotency_keys::PurgeIdempotencyKeys;
pub use purge_identity::PurgeIdentity;
pub use retry_jobs::RetryJobs;
pub use sweep_files::SweepFiles;

/// The enqueued job that acts on many others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub job: JobId,
    /// How many jobs matched.
    pub counted: u64,
}

/// What a job that acts on many others is to do.
struct Wanted<'a> {
    /// Matches the jobs that it will act on, as they are now; `None`: there are none.
    fitting: Option<&'a JobFilter>,
    /// The most jobs that it will act on.
    most: u64,
    actor: Actor,
    action: &'static str,
}

/// Counts the jobs that match, enqueues the job that `made` builds from the time and their number,
/// and records who asked. `said` is what else the record says about the job.
async fn ask<J: Job>(
    conn: &mut PgConnection,
    wanted: Wanted<'_>,
    made: impl FnOnce(DateTime<Utc>, u64) -> J,
    said: impl FnOnce(&J) -> Value,
) -> Result<Asked, EnqueueError> {
    let mut tx = conn.begin().await?;
    let asked_at = ops::now(&mut tx).await?;
    let counted = match wanted.fitting {
        Some(fitting) => count(&mut tx, fitting).await?.unsigned_abs().min(wanted.most),
        None => 0,
    };
    let this = made(asked_at, counted);
    let job = Enqueue::new(&this).insert(&mut tx).await?.id();
    let mut data = said(&this);
    data["job"] = json!(job);
    data["counted"] = json!(counted);
    let subject = ("job", job.to_string());
    audit::append(&mut tx, Entry { actor: wanted.actor, action: wanted.action, subject, data }).await?;
    tx.commit().await?;
    Ok(Asked { job, counted })
}

/// People act through the API; without a person it was the command line.
fn actor_of(asked_by: Option<UserId>) -> Actor {
    asked_by.map_or(Actor::CommandLine, Actor::User)
}
