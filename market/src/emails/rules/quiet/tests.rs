use chrono::Offset as _;
use proptest::prelude::*;

use super::*;

const BERLIN: Tz = Tz::Europe__Berlin;

fn hours(from: i16, to: i16) -> QuietHours {
    QuietHours::of_minutes(from, to)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

#[test]
fn a_night_ends_in_the_morning_whichever_side_of_midnight_it_is() {
    let night = hours(22 * 60, 7 * 60);
    for (now, until) in [
        ("2026-11-28T20:59:59Z", None),
        ("2026-11-28T21:00:00Z", Some("2026-11-29T06:00:00Z")),
        ("2026-11-29T00:30:00Z", Some("2026-11-29T06:00:00Z")),
        ("2026-11-29T05:59:59Z", Some("2026-11-29T06:00:00Z")),
        ("2026-11-29T06:00:00Z", None),
    ] {
        assert_eq!(quiet_until(night, BERLIN, at(now)), until.map(at), "{now}");
    }
    let noon = hours(12 * 60, 13 * 60);
    assert_eq!(quiet_until(noon, BERLIN, at("2026-11-28T11:30:00Z")), Some(at("2026-11-28T12:00:00Z")));
    assert_eq!(quiet_until(noon, BERLIN, at("2026-11-28T12:00:00Z")), None);
    // To midnight.
    let evening = hours(20 * 60, 0);
    assert_eq!(quiet_until(evening, BERLIN, at("2026-11-28T20:00:00Z")), Some(at("2026-11-28T23:00:00Z")));
    assert_eq!(quiet_until(evening, BERLIN, at("2026-11-28T23:00:00Z")), None);
}

#[test]
fn a_change_of_the_clock_moves_the_end_with_the_clock_on_the_wall() {
    let night = hours(22 * 60, 7 * 60);
    // An hour less, and an hour more.
    assert_eq!(quiet_until(night, BERLIN, at("2026-03-28T22:00:00Z")), Some(at("2026-03-29T05:00:00Z")));
    assert_eq!(quiet_until(night, BERLIN, at("2026-10-24T21:00:00Z")), Some(at("2026-10-25T06:00:00Z")));
    // 02:30 does not exist: it is over when the clock is put forward.
    let short = hours(60, 2 * 60 + 30);
    assert_eq!(quiet_until(short, BERLIN, at("2026-03-29T00:30:00Z")), Some(at("2026-03-29T01:00:00Z")));
    assert_eq!(quiet_until(short, BERLIN, at("2026-03-29T01:00:00Z")), None);
    // 02:30 exists twice: before the first one, between the two, and after the second.
    assert_eq!(quiet_until(short, BERLIN, at("2026-10-25T00:10:00Z")), Some(at("2026-10-25T00:30:00Z")));
    assert_eq!(quiet_until(short, BERLIN, at("2026-10-25T00:40:00Z")), None);
    assert_eq!(quiet_until(short, BERLIN, at("2026-10-25T01:10:00Z")), Some(at("2026-10-25T01:30:00Z")));
    assert_eq!(quiet_until(short, BERLIN, at("2026-10-25T01:30:00Z")), None);
}

proptest! {
    /// Wherever and whenever: an end comes within a day and an hour, and until then it is quiet, unless the clock was put back meanwhile.
    #[test]
    fn quiet_hours_end_later_and_are_quiet_until_then(
        from in 0..1_440_i16,
        to in 0..1_440_i16,
        zone in prop::sample::select(vec![BERLIN, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Asia__Kolkata, Tz::UTC]),
        minute in 0..(3 * 366 * 24 * 60_i64),
        part in 0..1_000_i64,
    ) {
        prop_assume!(from != to);
        let now = at("2025-01-01T00:00:00Z") + TimeDelta::minutes(minute);
        if let Some(until) = quiet_until(hours(from, to), zone, now) {
            prop_assert!(until > now && until - now <= TimeDelta::hours(25), "{now} to {until}");
            let between = now + TimeDelta::seconds((until - now).num_seconds() * part / 1_000);
            let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
            if offset(now) == offset(between) {
                prop_assert!(quiet_until(hours(from, to), zone, between).is_some(), "{between}");
            }
        }
    }
}
