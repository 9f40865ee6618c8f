use proptest::prelude::*;

use super::*;

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}

#[test]
fn a_term_anchored_on_the_31st_ends_on_the_last_day() {
    let mut day = date(2028, 1, 31);
    let mut days = Vec::new();
    for _ in 0..5 {
        day = ends_on(day, 31).expect("a day");
        days.push(day);
    }
    let expected = [(2, 29), (3, 31), (4, 30), (5, 31), (6, 30)].map(|(month, day)| date(2028, month, day));
    assert_eq!(days, expected);
    assert_eq!(ends_on(date(2027, 1, 30), 30), Some(date(2027, 2, 28)));
    assert_eq!(ends_on(date(2027, 12, 5), 5), Some(date(2028, 1, 5)));
    assert_eq!(ends_on(NaiveDate::MAX, 1), None);
}

fn month(day: NaiveDate) -> i32 {
    i32::try_from(day.month()).expect("a month")
}

proptest! {
    /// Terms follow on each other, one in each month, and always come back to their anchor.
    #[test]
    fn terms_take_a_month_each_and_keep_their_anchor(days in 0..20_000_u64, terms in 1..40_usize) {
        let start = date(2020, 1, 1) + chrono::Days::new(days);
        let anchor = start.day();
        let mut day = start;
        for _ in 0..terms {
            let next = ends_on(day, anchor).expect("a day");
            prop_assert!((28..=31).contains(&(next - day).num_days()), "{day} to {next}");
            let months = (next.year() - day.year()) * 12 + month(next) - month(day);
            prop_assert_eq!(months, 1);
            let last = next + chrono::Days::new(1);
            prop_assert!(next.day() == anchor || (next.day() < anchor && last.day() == 1), "{next} of {anchor}");
            day = next;
        }
    }
}
