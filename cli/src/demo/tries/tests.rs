use std::time::Duration;

use super::*;

fn too_slow() -> anyhow::Error {
    TooSlow(Duration::from_secs(9)).into()
}

/// What it says after so many tries that came no further, of which the API was away in some.
fn last_words(unanswered: &[bool]) -> String {
    let mut tries = Tries::default();
    let (last, before) = unanswered.split_last().unwrap();
    for unanswered in before {
        tries.begin(7);
        tries.end(too_slow(), *unanswered).unwrap();
    }
    tries.begin(7);
    format!("{:#}", tries.end(too_slow(), *last).unwrap_err())
}

#[test]
fn an_api_that_keeps_going_away_is_not_called_a_slow_machine() {
    assert!(last_words(&[false; 5]).starts_with("the machine is too slow"));
    for unanswered in [[true; 5], [true, true, true, true, false], [false, false, false, false, true]] {
        let times = unanswered.iter().filter(|it| **it).count();
        let expected = format!("the API did not answer in {times} of 5 tries");
        assert!(last_words(&unanswered).starts_with(&expected), "{unanswered:?}");
    }
}

#[test]
fn only_tries_without_progress_count() {
    let mut tries = Tries::default();
    for stored in [10, 20, 30] {
        for _ in 0..4 {
            // A round that was interrupted leaves less for the next one to build on: that is no progress.
            for so_far in [stored, stored - 5] {
                tries.begin(so_far);
            }
            tries.end(too_slow(), true).unwrap();
        }
    }
    tries.begin(30);
    assert!(tries.end(too_slow(), true).is_err());
}

#[test]
fn any_other_fault_ends_the_run_at_once() {
    let mut tries = Tries::default();
    tries.begin(0);
    let fault = tries.end(anyhow::anyhow!("no worker runs"), true).unwrap_err();
    assert_eq!(fault.to_string(), "no worker runs");
}
