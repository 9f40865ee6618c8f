//! Housekeeping.

mod prune_jobs;
mod purge_idempotency_keys;
mod purge_identity;

pub use prune_jobs::PruneJobs;
pub use purge_idempotency_keys::PurgeIdempotencyKeys;
pub use purge_identity::PurgeIdentity;
