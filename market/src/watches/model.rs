//! Watches as those who have them see them.

use chrono::{DateTime, Utc};

use crate::ids::ListingId;

/// A listing that somebody watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    pub listing: ListingId,
    pub since: DateTime<Utc>,
}
