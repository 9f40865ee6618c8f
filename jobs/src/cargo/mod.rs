//! The events lane: cargo events on their way to the log, outside the ledger, and the log's housekeeping job.

mod archive_events;
mod create_partitions;
mod lane;
mod link;
mod parked;
mod project_standings;
mod rejects;
mod stale_tracking;
mod sweep_standings;
pub mod topology;

pub use archive_events::ArchiveEvents;
pub use create_partitions::CreatePartitions;
pub use lane::{BrokerLane, EventLane, LaneError, MAX_MESSAGE_BYTES, MAX_MESSAGE_EVENTS, StoreLane, tell_shipments};
pub use link::LinkError;
pub use parked::{CollectError, Collected, Parked};
pub use project_standings::ProjectStandings;
pub use rejects::{RejectError, discard_reject, replay_reject};
pub use stale_tracking::StaleTracking;
pub use sweep_standings::SweepStandings;
