use std::time::Duration;

use proptest::prelude::*;
use serde::Serialize;

use super::*;

fn problem(text: &str) -> String {
    Expression::parse(text).expect_err(text).to_string()
}

#[test]
fn a_bad_field_is_named_with_its_place() {
    for (text, error) in [
        ("0 60 2 * * *", "minutes (`60` at column 3): `60` is not from 0 to 59"),
        ("0 0 24 * * *", "hours (`24` at column 5): `24` is not from 0 to 23"),
        ("0  0 2 32 * *", "day of month (`32` at column 8): `32` is not from 1 to 31"),
        ("0 0 2 * 0,13 *", "month (`0` at column 9): `0` is not from 1 to 12"),
        ("0 0 2 * 1,13 *", "month (`13` at column 11): `13` is not from 1 to 12"),
        (
            "0 0 2 * * 0",
            "day of week (`0` at column 11): `0` is not from 1 to 7 (1 is SUN, 7 is SAT; names are clearer)",
        ),
        ("0 0 2 * * MOO", "day of week (`MOO` at column 11): `MOO` is not a day of week; write SAT or its number"),
        (
            "0 0 2 * * FRI-MON",
            "day of week (`FRI-MON` at column 11): the range runs backwards; write `FRI-SAT` and the rest as a list",
        ),
        ("x 0 2 * * *", "seconds (`x` at column 1): `x` is not a number from 0 to 59"),
        ("0 0 ? * * *", "hours (`?` at column 5): `?` is only for days; write `*`"),
        ("0 */0 2 * * *", "minutes (`*/0` at column 3): the step is from 1 to 59"),
        ("0 */x 2 * * *", "minutes (`*/x` at column 3): the step `x` is not a number"),
        ("0 1,,2 2 * * *", "minutes (`` at column 5): a list has an empty entry"),
        ("0 5- 2 * * *", "minutes (`5-` at column 3): a range is of two numbers or of two names"),
        ("0 0 2 * * TUE/2", "day of week (`TUE/2` at column 11): a step follows `*`, a number or a range"),
        ("0 0 2 * * * 1969", "year (`1969` at column 13): `1969` is not from 1970 to 2100"),
        ("0 99999999999 2 * * *", "minutes (`99999999999` at column 3): `99999999999` is not from 0 to 59"),
        ("0 0 2 å * *", "day of month (`å` at column 7): `å` is not a number from 1 to 31"),
    ] {
        assert_eq!(problem(text), error, "{text}");
    }
}

#[test]
fn an_expression_of_another_form_says_what_forms_there_are() {
    assert!(problem("  ").starts_with("the expression is empty"));
    assert!(problem("0 2 * *").starts_with("the expression has 4 fields"));
    assert!(problem("0 0 2 * * * * *").starts_with("the expression has 8 fields"));
    assert!(problem("@midnight").starts_with("`@midnight` is not known"));
    assert!(problem(&"1,".repeat(200)).contains("longer than 300"));
    assert_eq!(problem("0 0 2 30 2 *"), "the expression names a date that no year has, so it never fires");
    for interval in
        ["@every 0s", "@every 1.5h", "@every 10", "@every x", "@every 99999999999d", "@every 367d", "@every -1s"]
    {
        assert!(problem(interval).starts_with("the interval"), "{interval}");
    }
}

#[test]
fn five_fields_are_crontabs_at_second_0_with_weekdays_by_name() {
    let five = Expression::parse("30 2 * * MON").map(|read| Timetable::new(read, Tz::UTC)).expect("valid");
    let six = Expression::parse("0 30 2 ? * 2").map(|read| Timetable::new(read, Tz::UTC)).expect("valid");
    let start = "2030-05-01T00:00:00Z".parse().expect("a time");
    let (five, six): (Vec<_>, Vec<_>) = (five.upcoming(start).take(9).collect(), six.upcoming(start).take(9).collect());
    assert_eq!(five, six);
    assert_eq!(five[0].to_rfc3339(), "2030-05-06T02:30:00+00:00");
    assert!(problem("30 2 * * 1").contains("write the weekday as a name"));
    assert!(problem("30 2 * * MON,5").contains("(`5` at column 14)"));
    assert!(Expression::parse("30 2 * * */2").is_ok());
}

