//! One reading at a time for each key of a process; who asks meanwhile waits for its outcome.
//!
//! # How to get this wrong
//! - Leaving those who wait behind when whoever reads goes away: a client hangs up, and its request is dropped wherever it stands.
//! - Joining a reading whatever its age: one that hangs would answer with what was so long ago.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

/// The readings that are under way, by their keys.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<String, Flight>>);

#[derive(Debug)]
struct Flight {
    began: Instant,
    outcome: watch::Sender<Option<Outcome>>,
}

/// Somebody else's reading, whose outcome is waited for.
pub(super) type Waiting = watch::Receiver<Option<Outcome>>;

/// What became of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Body(Bytes),
    Problem,
}

/// Whether to read or to wait.
#[derive(Debug)]
pub(super) enum Place<'a> {
    Lead(Lead<'a>),
    Follow(Waiting),
}

/// A reading of one's own, which others may join until it is dropped.
#[derive(Debug)]
pub(super) struct Lead<'a> {
    flights: &'a Flights,
    key: String,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Flights {
    /// Joins the reading of this key if there is one that began less than `youth` ago, and begins one otherwise.
    pub(super) fn join(&self, key: &str, youth: Duration, now: Instant) -> Place<'_> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key).filter(|flight| now.saturating_duration_since(flight.began) < youth) {
            return Place::Follow(flight.outcome.subscribe());
        }
        let outcome = watch::Sender::new(None);
        flights.insert(key.to_owned(), Flight { began: now, outcome: outcome.clone() });
        Place::Lead(Lead { flights: self, key: key.to_owned(), outcome })
    }

    /// How many wait for the reading of this key; `None`: there is none.
    #[cfg(test)]
    pub(super) fn followers(&self, key: &str) -> Option<usize> {
        let flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flights.get(key).map(|flight| flight.outcome.receiver_count())
    }
}

impl Lead<'_> {
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Gives everybody who waits the outcome.
    pub(super) fn land(&self, outcome: Outcome) {
        self.outcome.send_replace(Some(outcome));
    }
}

impl Drop for Lead<'_> {
    /// Whoever comes now begins anew. Those who wait see the last sender go, which is dropped after this.
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A younger one may have taken its place.
        if flights.get(&self.key).is_some_and(|flight| flight.outcome.same_channel(&self.outcome)) {
            flights.remove(&self.key);
        }
    }
}

/// Waits for the outcome; `None`: whoever read has gone away without one.
pub(super) async fn outcome(mut flight: Waiting) -> Option<Outcome> {
    let landed = flight.wait_for(Option::is_some).await.ok()?;
    landed.clone()
}

#[cfg(test)]
mod tests;
