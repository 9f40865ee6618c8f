use std::collections::BTreeSet;
use std::fmt::Write;

use proptest::prelude::*;

use super::*;

fn timetable(text: &str, zone: Tz) -> Timetable {
    Timetable::new(Expression::parse(text).expect("valid"), zone)
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// The next fire times as the zone's wall clock shows them, with the offset.
fn next(text: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
    let times = timetable(text, zone);
    let local = times.upcoming(utc(after)).take(count).map(|time| time.with_timezone(&zone));
    local.map(|time| time.format("%m-%d %H:%M:%S%:z").to_string()).collect()
}

const BERLIN: Tz = Tz::Europe__Berlin;
/// 2030-03-31 02:00 +01:00 becomes 03:00 +02:00.
const BERLIN_SPRING: &str = "2030-03-30T22:00:00Z";
/// 2030-10-27 03:00 +02:00 becomes 02:00 +01:00.
const BERLIN_AUTUMN: &str = "2030-10-26T21:00:00Z";

#[test]
fn a_time_that_does_not_exist_fires_once_right_after_the_gap() {
    let spring = next("0 30 2 * * *", BERLIN, BERLIN_SPRING, 2);
    assert_eq!(spring, ["03-31 03:00:00+02:00", "04-01 02:30:00+02:00"]);
    // Several missing times are one fire, and so is a missing time beside one that exists right after the gap.
    let spring = next("0 0,20,40 2,3 * * *", BERLIN, BERLIN_SPRING, 4);
    assert_eq!(
        spring,
        ["03-31 03:00:00+02:00", "03-31 03:20:00+02:00", "03-31 03:40:00+02:00", "04-01 02:00:00+02:00"]
    );
}

#[test]
fn a_time_that_exists_twice_fires_at_its_first_occurrence() {
    let autumn = next("0 30 2 * * *", BERLIN, BERLIN_AUTUMN, 2);
    assert_eq!(autumn, ["10-27 02:30:00+02:00", "10-28 02:30:00+01:00"]);
    let autumn = next("0 */30 1-3 * * *", BERLIN, BERLIN_AUTUMN, 6);
    let same_day = autumn.iter().filter(|time| time.starts_with("10-27")).count();
    assert_eq!(same_day, 6, "as many as on any other day: {autumn:?}");
    // Asked in the second pass, the first pass is over.
    assert_eq!(next("0 30 2 * * *", BERLIN, "2030-10-27T01:10:00Z", 1), ["10-28 02:30:00+01:00"]);
    assert_eq!(next("0 0 3 * * *", BERLIN, "2030-10-27T01:10:00Z", 1), ["10-27 03:00:00+01:00"]);
}

#[test]
fn a_pattern_of_every_hour_follows_elapsed_time() {
    let quarters = timetable("0 */15 * * * *", BERLIN);
    for start in [BERLIN_SPRING, BERLIN_AUTUMN] {
        let times: Vec<_> = quarters.upcoming(utc(start)).take(60).collect();
        let even = times.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(15));
        assert!(even, "{times:?}");
    }
    let autumn = next("0 30 * * * *", BERLIN, "2030-10-26T23:00:00Z", 4);
    assert_eq!(
        autumn,
        ["10-27 01:30:00+02:00", "10-27 02:30:00+02:00", "10-27 02:30:00+01:00", "10-27 03:30:00+01:00"]
    );
}

#[test]
fn intervals_know_no_wall_clock() {
    let times = timetable("@every 15s", BERLIN);
    let found: Vec<_> = times.upcoming(utc("2030-10-27T00:59:31Z")).take(3).collect();
    let expected = ["2030-10-27T00:59:45Z", "2030-10-27T01:00:00Z", "2030-10-27T01:00:15Z"].map(utc);
    assert_eq!(found, expected);
    assert_eq!(times.next_after(utc("2030-10-27T01:00:15.5Z")), Some(utc("2030-10-27T01:00:30Z")));
}

#[test]
fn half_an_hour_of_summer_time_moves_half_an_hour() {
    let zone = Tz::Australia__Lord_Howe;
    // 2030-10-06 02:00 +10:30 becomes 02:30 +11:00.
    assert_eq!(next("0 10 2 * * *", zone, "2030-10-05T12:00:00Z", 1), ["10-06 02:30:00+11:00"]);
    // 2030-04-07 02:00 +11:00 becomes 01:30 +10:30.
    assert_eq!(next("0 45 1 * * *", zone, "2030-04-06T12:00:00Z", 2), ["04-07 01:45:00+11:00", "04-08 01:45:00+10:30"]);
    let quarters: Vec<_> = timetable("0 */15 * * * *", zone).upcoming(utc("2030-04-06T13:00:00Z")).take(20).collect();
    assert!(quarters.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(15)));
}

