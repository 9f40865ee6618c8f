//! What carriers' reports do to a shipment.

use crate::cargo::ShipmentStatus;

/// What is to be done when reports say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    Cancel,
    /// It has left, and has this status.
    Move(ShipmentStatus),
    /// All that is still on its way has arrived.
    Deliver,
    /// All that is still on its way is back.
    GiveBack,
}

/// The step from where a shipment is to where reports say it is. What has ended stays ended, nothing is pending again, and what has
/// left is not cancelled: it comes back.
#[must_use]
pub fn step(now: ShipmentStatus, said: ShipmentStatus) -> Step {
    use ShipmentStatus::{Cancelled, Delivered, Pending, Returned};
    match (now, said) {
        (Pending, Cancelled) => Step::Cancel,
        (Delivered | Returned | Cancelled, _) | (_, Pending | Cancelled) => Step::Nothing,
        (_, Delivered) => Step::Deliver,
        (_, Returned) => Step::GiveBack,
        (now, said) if now == said => Step::Nothing,
        (_, said) => Step::Move(said),
    }
}

#[cfg(test)]
mod tests;
