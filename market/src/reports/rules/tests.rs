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
    assert_eq!(new(day(2015, 1, 1), day(2025, 1, 1)), PeriodError::TooLong);
    assert_eq!(new(NaiveDate::MAX, NaiveDate::MAX), PeriodError::OutOfRange);
    Period::new(day(2015, 1, 1), day(2024, 12, 31), Tz::UTC).unwrap();
}

#[test]
fn yesterday_depends_on_the_zone() {
    let now = utc("2026-11-20T03:00:00Z");
    let before = |zone| Period::day_before(now, zone).unwrap().first_day();
    assert_eq!(before(Tz::Europe__Berlin), day(2026, 11, 19));
    assert_eq!(before(Tz::America__New_York), day(2026, 11, 18));
    assert_eq!(before(Tz::Pacific__Kiritimati), day(2026, 11, 19));
}

/// Around a clock change and a turn of the year, in zones on both sides of the date line.
#[test]
fn weeks_and_months_are_due_at_six_in_the_morning() {
    let due = |cadence: Cadence, now: &str, zone| {
        let period = cadence.due(utc(now), zone).unwrap();
        format!("{} {}", period.first_day(), period.last_day())
    };
    // 26 October 2026 is the Monday after the clocks went back in Berlin.
    assert_eq!(due(Cadence::Weekly, "2026-10-26T04:59:59Z", Tz::Europe__Berlin), "2026-10-12 2026-10-18");
    assert_eq!(due(Cadence::Weekly, "2026-10-26T05:00:00Z", Tz::Europe__Berlin), "2026-10-19 2026-10-25");
    // The Monday after they went forward: six is an hour earlier.
    assert_eq!(due(Cadence::Weekly, "2026-03-30T03:59:59Z", Tz::Europe__Berlin), "2026-03-16 2026-03-22");
    assert_eq!(due(Cadence::Weekly, "2026-03-30T04:00:00Z", Tz::Europe__Berlin), "2026-03-23 2026-03-29");
    assert_eq!(due(Cadence::Weekly, "2026-11-29T16:00:00Z", Tz::Pacific__Kiritimati), "2026-11-23 2026-11-29");
    assert_eq!(due(Cadence::Weekly, "2026-11-29T16:00:00Z", Tz::Pacific__Pago_Pago), "2026-11-16 2026-11-22");
    assert_eq!(due(Cadence::Monthly, "2027-01-01T04:59:59Z", Tz::Europe__Berlin), "2026-11-01 2026-11-30");
    assert_eq!(due(Cadence::Monthly, "2027-01-01T05:00:00Z", Tz::Europe__Berlin), "2026-12-01 2026-12-31");
    assert_eq!(due(Cadence::Monthly, "2028-03-15T12:00:00Z", Tz::UTC), "2028-02-01 2028-02-29");
    // The week that the clocks were changed in is an hour longer than others.
    let week = Cadence::Weekly.due(utc("2026-10-26T05:00:00Z"), Tz::Europe__Berlin).unwrap();
    assert_eq!((week.ends_at() - week.starts_at()).num_hours(), 7 * 24 + 1);
}

#[test]
fn each_kind_takes_what_its_definition_says() {
    use crate::ids::{CategoryId, RegionId};
    use crate::reports::model::Grouping;

    let november = Period::new(day(2026, 11, 1), day(2026, 11, 30), Tz::UTC).unwrap();
    let some_days = Period::new(day(2026, 11, 2), day(2026, 11, 30), Tz::UTC).unwrap();
    let by = |group| Parameters { group_by: Some(group), ..Parameters::default() };
    for kind in Kind::ALL {
        assert_eq!(judge(*kind, &november, &Parameters::default()), Ok(()), "{kind:?}");
        for group in kind.definition().groupings {
            assert_eq!(judge(*kind, &november, &by(*group)), Ok(()), "{kind:?}");
        }
    }
    assert_eq!(judge(Kind::MonthlyAnalytics, &some_days, &Parameters::default()), Err(Unfit::PartOfMonth));
    assert_eq!(judge(Kind::CargoVolume, &november, &by(Grouping::Buyer)), Err(Unfit::Grouping));
    assert_eq!(judge(Kind::Payouts, &november, &by(Grouping::None)), Err(Unfit::Grouping));
    let filters = [
        (Parameters { currency: "EUR".parse().ok(), ..Parameters::default() }, Unfit::Currency),
        (Parameters { category: Some(CategoryId::generate()), ..Parameters::default() }, Unfit::Category),
        (Parameters { region: Some(RegionId::generate()), ..Parameters::default() }, Unfit::Region),
    ];
    for (parameters, unfit) in filters {
        assert_eq!(judge(Kind::Sales, &november, &parameters), Ok(()));
        assert_eq!(judge(Kind::InventoryCheck, &november, &parameters), Err(unfit));
    }
}

#[test]
fn a_period_follows_the_one_before_it() {
    let period = |first, last| Period::new(first, last, Tz::Europe__Berlin).unwrap();
    for (cadence, now, before) in [
        (Cadence::Daily, period(day(2026, 3, 30), day(2026, 3, 30)), period(day(2026, 3, 29), day(2026, 3, 29))),
        (Cadence::Weekly, period(day(2026, 3, 30), day(2026, 4, 5)), period(day(2026, 3, 23), day(2026, 3, 29))),
        (Cadence::Monthly, period(day(2026, 3, 1), day(2026, 3, 31)), period(day(2026, 2, 1), day(2026, 2, 28))),
        (Cadence::Monthly, period(day(2024, 3, 1), day(2024, 3, 31)), period(day(2024, 2, 1), day(2024, 2, 29))),
    ] {
        assert_eq!(cadence.before(&now), Ok(before));
        assert_eq!(before.ends_at(), now.starts_at());
    }
}

#[test]
fn a_fall_is_seen_by_currency_and_from_the_percent_asked_for() {
    use shared::money::Currency;
    let [euros, yen] = [Currency::EUR, Currency::JPY].map(|currency| move |minor| Money::from_minor(minor, currency));
    let found = |before: &[Money], now: &[Money], percent| -> Vec<i128> {
        falls(before, now, percent).iter().map(Fall::percent).collect()
    };
    assert_eq!(found(&[euros(1_000)], &[euros(800)], 20), [20]);
    assert_eq!(found(&[euros(1_000)], &[euros(801)], 20), [0; 0]);
    assert_eq!(found(&[euros(1_000), yen(10)], &[yen(9), euros(2_000)], 10), [10]);
    assert_eq!(found(&[euros(1_000)], &[yen(9)], 100), [100], "nothing is left");
    assert_eq!(found(&[euros(0), yen(-5)], &[yen(-9)], 1), [0; 0], "nothing was there to fall");
    assert_eq!(found(&[euros(1_000)], &[euros(-500)], 100), [150]);
    assert_eq!(found(&[euros(i64::MAX)], &[euros(i64::MIN)], 100), [200]);
}
