//! Housekeeping.

mod prune_jobs;
mod purge_idempotency_keys;

pub use prune_jobs::PruneJobs;
pub use purge_idempotency_keys::PurgeIdempotencyKeys;
