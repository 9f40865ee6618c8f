//! What every Tradeyard program needs, one file or folder per concern.

pub mod auctions;
pub mod audit;
pub mod blobs;
pub mod cargo;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod db;
pub mod emails;
pub mod idempotency;
pub mod identity;
pub mod ids;
pub mod images;
pub mod invalid;
pub mod listings;
pub mod money;
pub mod orders;
pub mod program;
pub mod realtime;
pub mod reports;
pub mod telemetry;
pub mod trace;
