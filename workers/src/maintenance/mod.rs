//! Housekeeping.

mod bulk;
mod cancel_jobs;
mod prune_jobs;
mod purge_idempotency_keys;
mod purge_identity;
mod retry_jobs;
mod sweep_files;
