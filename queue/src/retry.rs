//! When a failed job runs again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How many attempts a policy allows that names no limit of its own.
const ATTEMPTS: u32 = 25;

/// How the delay grows with the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backoff {
    Exponential { first: Duration, most: Duration },
    Fixed(Duration),
    List(&'static [Duration]),
}

/// When retrying ends: at the first of these that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    attempts: Option<u32>,
    age: Option<Duration>,
}

/// A retry policy: how long to wait after the n-th failed attempt, and when to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    backoff: Backoff,
    limit: Limit,
    forever: bool,
    /// The delay is drawn from ±this many percent around its value.
    jitter_percent: u8,
}

impl Retry {
    /// 25 attempts, from 1 s doubling up to 1 h.
    pub const DEFAULT: Self = Self::exponential(Duration::from_secs(1), Duration::from_hours(1));

    /// Doubles from `first` up to `most`; ±10 % jitter; 25 attempts.
    #[must_use]
    pub const fn exponential(first: Duration, most: Duration) -> Self {
        Self::new(Backoff::Exponential { first, most })
    }

    /// The same delay every time; ±10 % jitter; 25 attempts.
    #[must_use]
    pub const fn fixed(delay: Duration) -> Self {
        Self::new(Backoff::Fixed(delay))
    }

    /// These delays in turn; the job is dead after the last one's attempt.
    #[must_use]
    pub const fn list(delays: &'static [Duration]) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a policy lists a handful of delays")]
        let attempts = delays.len() as u32 + 1;
        Self::new(Backoff::List(delays)).max_attempts(attempts)
    }

    /// A single attempt.
    #[must_use]
    pub const fn never() -> Self {
        Self::fixed(Duration::ZERO).max_attempts(1)
    }

    const fn new(backoff: Backoff) -> Self {
        Self { backoff, limit: Limit { attempts: None, age: None }, forever: false, jitter_percent: 10 }
    }

    /// Gives up after this many attempts in all. With [`Retry::until_age`], whichever comes first.
    #[must_use]
    pub const fn max_attempts(self, attempts: u32) -> Self {
        Self { limit: Limit { attempts: Some(attempts), ..self.limit }, ..self }
    }

    /// Gives up this long after the job was first due, however often it was tried, unless [`Retry::max_attempts`] says so as
    /// well.
    #[must_use]
    pub const fn until_age(self, age: Duration) -> Self {
        Self { limit: Limit { age: Some(age), ..self.limit }, ..self }
    }

    /// Never gives up.
    #[must_use]
    pub const fn forever(self) -> Self {
        Self { forever: true, ..self }
    }

    #[must_use]
    pub const fn jitter(self, percent: u8) -> Self {
        Self { jitter_percent: percent, ..self }
    }

    /// The delay after `attempts` failed attempts (counted from 1), or `None` when it is time to give up.
    /// `due_at` is when the job was first due; `random` is between 0 and 1 and picks the jitter.
    #[must_use]
    pub fn after(&self, attempts: u32, due_at: DateTime<Utc>, now: DateTime<Utc>, random: f64) -> Option<Duration> {
        let base = match self.backoff {
            Backoff::Exponential { first, most } => {
                let factor = 2_u32.saturating_pow(attempts.saturating_sub(1).min(31));
                first.saturating_mul(factor).min(most)
            }
            Backoff::Fixed(delay) => delay,
            Backoff::List(delays) => {
                let turn = attempts.saturating_sub(1) as usize;
                delays.get(turn).or(delays.last()).copied().unwrap_or_default()
            }
        };
        let spread = f64::from(self.jitter_percent) / 100.0;
        let delay = base.mul_f64(1.0 + spread * (2.0 * random.clamp(0.0, 1.0) - 1.0));
        let most = self.limit.attempts.or(self.limit.age.is_none().then_some(ATTEMPTS));
        let in_time = self.limit.age.is_none_or(|age| {
            let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
            let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
            now.checked_add_signed(delay).is_some_and(|next| next - due_at <= age)
        });
        let goes_on = self.forever || (in_time && most.is_none_or(|most| attempts < most));
        goes_on.then_some(delay)
    }
}

#[cfg(test)]
mod tests;
