//! What every program is built on: settings, logging, the database, ids, money, objects, traces. It
//! knows no domain of the market and no job.

pub mod audit;
pub mod backoff;
pub mod blobs;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod db;
pub mod idempotency;
pub mod ids;
pub mod invalid;
pub mod money;
pub mod program;
pub mod realtime;
pub mod strict;
pub mod telemetry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod trace;
