use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

proptest! {
    /// Plays RabbitMQ: every acknowledged tag must still be unacknowledged, and cover only what was taken over.
    #[test]
    fn every_delivery_is_acknowledged_once_and_never_early(
        order in Just((1..=60u64).collect::<Vec<_>>()).prop_shuffle(),
        sizes in prop::collection::vec(1..9usize, 60),
        single in prop::collection::vec(any::<bool>(), 60),
    ) {
        let mut window = Window::new();
        let mut unacked: BTreeSet<u64> = (1..=60).collect();
        let mut taken_over = BTreeSet::new();
        let mut rest = order.as_slice();
        let mut round = 0;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(sizes[round].min(rest.len()));
            rest = later;
            for tag in now {
                window.add(*tag);
                taken_over.insert(*tag);
            }
            if let Some(last) = window.run() {
                prop_assert!(unacked.contains(&last));
                let after = unacked.split_off(&(last + 1));
                prop_assert!(unacked.is_subset(&taken_over));
                unacked = after;
            }
            if single[round] {
                for tag in window.held_up() {
                    prop_assert!(taken_over.contains(&tag) && unacked.remove(&tag));
                }
                prop_assert_eq!(window.waiting(), 0);
            }
            round += 1;
        }
        prop_assert!(unacked.is_empty());
    }
}
