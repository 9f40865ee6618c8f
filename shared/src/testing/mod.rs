//! The test kit of this crate: a database for each test, the addresses of the test servers, and a
//! network that fails on demand.

mod cases;
mod db;
mod network;
mod statements;

pub use cases::cases;
pub use db::{TestDb, limits_of, owner_url};
pub use network::{NetworkFault, Proxy, server};
pub use statements::Statements;
