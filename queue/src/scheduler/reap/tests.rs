use chrono::TimeDelta;

use super::*;

fn sign(at: i64) -> SignOfLife {
    SignOfLife { worker: 1, at: DateTime::UNIX_EPOCH + TimeDelta::seconds(at), ended: false }
}

#[test]
fn a_worker_is_dead_when_it_was_silent_for_a_lease_by_the_reapers_own_measure() {
    let mut watch = Watch::default();
    let start = Instant::now();
    let mut look = |seconds, sign: SignOfLife| !watch.look(start + Duration::from_secs(seconds), &[sign]).is_empty();
    // The database's clock is set an hour forward and then two hours back; the worker renews all the time.
    for second in 0..20 {
        assert!(!look(second, sign(i64::try_from(second).unwrap())));
    }
    assert!(!look(20, sign(3_620)));
    assert!(!look(21, sign(-3_579)));
    // From here on it is silent.
    for second in 22..36 {
        assert!(!look(second, sign(-3_579)), "{second}");
    }
    assert!(look(36, sign(-3_579)));
}

#[test]
fn a_worker_whose_process_was_seen_to_end_is_dead_at_once() {
    let mut watch = Watch::default();
    assert_eq!(watch.look(Instant::now(), &[SignOfLife { ended: true, ..sign(0) }]).len(), 1);
}

#[test]
fn a_reaper_that_was_cut_off_looks_for_a_while_before_it_declares_anybody_dead() {
    let mut watch = Watch::default();
    let start = Instant::now();
    let mut look = |seconds| !watch.look(start + Duration::from_secs(seconds), &[sign(0)]).is_empty();
    assert!(!(0..14).any(&mut look));
    // Twenty seconds without the database, or frozen.
    assert!(!(34..39).any(&mut look));
    assert!(look(39));
}

#[test]
fn a_clock_that_was_set_back_is_noticed_once() {
    let mut watch = Watch::default();
    let start = Instant::now();
    let mut look = |seconds: u64, shown: i64| {
        watch.was_set_back(start + Duration::from_secs(seconds), DateTime::UNIX_EPOCH + TimeDelta::seconds(shown))
    };
    assert!(look(0, 0), "nobody knows what was before");
    assert!(!look(1, 1));
    assert!(!look(2, 3_602), "forward delays nothing");
    assert!(look(3, 3));
    assert!(!look(4, 4));
}
