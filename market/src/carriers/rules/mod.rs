//! Decisions about what carriers send, without a database.

pub mod secret;
pub mod signature;

use chrono::TimeDelta;

/// What the sources of events begin with that a carrier has signed; nobody else may report under such a name.
pub const SIGNED: &str = "carrier:";

/// How long the secret before stays good after a new one was made.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// The source of a carrier's events.
#[must_use]
pub fn source(slug: &str) -> String {
    format!("{SIGNED}{slug}")
}
