use super::*;

#[test]
fn what_is_available_is_granted_and_no_more() {
    let cases = [(1, 1, Ok(())), (5, 4, Ok(())), (1, 2, Err(1)), (0, 1, Err(0)), (-3, 1, Err(0))];
    for (available, wanted, expected) in cases {
        assert_eq!(grant(available, wanted), expected, "{wanted} of {available}");
    }
}

#[test]
fn a_count_is_by_how_much_or_what_there_is() {
    assert_eq!(Count::By(-3).delta(10), -3);
    assert_eq!(Count::To(4).delta(10), -6);
    assert_eq!(Count::To(10).delta(10), 0);
    assert_eq!(Count::To(i64::MIN).delta(10), i64::MIN);
}
