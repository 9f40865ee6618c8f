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

fn redis() -> Redis {
    Redis::open(&"redis://127.0.0.1:1".into(), "t").unwrap()
}

fn counted(count: u64, resets_in: Duration) -> Counted {
    Counted { count, resets_in }
}

#[tokio::test]
async fn redis_is_told_of_a_callers_next_requests_together() {
    let (redis, start) = (redis(), Instant::now());
    assert_eq!(redis.ahead("a", 2, start), Next::Tell(1));
    assert_eq!(redis.learn("a", counted(7, WINDOW), start), counted(7, WINDOW));
    assert_eq!(redis.ahead("a", 2, start), Next::Known(counted(8, WINDOW)));
    assert_eq!(redis.ahead("a", 2, start), Next::Known(counted(9, WINDOW)));
    assert_eq!(redis.ahead("a", 2, start), Next::Tell(3));
    // While Redis is asked nothing is forgotten.
    assert_eq!(redis.ahead("a", 2, start), Next::Known(counted(11, WINDOW)));
    // Another process had five more.
    assert_eq!(redis.learn("a", counted(15, WINDOW), start), counted(16, WINDOW));
    // An answer that was overtaken.
    assert_eq!(redis.learn("a", counted(12, WINDOW), start), counted(16, WINDOW));
    assert_eq!(redis.ahead("b", 2, start), Next::Tell(1));
}

#[tokio::test]
async fn a_new_window_begins_without_what_was_not_told() {
    let (redis, start) = (redis(), Instant::now());
    let minute = Duration::from_mins(1);
    redis.learn("a", counted(7, minute), start);
    assert_eq!(redis.ahead("a", 2, start), Next::Known(counted(8, minute)));
    assert_eq!(redis.ahead("a", 2, start + minute), Next::Tell(1));
    assert_eq!(redis.learn("a", counted(1, WINDOW), start + minute), counted(1, WINDOW));
    // It may have begun in Redis before it has here.
    redis.learn("b", counted(7, minute), start);
    assert_eq!(redis.learn("b", counted(1, WINDOW), start), counted(1, WINDOW));
}

#[tokio::test]
async fn what_is_known_of_callers_is_bounded() {
    let (redis, now) = (redis(), Instant::now());
    for caller in 0..=MAX_CALLERS {
        redis.learn(&caller.to_string(), counted(1, WINDOW), now);
    }
    assert!(redis.ahead.lock().unwrap().len() <= MAX_CALLERS);
}
