use chrono::TimeDelta;

use super::*;

fn noon() -> DateTime<Utc> {
    "2026-11-28T12:00:00Z".parse().expect("a time")
}

const SECOND: TimeDelta = TimeDelta::seconds(1);

#[test]
fn a_side_writes_once_the_order_is_completed_and_within_sixty_days() {
    let end = noon() + TimeDelta::days(60);
    assert_eq!(judge_writing(None, None, noon()), Err(ReviewRefusal::NotCompleted));
    for now in [noon(), end] {
        assert_eq!(judge_writing(Some(noon()), None, now), Ok(()));
    }
    assert_eq!(judge_writing(Some(noon()), None, end + SECOND), Err(ReviewRefusal::TooLate { since: end }));
}

#[test]
fn what_is_written_can_be_changed_until_it_is_shown_or_due() {
    let due_at = noon() + TimeDelta::days(7);
    let waits = Some(Written { due_at, shown_at: None });
    assert_eq!(judge_writing(Some(noon()), waits, due_at - SECOND), Ok(()));
    // The job has not run yet.
    assert_eq!(judge_writing(Some(noon()), waits, due_at), Err(ReviewRefusal::Shown { since: due_at }));
    let shown = Some(Written { due_at, shown_at: Some(noon()) });
    assert_eq!(judge_writing(Some(noon()), shown, noon()), Err(ReviewRefusal::Shown { since: noon() }));
    // Of an own review the seven days count, not the sixty.
    let late = Some(Written { due_at: noon() + TimeDelta::days(66), shown_at: None });
    assert_eq!(judge_writing(Some(noon()), late, noon() + TimeDelta::days(61)), Ok(()));
}

#[test]
fn reviews_are_shown_together_or_after_their_time() {
    let due_at = noon() + TimeDelta::days(7);
    let (waits, shown) =
        (Written { due_at, shown_at: None }, Written { due_at: noon(), shown_at: Some(noon() + SECOND) });
    assert_eq!(judge_showing(&[], noon()), Showing::Nothing);
    assert_eq!(judge_showing(&[waits], due_at - SECOND), Showing::NotYet { until: due_at });
    assert_eq!(judge_showing(&[waits], due_at), Showing::Now);
    assert_eq!(judge_showing(&[waits, waits], noon()), Showing::Now);
    // The other side writes after the first review was shown: nothing is left to be blind for.
    assert_eq!(judge_showing(&[shown, waits], noon()), Showing::Now);
    assert_eq!(judge_showing(&[shown], due_at), Showing::Nothing);
    assert_eq!(judge_showing(&[shown, shown], due_at), Showing::Nothing);
}
