use chrono::TimeDelta;

use super::*;

#[test]
fn a_reaper_that_was_cut_off_looks_for_a_while_before_it_buries() {
    let mut contact = Contact::default();
    let start = DateTime::UNIX_EPOCH;
    let mut look = |seconds| contact.look(start + TimeDelta::seconds(seconds));
    assert_eq!([0, 1, 2, 3, 4].map(&mut look), [false; 5]);
    assert_eq!([5, 6].map(&mut look), [true; 2]);
    // Twenty seconds without the database, or frozen.
    assert_eq!([26, 27, 30].map(&mut look), [false; 3]);
    assert!(look(31));
}
