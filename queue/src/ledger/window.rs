//! How many jobs of a queue may be handed over at once.
//!
//! What is in a broker can no longer be overtaken: an urgent job waits behind all of it. With slow jobs the window is
//! therefore no larger than what keeps the workers busy for some seconds.

use std::time::Duration;

/// However long jobs take, every place of a worker has this many: one that runs, and more in reach.
const PER_SLOT: f64 = 4.0;
/// How much work may lie in the broker, in microseconds: what an urgent job waits at most, and longer than any hand-over takes.
const AHEAD_MICROS: f64 = 2_000_000.0;

/// The queue's window as it is now. `most` is the setting; without workers, or before they have reported how long jobs take, it
/// is the whole of it.
#[must_use]
pub fn effective(most: i64, slots: i64, run_micros: Option<f64>) -> i64 {
    let Some(micros) = run_micros.filter(|micros| *micros > 0.0 && slots > 0) else { return most };
    #[expect(clippy::cast_precision_loss, reason = "a few thousand places at most")]
    let wanted = slots as f64 * (AHEAD_MICROS / micros).max(PER_SLOT);
    #[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates")]
    let wanted = wanted.ceil() as i64;
    wanted.min(most)
}

/// How long it takes a full window to lose an eighth of its jobs. Nothing when the workers would have places free meanwhile, as
/// with a limit on concurrency, or when nobody knows.
#[must_use]
pub fn eighth(window: i64, slots: i64, run_micros: Option<f64>) -> Duration {
    let Some(micros) = run_micros.filter(|micros| *micros > 0.0 && slots > 0 && window >= slots.saturating_mul(2))
    else {
        return Duration::ZERO;
    };
    #[expect(clippy::cast_precision_loss, reason = "a few thousand jobs at most")]
    let micros = window as f64 / 8.0 * micros / slots as f64;
    Duration::try_from_secs_f64(micros / 1e6).unwrap_or(Duration::MAX)
}

/// How many jobs of a queue with a rate limit may lie in the broker: without this bound, a queue that nobody works off would
/// fill its window, and workers that come back would run it all at once.
#[must_use]
pub fn at_rate(per_second: f64, burst: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates")]
    let most = (burst.max(1.0) + per_second).ceil() as i64;
    most.max(1)
}

#[cfg(test)]
mod tests;
