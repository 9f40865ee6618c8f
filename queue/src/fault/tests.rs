use super::*;

#[test]
fn an_armed_point_breaks_once_and_no_other_does() {
    arm("Claimed".parse().unwrap(), "Error".parse().unwrap());
    assert!(pass(Point::Committed).is_ok());
    assert!(pass(Point::Claimed).is_err());
    assert!(pass(Point::Claimed).is_ok());
}
