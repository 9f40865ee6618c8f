use chrono::TimeZone as _;
use proptest::prelude::*;

use super::*;

fn day(number: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).unwrap() + TimeDelta::days(number)
}

fn after(days: &[i64], now: i64) -> Limit {
    limit(&days.iter().copied().map(day).collect::<Vec<_>>(), day(now))
}

#[test]
fn one_strike_changes_nothing_two_limit_and_three_bar() {
    assert_eq!(after(&[], 0), Limit::None);
    assert_eq!(after(&[0], 1), Limit::None);
    assert_eq!(after(&[0, 10], 11), Limit::Auctions(3));
    assert_eq!(after(&[0, 10], 89), Limit::Auctions(3));
    assert_eq!(after(&[0, 10], 90), Limit::None);
    assert_eq!(after(&[0, 10, 20], 21), Limit::Barred { until: day(80) });
}

#[test]
fn a_bar_outlasts_the_first_of_its_strikes() {
    // The first strike is 90 days old on day 90, and the bar ends on day 139.
    let strikes = [0, 10, 79];
    assert_eq!(after(&strikes, 138), Limit::Barred { until: day(139) });
    assert_eq!(after(&strikes, 139), Limit::None);
    // When a bar ends while two strikes count, they limit.
    assert_eq!(after(&[0, 10, 20], 80), Limit::Auctions(3));
    // Three strikes that lie too far apart bar nobody.
    assert_eq!(after(&[0, 10, 90], 91), Limit::Auctions(3));
}

proptest! {
    #[test]
    fn what_is_older_than_150_days_matters_to_nobody(days in prop::collection::vec(0_i64..400, 0..12), now in 0_i64..400) {
        let mut days: Vec<_> = days.into_iter().filter(|at| *at <= now).collect();
        days.sort_unstable();
        let recent: Vec<_> = days.iter().copied().filter(|at| now - at < 150).collect();
        prop_assert_eq!(after(&days, now), after(&recent, now));
    }
}
