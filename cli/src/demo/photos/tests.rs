use super::*;

#[test]
fn every_lot_has_photographs_and_all_are_used() {
    assert!((0..10).all(|place| of_lot(place).count() == EACH));
    let used: std::collections::BTreeSet<_> = (0..PHOTOS.len()).flat_map(of_lot).map(|it| it.bytes.as_ptr()).collect();
    assert_eq!(used.len(), PHOTOS.len());
    assert_eq!(variants(2), 2 * variants(1));
}
