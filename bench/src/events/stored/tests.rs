use std::collections::HashSet;

use super::*;

#[test]
fn drained_events_are_scattered_and_none_is_another_one() {
    let mut ids = HashSet::new();
    for n in SEQUENCE..SEQUENCE + 2_000 {
        let event = scattered(n, 1_000).unwrap();
        assert!(ids.insert((event.source.clone(), event.source_event_id.clone())));
        assert!(event.shipment.as_str() <= "SHP-00000999", "{}", event.shipment);
    }
    let firsts: HashSet<_> = ids.iter().map(|(_, id)| &id[..1]).collect();
    assert_eq!(firsts.len(), 16);
}

#[test]
fn a_fill_that_would_take_too_long_or_too_much_room_is_left_out() {
    let before = (1_000_000, Duration::from_secs(10));
    assert_eq!(too_much((0, Duration::ZERO), 0.0, 100_000), None);
    assert_eq!(too_much(before, 600.0, 10_000_000), None);
    assert!(too_much((1_000_000, Duration::from_secs(20)), 600.0, 10_000_000).is_some());
    assert!(too_much(before, 1_300.0, 10_000_000).is_some());
}
