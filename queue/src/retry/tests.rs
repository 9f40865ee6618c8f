use super::*;

fn delays(retry: Retry, count: u32) -> Vec<Option<u64>> {
    let start = DateTime::UNIX_EPOCH;
    (1..=count).map(|n| retry.after(n, start, start, 0.5).map(|d| d.as_secs())).collect()
}

#[test]
fn exponential_doubles_up_to_its_cap_and_gives_up() {
    let retry = Retry::exponential(Duration::from_secs(1), Duration::from_secs(5)).max_attempts(5);
    assert_eq!(delays(retry, 5), [Some(1), Some(2), Some(4), Some(5), None]);
}

#[test]
fn a_list_is_taken_in_turn() {
    const DELAYS: &[Duration] = &[Duration::from_secs(3), Duration::from_secs(7)];
    let retry = Retry::list(DELAYS);
    assert_eq!(delays(retry, 3), [Some(3), Some(7), None]);
}

#[test]
fn forever_never_overflows() {
    let retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    let start = DateTime::UNIX_EPOCH;
    assert_eq!(retry.after(u32::MAX, start, start, 0.5), Some(Duration::from_mins(5)));
}

#[test]
fn age_counts_the_coming_delay() {
    let retry = Retry::fixed(Duration::from_secs(10)).until_age(Duration::from_secs(25)).jitter(0);
    let start = DateTime::UNIX_EPOCH;
    assert!(retry.after(9, start, start + TimeDelta::seconds(15), 0.5).is_some());
    assert!(retry.after(9, start, start + TimeDelta::seconds(16), 0.5).is_none());
}

#[test]
fn attempts_and_age_end_at_whichever_comes_first() {
    for retry in [
        Retry::fixed(Duration::from_secs(10)).max_attempts(3).until_age(Duration::from_secs(25)),
        Retry::fixed(Duration::from_secs(10)).until_age(Duration::from_secs(25)).max_attempts(3),
    ] {
        let (retry, start) = (retry.jitter(0), DateTime::UNIX_EPOCH);
        assert!(retry.after(2, start, start + TimeDelta::seconds(15), 0.5).is_some());
        assert!(retry.after(3, start, start, 0.5).is_none(), "the attempts are used up");
        assert!(retry.after(1, start, start + TimeDelta::seconds(16), 0.5).is_none(), "its time is up");
    }
}

#[test]
fn jitter_stays_within_its_spread() {
    let retry = Retry::fixed(Duration::from_secs(100));
    let start = DateTime::UNIX_EPOCH;
    assert_eq!(retry.after(1, start, start, 0.0), Some(Duration::from_secs(90)));
    assert_eq!(retry.after(1, start, start, 1.0), Some(Duration::from_secs(110)));
}
