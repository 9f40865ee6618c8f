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
    for policy in [Misfire::Skip, Misfire::FireOnce, Misfire::FireEach { max: 1 }, Misfire::FireEach { max: 1_000 }] {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    for bad in ["", "Skip", "fire_each", "fire_each:0", "fire_each:1001", "fire_each:-1", "fire_each:99999"] {
        assert!(bad.parse::<Misfire>().is_err(), "{bad}");
    }
}
