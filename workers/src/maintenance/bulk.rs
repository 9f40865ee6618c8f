//! What jobs that act on many rows have in common: small batches, a turn of bounded length, a stop between two batches.

use std::time::{Duration, Instant};

use queue::Outcome;

use crate::Cx;

/// How many jobs one transaction acts on: short enough that nobody waits for its locks.
pub(super) const BATCH: usize = 500;
/// How long apart it looks again for rows that somebody held; they are free again within milliseconds.
pub(super) const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// How long one attempt works; well within the time that its contract allows.
const TURN: Duration = Duration::from_mins(8);

/// One attempt's share of a long work.
#[derive(Debug)]
pub(super) struct Turn(Instant);

impl Turn {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Whether to stop here. Fails when somebody cancelled the job or the worker shuts down; when the turn is over, what is left
    /// comes back as another attempt.
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

/// How much of it is done. The last hundredth comes with the end.
pub(super) fn percent(done: u64, of: u64) -> u8 {
    u8::try_from((done * 100).checked_div(of).unwrap_or(0).min(99)).unwrap_or(99)
}
