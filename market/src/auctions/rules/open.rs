//! When an auction begins.

use chrono::{DateTime, Utc};

use super::State;
use crate::auctions::model::AuctionStatus;

/// Why an auction is not opened now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// The start lies ahead.
    NotYet { starts_at: DateTime<Utc> },
    /// It has been opened or has ended.
    Already(AuctionStatus),
}

/// Decides whether a scheduled auction opens.
pub fn decide_open(state: &State, at: DateTime<Utc>) -> Result<(), NotOpened> {
    if state.status != AuctionStatus::Scheduled {
        return Err(NotOpened::Already(state.status));
    }
    let starts_at = state.terms.starts_at;
    if at < starts_at { Err(NotOpened::NotYet { starts_at }) } else { Ok(()) }
}
