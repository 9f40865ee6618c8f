//! A worker process: registers itself, claims the jobs that messages name, runs their handlers, and keeps its lease.
//!
//! Every job passes the same tower layers whatever carried it: [`layers::LedgerLayer`] claims and finishes,
//! [`layers::TraceLayer`] restores the job's trace, [`layers::GuardLayer`] stops panics, time-outs and cancellations.
//!
//! # How to get this wrong
//! - Renewing the lease from the task that runs handlers: a blocking handler would lose every job of the process.
//! - Claiming before there is room to run: a claimed job that waits looks running to everybody else.
//! - Going on after the lease is lost: another worker has the jobs; ours may only find that out from their fences.

pub mod engine;
pub mod handlers;
mod heartbeat;
pub mod layers;
pub mod lease;
pub(crate) mod neighbours;
pub mod process;
mod run_times;
mod statements;
mod supervise;

pub use handlers::Handlers;
pub use process::{Process, WorkerOptions};

#[cfg(test)]
mod tests;