#[test]
fn day_of_month_and_day_of_week_must_both_match() {
    let times = Timetable::new(Expression::parse("0 0 6 13 * FRI").expect("valid"), Tz::UTC);
    let first = times.next_after("2030-01-01T00:00:00Z".parse().expect("a time")).expect("there is one");
    assert_eq!(first.to_rfc3339(), "2030-09-13T06:00:00+00:00");
}

#[test]
fn texts_are_tidied_and_stay_the_same_expression() {
    for text in [" 0  0 2 * * * ", "@daily", "@every 90s", "0 0 8-18/2 ? JAN-MAR,dec Mon-Thurs 2030-2040"] {
        let read = Expression::parse(text).expect("valid");
        assert_eq!(read.as_str(), text.split_whitespace().collect::<Vec<_>>().join(" "));
        assert!(Expression::parse(read.as_str()).is_ok());
    }
}

#[derive(Serialize)]
struct Prune {
    hours: u32,
}

/// What a contract writes: all of it constant.
const SCHEDULES: &[Schedule] = &[
    Schedule::every("auctions.sweep", Duration::from_secs(15)).misfire(Misfire::Skip),
    Schedule::cron("fx.refresh", "0 15 16 * * *").zone(Tz::Europe__Berlin).misfire(Misfire::FireEach { max: 3 }),
    Schedule::cron("jobs.prune", "0 0 2 * * *").payload(|| payload(&Prune { hours: 72 })),
];

#[test]
fn declarations_are_constants() {
    let texts: Vec<_> = SCHEDULES.iter().map(Schedule::expression).collect();
    assert_eq!(texts, ["@every 15s", "0 15 16 * * *", "0 0 2 * * *"]);
    assert!(SCHEDULES.iter().all(|schedule| schedule.timetable().is_ok()));
    assert_eq!(SCHEDULES[1].zone, Tz::Europe__Berlin);
    assert_eq!(SCHEDULES[0].payload_value(), serde_json::json!({}));
    assert_eq!(SCHEDULES[2].payload_value(), serde_json::json!({ "hours": 72 }));
    let odd = Schedule::every("x", Duration::from_millis(1_500)).timetable().expect_err("no whole seconds");
    assert_eq!(odd, ExpressionError::Interval("1.5s".into()));
    let wrong = Schedule::cron("x", "0 0 25 * * *").timetable().expect_err("no such hour");
    assert!(wrong.to_string().starts_with("hours (`25`"));
}

#[test]
fn zones_go_by_their_names() {
    assert_eq!(parse_zone(" Australia/Lord_Howe"), Ok(Tz::Australia__Lord_Howe));
    assert!(parse_zone("Berlin").is_err_and(|error| error.to_string().contains("Europe/Berlin")));
}

proptest! {
    /// No text panics or hangs, and what is accepted fires.
    #[test]
    fn any_text_is_refused_or_has_times(text in r"[-0-9*/,?@ A-Za-zå]{0,40}|([0-9*/,?-]{1,5} ){4,6}[*?0-9A-Z]{1,3}") {
        if let Ok(read) = Expression::parse(&text) {
            let times = Timetable::new(read, Tz::America__New_York);
            prop_assert!(times.next_after(chrono::DateTime::UNIX_EPOCH).is_some());
        }
    }

    /// The explanation agrees with the cron crate: what it lets through, the crate can read.
    #[test]
    fn the_check_lets_through_what_the_crate_reads(
        fields in prop::collection::vec(r"\*|\?|\*/[0-9]{1,2}|[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2}(/[0-9])?|[A-Z][a-z]{2}|MON-FRI(/2)?|JAN-mar|1,5,\*/2", 6),
    ) {
        let text = fields.join(" ");
        let crate_reads = text.parse::<cron::Schedule>().is_ok();
        match Expression::parse(&text) {
            Ok(_) => prop_assert!(crate_reads),
            Err(ExpressionError::NeverFires) => prop_assert!(crate_reads),
            Err(error) => prop_assert!(!crate_reads, "{}", error),
        }
    }
}
