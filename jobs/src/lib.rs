//! The job queue: contracts of every job, the kit that runs them, and the brokers that carry them.

pub mod auctions;
pub mod broker;
pub mod cargo;
pub mod catalogue;
pub mod emails;
pub mod images;
pub mod kit;
pub mod maintenance;
pub mod queues;
pub mod reports;

pub use catalogue::registry;
pub use kit::{
    Cx, Decision, Enqueue, EnqueueError, Enqueued, Handler, Job, JobTx, Kind, Ledger, Outcome, Priority, Queue, Retry,
    Unique,
};
