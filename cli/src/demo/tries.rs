//! How often a run of the demo goes on by itself, and what it says when it gives up.

use super::client::ApiError;
use super::play::TooSlow;
use crate::failure::advised;

/// How often a run is tried without getting any further.
const TRIES: u32 = 5;

/// The tries since something was stored that the tries before had not stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tries {
    /// The most that was stored when a try began.
    stored: Option<u64>,
    failed: u32,
    /// In how many of these the API did not answer.
    unanswered: u32,
}

impl Tries {
    /// A try begins with so much stored.
    pub(super) fn begin(&mut self, stored: u64) {
        if self.stored.is_none_or(|most| stored > most) {
            *self = Self { stored: Some(stored), ..Self::default() };
        }
    }

    /// A try ended with this error; `unanswered`: requests of it got no answer. Fails when it is no use to go on.
    pub(super) fn end(&mut self, error: anyhow::Error, unanswered: bool) -> anyhow::Result<anyhow::Error> {
        let broken_off = error.downcast_ref().is_some_and(ApiError::is_broken_off);
        if !broken_off && !error.is::<TooSlow>() {
            return Err(error);
        }
        self.failed += 1;
        self.unanswered += u32::from(broken_off || unanswered);
        if self.failed < TRIES {
            return Ok(error);
        }
        if self.unanswered > 0 {
            let times = self.unanswered;
            let problem = format!("the API did not answer in {times} of {TRIES} tries that came no further: {error:#}");
            return Err(advised(problem, "`./dev status` shows whether it runs, and `./dev logs api` what it says"));
        }
        let advice = "run it again when less else runs, or with more time, such as --seconds 180";
        Err(advised(format!("the machine is too slow for this pace: {error}"), advice))
    }
}

#[cfg(test)]
mod tests;
