//! What to do about times that were missed: the scheduler was down, a queue of deploys was long, the clock jumped.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

use super::timetable::{MAX_DUE, Timetable};

/// A fire time that is looked at within this time still counts as on time: another scheduler takes over in less.
pub const ON_TIME: TimeDelta = TimeDelta::seconds(30);

/// Which of the missed times fire after all. Times that are on time always fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Misfire {
    /// None: what was missed is gone.
    Skip,
    /// The newest one, unless a time that is on time fires anyway.
    #[default]
    FireOnce,
    /// The newest `max` of them, each as a job of its own. At most [`MAX_DUE`].
    FireEach { max: u16 },
}

/// What a scheduler does about one schedule now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// In order.
    pub fire: Vec<DateTime<Utc>>,
    /// Whether times were passed over (their number is not counted: it can be millions).
    pub skipped: bool,
    /// The newest due time. With this choice, everything up to it is decided. `None`: nothing is due.
    pub until: Option<DateTime<Utc>>,
}

impl Misfire {
    /// Picks among the fire times in (`last`, `now`].
    ///
    /// A clock that went back gives nothing until it has passed `last` again.
    pub fn choose(self, timetable: &Timetable, last: DateTime<Utc>, now: DateTime<Utc>) -> Chosen {
        let due = timetable.due(last, now);
        let missed = due.partition_point(|time| now - *time > ON_TIME);
        let on_time = due.len() - missed;
        let kept = match self {
            Self::Skip => 0,
            Self::FireOnce => usize::from(on_time == 0),
            Self::FireEach { max } => usize::from(max),
        };
        let first = missed.saturating_sub(kept);
        // With as many as `due` returns at most, older ones may have been left out.
        let skipped = first > 0 || due.len() == MAX_DUE;
        Chosen { fire: due[first..].to_vec(), skipped, until: due.last().copied() }
    }
}

/// `skip`, `fire_once`, `fire_each:10`: the form in the database, the API and the CLI.
impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("skip"),
            Self::FireOnce => f.write_str("fire_once"),
            Self::FireEach { max } => write!(f, "fire_each:{max}"),
        }
    }
}

/// The text is not a misfire policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a misfire policy; write skip, fire_once or fire_each:N with N from 1 to {MAX_DUE}")]
pub struct UnknownMisfire(String);

impl FromStr for Misfire {
    type Err = UnknownMisfire;

    fn from_str(text: &str) -> Result<Self, UnknownMisfire> {
        let unknown = || UnknownMisfire(text.chars().take(40).collect());
        match text {
            "skip" => Ok(Self::Skip),
            "fire_once" => Ok(Self::FireOnce),
            _ => {
                let max: u16 = text.strip_prefix("fire_each:").and_then(|max| max.parse().ok()).ok_or_else(unknown)?;
                let allowed = (1..=MAX_DUE).contains(&usize::from(max));
                allowed.then_some(Self::FireEach { max }).ok_or_else(unknown)
            }
        }
    }
}

#[cfg(test)]
mod tests;
