use std::f64::consts::PI;

use proptest::prelude::*;

use super::*;

const EARTH: f64 = 6_371_008.8;
const ONE_DEGREE: f64 = EARTH * PI / 180.0;

fn on(body: &str, latitude: f64, longitude: f64) -> Point<'_> {
    Point { body, latitude, longitude }
}

fn apart(a: (f64, f64), b: (f64, f64)) -> f64 {
    distance_m(on("earth", a.0, a.1), on("earth", b.0, b.1), EARTH).expect("one body")
}

#[test]
fn distance_is_right_across_the_antimeridian_and_at_the_poles() {
    let cases = [
        ((0.0, 0.0), (0.0, 1.0), ONE_DEGREE),
        ((0.0, 179.5), (0.0, -179.5), ONE_DEGREE),
        ((0.0, 180.0), (0.0, -180.0), 0.0),
        ((90.0, 0.0), (90.0, 120.0), 0.0),
        ((90.0, 17.0), (89.0, -63.0), ONE_DEGREE),
        ((-89.5, 0.0), (-89.5, 180.0), ONE_DEGREE),
        ((90.0, 0.0), (-90.0, 0.0), 180.0 * ONE_DEGREE),
        ((0.0, -90.0), (0.0, 90.0), 180.0 * ONE_DEGREE),
    ];
    for (a, b, expected) in cases {
        let found = apart(a, b);
        assert!((found - expected).abs() < 1.0, "{a:?} to {b:?}: {found}, not {expected}");
    }
}

#[test]
fn hamburg_and_munich_are_612_kilometres_apart() {
    let found = apart((53.5511, 9.9937), (48.1372, 11.5755));
    assert!((found - 612_000.0).abs() < 2_000.0, "{found}");
}

#[test]
fn distance_is_within_one_body() {
    assert_eq!(distance_m(on("earth", 0.0, 0.0), on("mars", 0.0, 0.0), EARTH), None);
    let moon = distance_m(on("moon", 0.0, 0.0), on("moon", 0.0, 180.0), 1_737_400.0).expect("one body");
    assert!((moon - 1_737_400.0 * PI).abs() < 1.0, "{moon}");
}

proptest! {
    #[test]
    fn distance_is_a_metric(
        a in (-90.0..=90.0, -180.0..=180.0),
        b in (-90.0..=90.0, -180.0..=180.0),
        c in (-90.0..=90.0, -180.0..=180.0),
    ) {
        let (there, back) = (apart(a, b), apart(b, a));
        prop_assert!((there - back).abs() < 0.01);
        prop_assert!((0.0..=180.0 * ONE_DEGREE + 0.01).contains(&there));
        prop_assert!(there <= apart(a, c) + apart(c, b) + 0.01);
    }
}
