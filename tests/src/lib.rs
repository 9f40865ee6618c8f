//! Whole-stack tests: real workers and schedulers, in this process or as processes that are killed,
//! on real servers.
//!
//! Every stack has its own database and its own namespace on the brokers, so that tests can run
//! side by side.

pub mod installation;
pub mod parts;
pub mod roles;
pub mod servers;
pub mod stack;
pub mod touch;
pub mod until;
