use super::*;
use crate::ids::RegionId;

fn new(kind: RegionKind, radius_m: Option<f64>) -> NewRegion {
    let parent_id = (kind != RegionKind::Body).then(RegionId::generate);
    NewRegion { parent_id, kind, slug: "x-1".to_owned(), name: "X".to_owned(), radius_m }
}

fn fault(new: &NewRegion, above: Option<RegionKind>) -> Option<String> {
    placed(new, above).err().map(|invalid| invalid.pointer)
}

#[test]
fn a_region_is_smaller_than_what_it_lies_in() {
    use RegionKind::{Body, Country, District, State};
    let all = [Body, Country, State, District];
    for (size, above) in all.into_iter().enumerate() {
        for (smaller, kind) in all.into_iter().enumerate().skip(1) {
            let wrong = (smaller <= size).then(|| "/kind".to_owned());
            assert_eq!(fault(&new(kind, None), Some(above)), wrong, "{kind:?} in {above:?}");
        }
        assert_eq!(fault(&new(Body, Some(7.0)), Some(above)).as_deref(), Some("/parent_id"));
    }
    assert_eq!(fault(&new(Country, None), None).as_deref(), Some("/parent_id"));
}

#[test]
fn a_body_has_a_radius_and_nothing_else_has() {
    for radius in [1.0, 6_371_008.8, 1_000_000_000.0] {
        assert_eq!(fault(&new(RegionKind::Body, Some(radius)), None), None);
        let state = new(RegionKind::State, Some(radius));
        assert_eq!(fault(&state, Some(RegionKind::Country)).as_deref(), Some("/radius_m"));
    }
    for radius in [None, Some(0.0), Some(0.99), Some(-1.0), Some(1_000_000_000.5), Some(f64::NAN), Some(f64::INFINITY)]
    {
        assert_eq!(fault(&new(RegionKind::Body, radius), None).as_deref(), Some("/radius_m"), "{radius:?}");
    }
}

#[test]
fn a_slug_is_one_word_of_a_code() {
    for slug in ["", "DE", "de/by", "d e", "ü", "de_by", "de\0"] {
        let new = NewRegion { slug: slug.to_owned(), ..new(RegionKind::Country, None) };
        assert_eq!(fault(&new, Some(RegionKind::Body)).as_deref(), Some("/slug"), "{slug:?}");
    }
}
