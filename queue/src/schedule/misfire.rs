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
mod tests {
    use super::*;
    use crate::schedule::Expression;

    fn timetable(text: &str) -> Timetable {
        Timetable::new(Expression::parse(text).expect("valid"), chrono_tz::UTC)
    }

    fn at(text: &str) -> DateTime<Utc> {
        format!("2030-05-01T{text}Z").parse().expect("a time")
    }

    fn fired(policy: Misfire, text: &str, last: &str, now: &str) -> (Vec<String>, bool) {
        let chosen = policy.choose(&timetable(text), at(last), at(now));
        (chosen.fire.iter().map(|time| time.format("%H:%M:%S").to_string()).collect(), chosen.skipped)
    }

    const QUARTERS: &str = "0 */15 * * * *";

    #[test]
    fn on_time_every_policy_fires_the_tick() {
        for policy in [Misfire::Skip, Misfire::FireOnce, Misfire::FireEach { max: 3 }] {
            assert_eq!(fired(policy, QUARTERS, "10:00:00", "10:15:04"), (vec!["10:15:00".into()], false));
            assert_eq!(fired(policy, QUARTERS, "10:15:00", "10:29:59"), (vec![], false));
        }
    }

    #[test]
    fn after_an_outage_the_policy_decides() {
        // Down from 10:00 to 11:10: four times were missed, none is on time.
        let after = |policy| fired(policy, QUARTERS, "10:00:00", "11:10:00");
        assert_eq!(after(Misfire::Skip), (vec![], true));
        assert_eq!(after(Misfire::FireOnce), (vec!["11:00:00".into()], true));
        assert_eq!(after(Misfire::FireEach { max: 2 }), (vec!["10:45:00".into(), "11:00:00".into()], true));
        let each = after(Misfire::FireEach { max: 9 });
        assert_eq!(each, (["10:15:00", "10:30:00", "10:45:00", "11:00:00"].map(String::from).to_vec(), false));
    }

    #[test]
    fn a_time_that_is_on_time_stands_for_the_missed_ones() {
        let back_at_quarter = |policy| fired(policy, QUARTERS, "10:00:00", "11:00:10").0;
        assert_eq!(back_at_quarter(Misfire::Skip), ["11:00:00"]);
        assert_eq!(back_at_quarter(Misfire::FireOnce), ["11:00:00"]);
        assert_eq!(back_at_quarter(Misfire::FireEach { max: 1 }), ["10:45:00", "11:00:00"]);
    }

    #[test]
    fn a_clock_that_jumps_an_hour_ahead_acts_like_an_outage() {
        assert_eq!(fired(Misfire::Skip, "@every 15s", "10:00:00", "11:00:00").0, ["10:59:30", "10:59:45", "11:00:00"]);
        assert_eq!(fired(Misfire::Skip, "0 30 10 * * *", "10:00:00", "11:00:00"), (vec![], true));
        assert_eq!(fired(Misfire::FireOnce, "0 30 10 * * *", "10:00:00", "11:00:00").0, ["10:30:00"]);
    }

    #[test]
    fn a_clock_that_jumps_an_hour_back_fires_nothing_until_it_has_caught_up() {
        for policy in [Misfire::Skip, Misfire::FireOnce, Misfire::FireEach { max: 9 }] {
            assert_eq!(fired(policy, QUARTERS, "11:00:00", "10:00:00"), (vec![], false));
            assert_eq!(fired(policy, QUARTERS, "11:00:00", "11:00:00"), (vec![], false));
            assert_eq!(fired(policy, QUARTERS, "11:00:00", "11:15:00").0, ["11:15:00"]);
        }
    }

    #[test]
    fn a_long_outage_of_a_fast_schedule_is_bounded() {
        let now = at("00:00:00") + TimeDelta::days(30);
        let chosen = Misfire::FireEach { max: 1_000 }.choose(&timetable("* * * * * *"), at("00:00:00"), now);
        assert_eq!(chosen.fire.len(), 1_000);
        assert_eq!(chosen.fire.last(), Some(&now));
        assert!(chosen.skipped);
    }

    #[test]
    fn policies_survive_their_text() {
        for policy in [Misfire::Skip, Misfire::FireOnce, Misfire::FireEach { max: 1 }, Misfire::FireEach { max: 1_000 }]
        {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        for bad in ["", "Skip", "fire_each", "fire_each:0", "fire_each:1001", "fire_each:-1", "fire_each:99999"] {
            assert!(bad.parse::<Misfire>().is_err(), "{bad}");
        }
    }
}
