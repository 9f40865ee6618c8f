use super::*;

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn one(date: NaiveDate, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let period = Period::new(date, date, zone).unwrap();
    (period.starts_at(), period.ends_at())
}

#[test]
fn a_day_is_as_long_as_its_zone_says() {
    let cases = [
        (day(2026, 11, 20), Tz::Europe__Berlin, "2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z"),
        // 23 hours and 25 hours.
        (day(2026, 3, 29), Tz::Europe__Berlin, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        (day(2026, 10, 25), Tz::Europe__Berlin, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        (day(2026, 11, 20), Tz::Asia__Kolkata, "2026-11-19T18:30:00Z", "2026-11-20T18:30:00Z"),
        // Midnight does not exist: the day begins at one.
        (day(2026, 3, 29), Tz::Asia__Beirut, "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        // Midnight exists twice: the day begins at the first.
        (day(2025, 11, 2), Tz::America__Havana, "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
        // Half an hour of summer time.
        (day(2026, 4, 5), Tz::Australia__Lord_Howe, "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
    ];
    for (date, zone, start, end) in cases {
        assert_eq!(one(date, zone), (utc(start), utc(end)), "{date} {zone}");
    }
}

#[test]
fn neighbouring_days_meet() {
    for zone in [Tz::Pacific__Apia, Tz::Asia__Beirut, Tz::America__Havana, Tz::Australia__Lord_Howe, Tz::UTC] {
        let mut date = day(2011, 12, 25);
        while date < day(2013, 1, 5) {
            let next = date.succ_opt().unwrap();
            // Samoa skipped 30 December 2011: a day that never was has no period.
            if zone == Tz::Pacific__Apia && date == day(2011, 12, 30) {
                let (start, end) = (start_of_day(date, zone), start_of_day(next, zone));
                assert_eq!(start, end);
                assert_eq!(Period::new(date, date, zone), Err(PeriodError::NeverWas));
            } else {
                assert_eq!(one(date, zone).1, start_of_day(next, zone).unwrap(), "{date} {zone}");
            }
            date = next;
        }
    }
}

#[test]
fn nonsense_is_refused() {
    let new = |first, last| Period::new(first, last, Tz::UTC).unwrap_err();
    assert_eq!(new(day(2026, 1, 2), day(2026, 1, 1)), PeriodError::Reversed);
    assert_eq!(new(day(2025, 1, 1), day(2026, 1, 2)), PeriodError::TooLong);
    assert_eq!(new(NaiveDate::MAX, NaiveDate::MAX), PeriodError::OutOfRange);
    Period::new(day(2024, 1, 1), day(2024, 12, 31), Tz::UTC).unwrap();
}

#[test]
fn yesterday_depends_on_the_zone() {
    let now = utc("2026-11-20T03:00:00Z");
    let before = |zone| Period::day_before(now, zone).unwrap().first_day();
    assert_eq!(before(Tz::Europe__Berlin), day(2026, 11, 19));
    assert_eq!(before(Tz::America__New_York), day(2026, 11, 18));
    assert_eq!(before(Tz::Pacific__Kiritimati), day(2026, 11, 19));
}
