//! Housekeeping.

mod prune_jobs;

pub use prune_jobs::PruneJobs;
