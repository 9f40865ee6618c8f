//! The test kit of this crate: a database for each test, the addresses of the test servers, and a
//! network that fails on demand.

mod cases;
mod db;
mod network;
mod statements;

/// A master key for tests, not for anything else.
pub const MASTER_KEY: &str = "bm90IGEgc2VjcmV0LCBvbmx5IGZvciB0ZXN0cyE5OTk=";

pub use cases::cases;
pub use db::{TestDb, limits_of, owner_url};
pub use network::{NetworkFault, Proxy, redis_database, server};
pub use statements::Statements;
