use super::*;

#[test]
fn times_are_told_relative_to_the_database() {
    let now = DateTime::UNIX_EPOCH;
    assert_eq!(relative(Some(now - TimeDelta::seconds(12)), now), "12 s ago");
    assert_eq!(relative(Some(now + TimeDelta::seconds(184)), now), "in 3 min 4 s");
    assert_eq!(relative(None, now), "–");
}

#[test]
fn long_text_is_cut_between_characters() {
    assert_eq!(short("äöü", 3), "äöü");
    assert_eq!(short("äöüß", 3), "äö…");
    assert_eq!(short("one\ntwo", 10), "one…");
}
