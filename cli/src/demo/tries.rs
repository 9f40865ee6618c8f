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
mod tests {
    use std::time::Duration;

    use super::*;

    fn too_slow() -> anyhow::Error {
        TooSlow(Duration::from_secs(9)).into()
    }

    /// What it says after so many tries that came no further, of which the API was away in some.
    fn last_words(unanswered: &[bool]) -> String {
        let mut tries = Tries::default();
        let (last, before) = unanswered.split_last().unwrap();
        for unanswered in before {
            tries.begin(7);
            tries.end(too_slow(), *unanswered).unwrap();
        }
        tries.begin(7);
        format!("{:#}", tries.end(too_slow(), *last).unwrap_err())
    }

    #[test]
    fn an_api_that_keeps_going_away_is_not_called_a_slow_machine() {
        assert!(last_words(&[false; 5]).starts_with("the machine is too slow"));
        for unanswered in [[true; 5], [true, true, true, true, false], [false, false, false, false, true]] {
            let times = unanswered.iter().filter(|it| **it).count();
            let expected = format!("the API did not answer in {times} of 5 tries");
            assert!(last_words(&unanswered).starts_with(&expected), "{unanswered:?}");
        }
    }

    #[test]
    fn only_tries_without_progress_count() {
        let mut tries = Tries::default();
        for stored in [10, 20, 30] {
            for _ in 0..4 {
                // A round that was interrupted leaves less for the next one to build on: that is no progress.
                for so_far in [stored, stored - 5] {
                    tries.begin(so_far);
                }
                tries.end(too_slow(), true).unwrap();
            }
        }
        tries.begin(30);
        assert!(tries.end(too_slow(), true).is_err());
    }

    #[test]
    fn any_other_fault_ends_the_run_at_once() {
        let mut tries = Tries::default();
        tries.begin(0);
        let fault = tries.end(anyhow::anyhow!("no worker runs"), true).unwrap_err();
        assert_eq!(fault.to_string(), "no worker runs");
    }
}