#[test]
fn a_day_that_was_skipped_fires_right_after_it() {
    // Samoa went from 2011-12-29 24:00 -10:00 to 2011-12-31 00:00 +14:00.
    let apia = Tz::Pacific__Apia;
    assert_eq!(
        next("0 0 2 * * *", apia, "2011-12-29T00:00:00Z", 3),
        ["12-29 02:00:00-10:00", "12-31 00:00:00+14:00", "12-31 02:00:00+14:00"]
    );
    assert_eq!(next("0 0 6 30 12 *", apia, "2011-12-01T00:00:00Z", 1), ["12-31 00:00:00+14:00"]);
    let hourly: Vec<_> = timetable("@hourly", apia).upcoming(utc("2011-12-30T05:00:00Z")).take(10).collect();
    assert!(hourly.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::hours(1)), "{hourly:?}");
}

#[test]
fn an_hour_repeated_across_midnight_repeats_the_evening_before() {
    // São Paulo, 2018-02-18 00:00 -02:00 became 2018-02-17 23:00 -03:00: the next Saturday is far, its replay is not.
    let zone = Tz::America__Sao_Paulo;
    assert_eq!(
        next("0 30 * * * SAT", zone, "2018-02-18T01:00:00Z", 3),
        ["02-17 23:30:00-02:00", "02-17 23:30:00-03:00", "02-24 00:30:00-03:00"]
    );
    assert_eq!(
        next("0 30 23 * * SAT", zone, "2018-02-18T01:00:00Z", 2),
        ["02-17 23:30:00-02:00", "02-24 23:30:00-03:00"]
    );
}

#[test]
fn patterns_end_and_rare_dates_are_found() {
    assert_eq!(next("0 0 0 29 2 *", Tz::UTC, "2097-01-01T00:00:00Z", 1), Vec::<String>::new());
    assert_eq!(timetable("0 0 0 29 2 *", Tz::UTC).next_after(utc("2096-03-01T00:00:00Z")), None);
    assert_eq!(
        timetable("0 0 * 29 2 *", BERLIN).next_after(utc("2093-03-01T00:00:00Z")),
        Some(utc("2096-02-28T23:00:00Z"))
    );
    assert_eq!(timetable("0 0 0 1 1 * 2030", Tz::UTC).next_after(utc("2030-01-01T00:00:00Z")), None);
    assert_eq!(timetable("* * * * * *", BERLIN).next_after(DateTime::<Utc>::MAX_UTC), None);
    assert!(timetable("* * * * * *", BERLIN).next_after(DateTime::<Utc>::MIN_UTC).is_some());
    assert!(timetable("@daily", BERLIN).due(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC).len() == MAX_DUE);
}

#[test]
fn due_is_after_the_last_and_up_to_now() {
    let quarters = timetable("0 */15 * * * *", Tz::UTC);
    let due = |last, now| quarters.due(utc(last), utc(now)).len();
    assert_eq!(due("2030-01-01T10:00:00Z", "2030-01-01T10:15:00Z"), 1);
    assert_eq!(due("2030-01-01T10:00:00Z", "2030-01-01T10:14:59.999Z"), 0);
    assert_eq!(due("2030-01-01T10:00:00Z", "2030-01-01T12:00:00Z"), 8);
    assert_eq!(due("2030-01-01T10:00:00Z", "2030-01-01T09:00:00Z"), 0);
    let newest = quarters.newest_due(utc("2020-01-01T00:00:00Z"), utc("2030-01-01T12:00:00Z"), 2);
    assert_eq!(newest, ["2030-01-01T11:45:00Z", "2030-01-01T12:00:00Z"].map(utc));
}

/// The next five fire times, in UTC and on the wall, of schedules of the kinds that the product has, around both changes
/// of the clock in each zone.
#[test]
fn next_five_around_both_changes() {
    let zones = [
        (Tz::America__New_York, "2030-03-10T04:00:00Z", "2030-11-03T03:00:00Z"),
        (BERLIN, BERLIN_SPRING, BERLIN_AUTUMN),
        (Tz::Australia__Lord_Howe, "2030-10-05T13:00:00Z", "2030-04-06T13:00:00Z"),
        (Tz::Asia__Kolkata, "2030-03-30T19:00:00Z", "2030-10-26T19:00:00Z"),
    ];
    let expressions =
        ["0 0 2 * * *", "0 30 1 * * *", "0 15 */2 * * *", "0 0 * * * *", "0 */15 * * * *", "0 */20 1-2 * * SUN"];
    let mut text = String::new();
    for (zone, spring, autumn) in zones {
        for (change, after) in [("forward", spring), ("back", autumn)] {
            for expression in expressions {
                let _ = writeln!(text, "{zone}, {change}: {expression}");
                for time in timetable(expression, zone).upcoming(utc(after)).take(5) {
                    let local = time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z");
                    let _ = writeln!(text, "  {}  {local}", time.format("%Y-%m-%d %H:%M:%SZ"));
                }
            }
        }
    }
    insta::assert_snapshot!(text);
}

