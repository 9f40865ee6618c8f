use super::*;

#[test]
fn the_median_is_the_middle_run() {
    assert!((median(&[9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    assert!((median(&[4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < f64::EPSILON);
    assert!((median(&[7.0]) - 7.0).abs() < f64::EPSILON);
    assert!(median(&[]).is_nan());
}

#[test]
fn figures_are_rounded_to_what_a_run_repeats() {
    assert!((rounded(12_345.678) - 12_346.0).abs() < f64::EPSILON);
    assert!((rounded(1.23456) - 1.23).abs() < f64::EPSILON);
}
