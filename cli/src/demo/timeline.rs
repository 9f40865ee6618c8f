//! Compresses days into seconds: when each auction starts and ends, and when each of its bids is
//! placed.
//!
//! All times are offsets from the moment at which the play begins. The auctions' durations keep
//! their proportions. Their ends are spread over the last three quarters in proportion to their
//! numbers of bids, so that bids come at an even pace. Every bid falls between start and end with
//! some room on both sides: otherwise, the network's delay alone would make a bid of the last
//! second arrive after the end, and a machine that stalls for a moment must be able to catch up.

use std::time::Duration;

use super::bids::Recorded;

/// No bid is placed for this long after the start and before the end.
const AFTER_START: Duration = Duration::from_secs(1);
const BEFORE_END: Duration = Duration::from_secs(8);

/// The shortest auction, with some room for bids between the two.
const SHORTEST_AUCTION: Duration = Duration::from_secs(10);
/// The shortest play.
pub(crate) const SHORTEST: Duration = Duration::from_secs(20);

/// One auction's place in the play.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    pub(crate) starts: Duration,
    pub(crate) ends: Duration,
    /// One for each bid, in order.
    pub(crate) bids: Vec<Duration>,
}

/// Lays out the auctions over `play` (at least [`SHORTEST`]).
pub(crate) fn lay_out(auctions: &[Recorded], play: Duration) -> Vec<Slot> {
    let play = play.max(SHORTEST);
    let first_end = (play / 4).max(SHORTEST_AUCTION);
    let longest = auctions.iter().map(|auction| auction.duration.as_seconds_f64()).fold(1.0, f64::max);
    let all_bids: usize = auctions.iter().map(|auction| auction.bids.len()).sum();
    let mut bids_so_far = 0;
    let mut slots: Vec<_> = auctions
        .iter()
        .map(|auction| {
            bids_so_far += auction.bids.len();
            let ends = first_end + play.saturating_sub(first_end).mul_f64(share(bids_so_far, all_bids));
            let length = first_end.mul_f64(auction.duration.as_seconds_f64() / longest).max(SHORTEST_AUCTION);
            let starts = ends.saturating_sub(length);
            let room = length.saturating_sub(AFTER_START + BEFORE_END);
            let span = auction.duration.as_seconds_f64();
            let bids = auction
                .bids
                .iter()
                .map(|bid| starts + AFTER_START + room.mul_f64((bid.placed.as_seconds_f64() / span).clamp(0.0, 1.0)))
                .collect();
            Slot { starts, ends, bids }
        })
        .collect();
    // Leaves out the quiet time before the first bid, which nobody needs to watch.
    let first = slots.iter().filter_map(|slot| slot.bids.first()).min().copied().unwrap_or_default();
    let quiet = first.saturating_sub(AFTER_START);
    for slot in &mut slots {
        slot.starts = slot.starts.saturating_sub(quiet);
        slot.ends -= quiet;
        slot.bids.iter_mut().for_each(|bid| *bid -= quiet);
    }
    slots
}

fn share(part: usize, of: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand bids")]
    let share = part as f64 / of as f64;
    share
}

#[cfg(test)]
mod tests;
