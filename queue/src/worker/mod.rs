//! A worker process: registers itself, claims the jobs that messages name, runs their handlers, and keeps its lease.
//!
//! Every job takes the same way whatever carried it, the plain function in `run.rs`: claim, trace, guard, handler, finish.
//!
//! # How to get this wrong
//! - Renewing the lease from the task that runs handlers: a blocking handler would lose every job of the process.
//! - Claiming before there is room to run: a claimed job that waits looks running to everybody else.
//! - Going on after the lease is lost: another worker has the jobs; ours may only find that out from their fences.

pub mod engine;
pub mod handlers;
mod heartbeat;
pub mod lease;
pub(crate) mod neighbours;
mod past_locks;
pub mod process;
pub(crate) mod run;
mod run_times;
pub(crate) mod running;
mod sessions;
pub(crate) mod statements;
mod supervise;

pub use handlers::Handlers;
pub use process::{Process, WorkerOptions};
pub use running::StopReason;

#[cfg(test)]
mod tests;
