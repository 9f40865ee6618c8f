use super::*;

#[test]
fn unless_set_a_tenth_of_the_capacity_rounded_up_is_low() {
    let cases = [
        (None, None, None),
        (Some(7), None, Some(7)),
        (Some(0), Some(100), Some(0)),
        (None, Some(100), Some(10)),
        (None, Some(101), Some(11)),
        (None, Some(1), Some(1)),
    ];
    for (low_at, capacity, expected) in cases {
        assert_eq!(threshold(low_at, capacity), expected, "{low_at:?} {capacity:?}");
    }
}

#[test]
fn only_the_change_of_side_is_a_crossing() {
    let line = Some(10);
    assert_eq!(crossing(false, 11, line), None);
    assert_eq!(crossing(false, 10, line), Some(Crossing::Down));
    assert_eq!(crossing(true, 10, line), None);
    assert_eq!(crossing(true, 0, line), None);
    assert_eq!(crossing(true, 11, line), Some(Crossing::Up));
    assert_eq!(crossing(false, 0, None), None);
    assert_eq!(crossing(true, 0, None), Some(Crossing::Up), "nobody asks any more");
}
