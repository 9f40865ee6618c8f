use super::*;

#[test]
fn unless_set_less_than_a_tenth_of_the_capacity_is_low() {
    let cases = [
        (None, None, None),
        (Some(7), None, Some(7)),
        (Some(0), Some(100), Some(0)),
        (None, Some(100), Some(9)),
        (None, Some(101), Some(10)),
        (None, Some(95), Some(9)),
        (None, Some(10), Some(0)),
        (None, Some(1), Some(0)),
    ];
    for (low_at, capacity, expected) in cases {
        assert_eq!(threshold(low_at, capacity), expected, "{low_at:?} {capacity:?}");
    }
}

/// Exactly a tenth is not low, the largest number below it is, whatever the remainder.
#[test]
fn the_boundary_is_exact_for_every_capacity() {
    for capacity in (1..=1_000).chain([999_999_999, 1_000_000_000]) {
        let tenth = capacity / 10;
        for on_hand in (tenth - 1).max(0)..=tenth + 1 {
            let is_low = crossing(false, on_hand, threshold(None, Some(capacity))).is_some();
            assert_eq!(is_low, 10 * on_hand < capacity, "{on_hand} of {capacity}");
        }
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
