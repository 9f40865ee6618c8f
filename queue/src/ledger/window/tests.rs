use super::*;

#[test]
fn slow_jobs_make_the_window_small_and_short_ones_leave_it_whole() {
    // 32 places with jobs of a second: not 62 s of work, but 4 s.
    assert_eq!(effective(2_000, 32, Some(1_000_000.0)), 128);
    assert_eq!(effective(2_000, 32, Some(60_000_000.0)), 128);
    assert_eq!(effective(2_000, 32, Some(100_000.0)), 640);
    assert_eq!(effective(2_000, 32, Some(500.0)), 2_000);
}

#[test]
fn the_setting_is_never_exceeded_and_holds_while_nothing_is_known() {
    assert_eq!(effective(50, 32, Some(1_000_000.0)), 50);
    assert_eq!(effective(2_000, 32, None), 2_000);
    assert_eq!(effective(2_000, 0, Some(1_000_000.0)), 2_000);
    assert_eq!(effective(2_000, 32, Some(0.0)), 2_000);
}

#[test]
fn a_rate_limit_lets_a_second_of_work_and_the_burst_into_the_broker() {
    assert_eq!(at_rate(20.0, 5.0), 25);
    assert_eq!(at_rate(0.1, 1.0), 2);
}

#[test]
fn an_eighth_of_the_window_is_known_by_what_jobs_take_unless_places_would_be_idle() {
    assert_eq!(eighth(128, 32, Some(1_000_000.0)), Duration::from_millis(500));
    assert_eq!(eighth(2_000, 50, Some(50.0)), Duration::from_micros(250));
    assert_eq!(eighth(40, 32, Some(1_000_000.0)), Duration::ZERO, "a limit on concurrency");
    assert_eq!(eighth(128, 32, None), Duration::ZERO);
    assert_eq!(eighth(2_000, 0, Some(50.0)), Duration::ZERO);
}
