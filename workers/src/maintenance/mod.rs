//! Housekeeping.

mod prune_jobs;
mod purge_idempotency_keys;
mod purge_identity;
