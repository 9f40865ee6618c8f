use proptest::prelude::*;

use super::*;
use crate::stock::rules::distance::{Point, distance_m};

const EARTH: f64 = 6_371_008.8;

fn holds(areas: &[Area], latitude: f64, longitude: f64) -> bool {
    areas
        .iter()
        .any(|area| (area.south..=area.north).contains(&latitude) && (area.west..=area.east).contains(&longitude))
}

#[test]
fn the_date_line_parts_a_circle_in_two_and_a_pole_takes_every_meridian() {
    let fiji = around(-17.0, 179.9, 50_000.0, EARTH);
    assert_eq!(fiji.len(), 2, "{fiji:?}");
    assert!(holds(&fiji, -17.0, -179.9) && holds(&fiji, -17.0, 179.5) && !holds(&fiji, -17.0, 0.0));
    let west = around(-17.0, -179.9, 50_000.0, EARTH);
    assert!(holds(&west, -17.0, 179.9) && !holds(&west, -17.0, 178.0), "{west:?}");
    let pole = around(89.9, 0.0, 50_000.0, EARTH);
    assert!(holds(&pole, 89.9, 180.0) && !holds(&pole, 88.0, 0.0), "{pole:?}");
    assert!(holds(&around(0.0, 0.0, 1e9, EARTH), -90.0, 180.0));
    let hamburg = around(53.5, 10.0, 50_000.0, EARTH);
    assert!(!holds(&hamburg, 54.0, 10.0) && !holds(&hamburg, 53.5, 10.8), "{hamburg:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]
    #[test]
    fn what_is_near_lies_in_the_areas(
        north in prop_oneof![-90.0..=90.0, 89.0..=90.0, -90.0..=-89.0], east in prop_oneof![-180.0..=180.0, 179.0..=180.0],
        there_north in prop_oneof![-90.0..=90.0, 88.0..=90.0], there_east in prop_oneof![-180.0..=180.0, -180.0..=-179.0],
        more in 0.0..1.0_f64,
    ) {
        let here = Point { body: "earth", latitude: north, longitude: east };
        let there = Point { body: "earth", latitude: there_north, longitude: there_east };
        let distance = distance_m(here, there, EARTH).expect("one body");
        let areas = around(north, east, distance + more, EARTH);
        prop_assert!(holds(&areas, there_north, there_east), "{} m: {:?}", distance, areas);
    }
}
