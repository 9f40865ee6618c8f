//! When a level is low, and when that is news.

use crate::stock::model::Crossing;

/// On hand at or below this is low: what was set, else the most units that are less than a tenth of the capacity. Without either, no
/// level is low.
#[must_use]
pub fn threshold(low_at: Option<i64>, capacity: Option<i64>) -> Option<i64> {
    // Of whole numbers, 10 * units < capacity is units <= (capacity - 1) / 10.
    low_at.or_else(|| capacity.map(|capacity| (capacity - 1) / 10))
}

/// The crossing that takes a level that was low, or was not, to where `on_hand` now is.
#[must_use]
pub fn crossing(was_low: bool, on_hand: i64, threshold: Option<i64>) -> Option<Crossing> {
    let low = threshold.is_some_and(|threshold| on_hand <= threshold);
    match (was_low, low) {
        (false, true) => Some(Crossing::Down),
        (true, false) => Some(Crossing::Up),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
