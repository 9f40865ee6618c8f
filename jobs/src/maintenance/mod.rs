//! Housekeeping, and what operators do to many jobs at once.

mod cancel_jobs;
mod prune_jobs;
mod purge_idempotency_keys;
mod purge_identity;
mod retry_jobs;

use queue::ops::Actor;
use shared::ids::{JobId, UserId};

pub use cancel_jobs::CancelJobs;
pub use prune_jobs::PruneJobs;
pub use purge_idempotency_keys::PurgeIdempotencyKeys;
pub use purge_identity::PurgeIdentity;
pub use retry_jobs::RetryJobs;

/// A job that acts on many others was enqueued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub job: JobId,
    /// How many jobs fitted.
    pub counted: u64,
}

/// People act through the API; without one it was the command line.
fn actor_of(asked_by: Option<UserId>) -> Actor {
    asked_by.map_or(Actor::CommandLine, Actor::User)
}
