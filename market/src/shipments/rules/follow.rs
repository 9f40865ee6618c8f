//! What carriers' reports do to a shipment.

use chrono::{DateTime, Utc};

use crate::cargo::{ShipmentStatus, Standing};

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

/// The step to where the log says a shipment is. An act of somebody here is told to the log after it was done, so what the log says of
/// an earlier time does not know of it yet, and moves nothing unless it is an end.
#[must_use]
pub fn judge(now: ShipmentStatus, acted_at: Option<DateTime<Utc>>, standing: &Standing) -> Step {
    let Some(said) = standing.status else { return Step::Nothing };
    let is_old = standing.since.zip(acted_at).is_some_and(|(since, acted_at)| since < acted_at);
    if is_old && !said.is_terminal() { Step::Nothing } else { step(now, said) }
}

#[cfg(test)]
mod tests;
