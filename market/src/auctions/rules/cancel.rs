//! Who may cancel an auction, and until when.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;

use super::State;

/// Why an auction is not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCancelled {
    /// It belongs to another seller.
    OfAnother,
    /// It is over, or has bids.
    TooLate,
}

/// Decides whether an auction is cancelled. `seller` may cancel while no bid stands and the end lies
/// ahead; [`None`] is a moderator, who may as long as the auction is open.
pub fn decide_cancel(state: &State, seller: Option<OrgId>, at: DateTime<Utc>) -> Result<(), NotCancelled> {
    if seller.is_some_and(|seller| seller != state.terms.seller) {
        return Err(NotCancelled::OfAnother);
    }
    let has_bids = state.standing.leader.is_some() || !state.book.is_empty();
    let too_late_for_seller = has_bids || at >= state.ends_at;
    if !state.status.is_open() || (seller.is_some() && too_late_for_seller) {
        return Err(NotCancelled::TooLate);
    }
    Ok(())
}
