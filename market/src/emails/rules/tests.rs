use chrono::DateTime;

use super::*;

#[test]
fn it_takes_several_refusals_over_days() {
    let refused = |refusals, hours| {
        let first_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        is_given_up(&Refusals { refusals, first_at, last_at: first_at + TimeDelta::hours(hours) })
    };
    assert!(!refused(1, 0));
    assert!(!refused(50, 71), "many mails during one block");
    assert!(!refused(2, 1000));
    assert!(refused(3, 72));
}
