//! The `cargo` pool: the consumer that fills the event log, and the log's housekeeping.

pub mod archive;
mod archive_events;
mod batch;
mod collect;
mod consume;
mod create_partitions;
mod project_standings;
mod record;
mod stale_tracking;
mod sweep_standings;

pub use consume::{Settings, run};

#[cfg(test)]
mod tests;
