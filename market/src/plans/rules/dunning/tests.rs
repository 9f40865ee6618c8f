use proptest::prelude::*;

use super::*;

fn due() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

#[test]
fn reminders_come_after_3_7_and_12_days_and_the_plan_ends_after_14() {
    let at = |days: i64, reminders| step(due(), reminders, due() + TimeDelta::days(days));
    let wait = |days| Step::Wait { until: due() + TimeDelta::days(days) };
    assert_eq!([at(0, 0), at(2, 0), at(3, 0)], [wait(3), wait(3), Step::Remind(1)]);
    assert_eq!([at(3, 1), at(7, 1), at(7, 2)], [wait(7), Step::Remind(2), wait(12)]);
    assert_eq!([at(12, 2), at(12, 3), at(13, 3)], [Step::Remind(3), wait(14), wait(14)]);
    assert_eq!([at(14, 3), at(14, 0), at(400, 1)], [Step::Lapse; 3]);
}

#[test]
fn of_reminders_that_an_outage_has_delayed_the_last_one_is_sent() {
    assert_eq!(step(due(), 0, due() + TimeDelta::days(13)), Step::Remind(3));
    assert_eq!(step(due(), 1, due() + TimeDelta::days(8)), Step::Remind(2));
}

proptest! {
    /// Looking as often as one likes, or as seldom, sends each reminder once at most, in their order, and always comes to the end.
    #[test]
    fn each_reminder_is_sent_once_at_most(mut looks in proptest::collection::vec(0..30 * 86_400_i64, 0..40)) {
        looks.sort_unstable();
        let (mut sent, mut lapsed) = (0, false);
        for look in &looks {
            let now = due() + TimeDelta::seconds(*look);
            match step(due(), sent, now) {
                Step::Wait { until } => {
                    prop_assert!(now < until);
                    prop_assert_eq!(until, next(due(), sent));
                }
                Step::Remind(number) => {
                    prop_assert!(number > sent && number <= 3);
                    sent = number;
                }
                Step::Lapse => lapsed = true,
            }
        }
        let last = looks.last().copied().unwrap_or(0);
        prop_assert_eq!(lapsed, last >= 14 * 86_400);
    }
}
