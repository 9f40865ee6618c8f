use super::*;

#[test]
fn a_window_begins_with_the_first_request_and_ends_by_itself() {
    let (local, start) = (Local::default(), Instant::now());
    let take = |key, minutes| local.take(key, start + Duration::from_mins(minutes));
    assert_eq!(take("a", 0), Counted { count: 1, resets_in: WINDOW });
    assert_eq!(take("a", 20), Counted { count: 2, resets_in: Duration::from_mins(40) });
    assert_eq!(take("b", 20), Counted { count: 1, resets_in: WINDOW });
    assert_eq!(take("a", 60), Counted { count: 1, resets_in: WINDOW });
    assert_eq!(take("b", 60).count, 2);
}

#[test]
fn the_counts_of_a_process_are_bounded() {
    let (local, now) = (Local::default(), Instant::now());
    for caller in 0..=MAX_CALLERS {
        local.take(&caller.to_string(), now);
    }
    assert!(local.0.lock().unwrap().len() <= MAX_CALLERS);
}
