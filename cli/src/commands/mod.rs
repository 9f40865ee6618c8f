//! One file for each group of commands.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod cargo;
pub(crate) mod dev;
pub(crate) mod emails;
pub(crate) mod encryption;
pub(crate) mod enqueue;
pub(crate) mod filter;
pub(crate) mod jobs;
pub(crate) mod migrate;
pub(crate) mod orgs;
pub(crate) mod queues;
pub(crate) mod schedules;
pub(crate) mod sinks;
pub(crate) mod workers;
