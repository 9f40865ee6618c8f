//! The entity tag of auctions: of all that the viewer is shown, but for the time of the answer, which no two answers share.

use chrono::DateTime;
use market::auctions::model::AuctionView;

use crate::conditional::WeakTag;
use crate::error::Result;

/// The tag of an answer with these auctions, and with this place where the list goes on.
pub(super) fn of(views: &[AuctionView], next: Option<&str>) -> Result<WeakTag> {
    let untimed = |view: &AuctionView| AuctionView { server_time: DateTime::UNIX_EPOCH, ..view.clone() };
    WeakTag::of(&(views.iter().map(untimed).collect::<Vec<_>>(), next))
}
