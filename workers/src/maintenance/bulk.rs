//! What jobs that act on many rows have in common: small batches, a turn of bounded length, and a
//! stop between two batches.

use std::time::{Duration, Instant};

use queue::Outcome;

use crate::Cx;

/// How many jobs one transaction acts on: few enough that nobody waits for its locks.
pub(super) const BATCH: usize = 500;
/// How long to wait before looking again for rows that somebody held; they are free within
/// milliseconds.
pub(super) const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// How long one attempt works; well within the time-out of its contract.
const TURN: Duration = Duration::from_mins(8);

/// One attempt's share of a long job.
#[derive(Debug)]
pub(super) struct Turn(Instant);

impl Turn {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether to stop here. Fails if somebody has cancelled the job or the worker is shutting
    /// down; if the turn is over, the rest is left to another attempt.
    pub(super) fn ends(&self, cx: &Cx) -> anyhow::Result<Option<Outcome>> {
        if cx.is_cancelled() {
            anyhow::bail!("asked to stop");
        }
        if self.0.elapsed() < TURN {
            return Ok(None);
        }
        cx.log("this attempt's time is over; the next one goes on from here");
        Ok(Some(Outcome::Snooze(Duration::ZERO)))
    }
}

/// How much of it is done, in percent. The last percent comes with the end.
pub(super) fn percent(done: u64, of: u64) -> u8 {
    u8::try_from((done * 100).checked_div(of).unwrap_or(0).min(99)).unwrap_or(99)
}
