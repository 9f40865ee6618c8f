use std::collections::BTreeSet;

use super::*;

#[test]
fn every_area_can_be_read_and_changed() {
    let areas: BTreeSet<_> = SCOPES.iter().map(|scope| scope.split_once(':').unwrap().0).collect();
    assert_eq!(SCOPES.len(), 2 * areas.len());
    for area in areas {
        assert_eq!(Scope::of(area, false).unwrap().name(), format!("{area}:read"));
        assert_eq!(Scope::of(area, true).unwrap().name(), format!("{area}:write"));
    }
    assert_eq!((Scope::of("admin", false), Scope::of("orders:read", false)), (None, None));
}

#[test]
fn a_scope_that_is_not_known_any_more_grants_nothing() {
    let stored = ["orders:read", "orders:fly", "orders"].map(str::to_owned);
    assert_eq!(known(&stored), [Scope::of("orders", false).unwrap()]);
    assert!(serde_json::from_str::<Scope>("\"orders:fly\"").is_err());
    assert_eq!(serde_json::to_string(&known(&stored)).unwrap(), "[\"orders:read\"]");
}
