use super::*;

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 0).unwrap() + TimeDelta::hours(hours)
}

#[test]
fn a_round_waits_as_the_standard_suggests_and_ends_after_three_days() {
    let refused = |number| next(AttemptOutcome::Refused, number, at(0), None, at(1));
    let (mut waited, mut before) = (TimeDelta::zero(), TimeDelta::zero());
    for number in 1..ATTEMPTS {
        let Next::Again(delay) = refused(number) else { panic!("{number}: {:?}", refused(number)) };
        assert!(delay > before, "{number}: {delay}");
        (waited, before) = (waited + delay, delay);
    }
    assert_eq!((refused(ATTEMPTS), refused(ATTEMPTS + 7)), (Next::GiveUp, Next::GiveUp));
    assert!((TimeDelta::days(3)..TimeDelta::days(4)).contains(&waited), "{waited}");
    assert_eq!(refused(1), Next::Again(TimeDelta::seconds(5)));
}

#[test]
fn an_endpoint_that_asks_for_time_gets_it_within_bounds() {
    let asked = |seconds| next(AttemptOutcome::Refused, 1, at(0), Some(TimeDelta::seconds(seconds)), at(0));
    assert_eq!(asked(1), Next::Again(TimeDelta::seconds(5)), "not sooner than by itself");
    assert_eq!(asked(120), Next::Again(TimeDelta::seconds(120)));
    assert_eq!(asked(10_000_000), Next::Again(TimeDelta::hours(24)));
}

#[test]
fn five_days_of_failure_stop_an_endpoint_and_410_does_at_once() {
    let after = |hours| next(AttemptOutcome::TimedOut, 3, at(0), None, at(hours));
    assert!(matches!(after(119), Next::Again(_)));
    assert_eq!(after(120), Next::Stop(StopReason::Failing));
    let gone = AttemptOutcome::of_status(410);
    assert_eq!(next(gone, 1, at(0), Some(TimeDelta::seconds(9)), at(0)), Next::Stop(StopReason::Gone));
    // Success is success, however long it has taken.
    assert_eq!(next(AttemptOutcome::Delivered, 1, at(0), None, at(9_000)), Next::Delivered);
}

#[test]
fn only_a_two_hundred_is_a_delivery() {
    for (status, outcome) in [
        (200, AttemptOutcome::Delivered),
        (204, AttemptOutcome::Delivered),
        (299, AttemptOutcome::Delivered),
        (301, AttemptOutcome::Redirected),
        (304, AttemptOutcome::Redirected),
        (307, AttemptOutcome::Redirected),
        (400, AttemptOutcome::Refused),
        (410, AttemptOutcome::Gone),
        (429, AttemptOutcome::Refused),
        (500, AttemptOutcome::Refused),
        (199, AttemptOutcome::Refused),
    ] {
        assert_eq!(AttemptOutcome::of_status(status), outcome, "{status}");
    }
}