/// The rule in its other form, slow and plain: walk minute by minute and watch the wall clock. A pattern of fixed times fires
/// when the wall clock reaches or passes a named time that it had never reached before; a pattern of every hour whenever the
/// wall clock shows a named time.
fn walked(times: &Timetable, from: DateTime<Utc>, minutes: i64) -> BTreeSet<DateTime<Utc>> {
    let ExpressionKind::Wall(pattern) = &times.expression.kind else { panic!("a pattern") };
    // Far enough back that the mark is that of the whole past.
    let mut mark = times.wall(from - TimeDelta::hours(30));
    let mut fired = BTreeSet::new();
    for minute in -30 * 60 + 1..=minutes {
        let now = from + TimeDelta::minutes(minute);
        let wall = times.wall(now);
        let named = if pattern.every_hour {
            pattern.names(wall)
        } else {
            let passed = pattern.after(mark).is_some_and(|next| next <= wall);
            mark = mark.max(wall);
            passed
        };
        if named && minute > 0 {
            fired.insert(now);
        }
    }
    fired
}

/// A zone and a time near one of its changes, or anywhere.
fn place() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    let changes = vec![
        (Tz::America__New_York, "2030-03-10T07:00:00Z"),
        (Tz::America__New_York, "2030-11-03T06:00:00Z"),
        (BERLIN, "2030-03-31T01:00:00Z"),
        (BERLIN, "2030-10-27T01:00:00Z"),
        (Tz::Australia__Lord_Howe, "2030-10-05T15:30:00Z"),
        (Tz::Australia__Lord_Howe, "2030-04-06T15:00:00Z"),
        (Tz::Asia__Kolkata, "2030-03-31T01:00:00Z"),
        (Tz::Pacific__Apia, "2011-12-30T10:00:00Z"),
        (Tz::America__Sao_Paulo, "2018-02-18T02:00:00Z"),
        (Tz::America__Sao_Paulo, "2018-11-04T03:00:00Z"),
        (Tz::Africa__Casablanca, "2030-01-06T02:00:00Z"),
        (Tz::America__Havana, "2030-11-03T05:00:00Z"),
    ];
    let near = (prop::sample::select(changes), -3_000_i64..3_000)
        .prop_map(|((zone, change), minutes)| (zone, utc(change) + TimeDelta::minutes(minutes)));
    // From 1990 to 2036; in those years every zone's offset is of whole minutes.
    let anywhere = (prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()), 10_519_200_i64..34_712_640)
        .prop_map(|(zone, minutes)| (zone, DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)));
    prop_oneof![3 => near, 1 => anywhere]
}

/// An expression at second 0 that fires now and then.
fn expression() -> impl Strategy<Value = String> {
    let minutes = prop_oneof![
        Just("*/15".to_owned()),
        Just("0,30".to_owned()),
        (0_u32..60).prop_map(|minute| minute.to_string()),
        (1_u32..40).prop_map(|step| format!("*/{step}")),
    ];
    let hours = prop_oneof![
        Just("*".to_owned()),
        Just("0-23".to_owned()),
        (0_u32..24).prop_map(|hour| hour.to_string()),
        (0_u32..4, 0_u32..4).prop_map(|(first, more)| format!("{first}-{}", first + more)),
        (1_u32..13).prop_map(|step| format!("*/{step}")),
    ];
    let days = prop::sample::select(vec!["* * *", "* * SUN", "* * SAT,SUN", "? * MON-FRI", "*/2 * *", "30,31 12 *"]);
    (minutes, hours, days).prop_map(|(minutes, hours, days)| format!("0 {minutes} {hours} {days}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Three days of fire times are exactly those that a walk along the wall clock finds.
    #[test]
    fn every_fire_time_is_found_once((zone, from) in place(), text in expression()) {
        let minutes = 3 * 24 * 60;
        let times = timetable(&text, zone);
        let until = from + TimeDelta::minutes(minutes);
        let found: Vec<_> = times.upcoming(from).take_while(|time| *time <= until).collect();
        prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
        let walked: Vec<_> = walked(&times, from, minutes).into_iter().collect();
        prop_assert_eq!(&found, &walked);
        prop_assert_eq!(times.due(from, until), walked[walked.len().saturating_sub(MAX_DUE)..].to_vec());
    }

    /// A fire time is named by the pattern, or the first instant after a gap in which a named time lies.
    #[test]
    fn every_fire_time_is_named_or_right_after_a_gap((zone, from) in place(), text in expression()) {
        let times = timetable(&text, zone);
        let ExpressionKind::Wall(pattern) = &times.expression.kind else { panic!("a pattern") };
        for time in times.upcoming(from).take(50) {
            let (wall, before) = (times.wall(time), times.wall(time - TimeDelta::seconds(1)));
            let gap = wall - before > TimeDelta::seconds(1);
            let missing = gap && !pattern.every_hour && pattern.after(before).is_some_and(|next| next < wall);
            prop_assert!(pattern.names(wall) || missing, "{}", time);
        }
    }

    /// Where the search starts makes no difference, to the nanosecond.
    #[test]
    fn the_next_time_does_not_depend_on_where_the_search_starts((zone, from) in place(), text in expression(), nanos in 0_i64..7_200_000_000_000) {
        let times = timetable(&text, zone);
        if let Some(next) = times.next_after(from) {
            let between = from + TimeDelta::nanoseconds(nanos);
            if between < next {
                prop_assert_eq!(times.next_after(between), Some(next));
            } else {
                prop_assert!(times.next_after(between).is_none_or(|later| later > between));
            }
        }
    }
}
