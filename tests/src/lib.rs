//! Whole-stack tests: real workers and schedulers, in this process or as processes that are killed, on real servers.
//!
//! Every stack has a database of its own and a namespace of its own on the brokers, so that tests run side by side.

pub mod parts;
pub mod roles;
pub mod servers;
pub mod stack;
pub mod touch;
