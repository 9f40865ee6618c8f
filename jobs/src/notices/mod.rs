//! Notices: what is old is forgotten.

mod purge_notices;

pub use purge_notices::PurgeNotices;
