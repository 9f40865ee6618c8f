use super::super::bids::{XBOX, parse};
use super::*;

#[test]
fn every_bid_falls_between_start_and_end_in_order() {
    let auctions = parse(XBOX).unwrap();
    for play in [Duration::ZERO, SHORTEST, Duration::from_secs(75)] {
        let slots = lay_out(&auctions, play);
        assert_eq!(slots.len(), auctions.len());
        for (slot, auction) in slots.iter().zip(&auctions) {
            assert_eq!(slot.bids.len(), auction.bids.len());
            assert!(slot.bids.is_sorted());
            let (first, last) = (*slot.bids.first().unwrap(), *slot.bids.last().unwrap());
            assert!(first >= slot.starts + AFTER_START && last + BEFORE_END <= slot.ends, "{slot:?}");
            assert!(slot.ends <= play.max(SHORTEST));
        }
    }
}

#[test]
fn bids_come_at_an_even_pace() {
    let auctions = parse(XBOX).unwrap();
    let slots = lay_out(&auctions, Duration::from_secs(80));
    let mut seconds = std::collections::BTreeMap::<u64, usize>::new();
    slots.iter().flat_map(|slot| &slot.bids).for_each(|bid| *seconds.entry(bid.as_secs() / 5).or_default() += 1);
    let (most, mean) = (seconds.values().max().unwrap(), 2_811 / seconds.len());
    assert!(*most < mean * 2, "{seconds:?}");
    assert_eq!(seconds.keys().next(), Some(&0), "the first one comes at once");
}

#[test]
fn ends_are_spread_and_longer_auctions_are_longer() {
    let auctions = parse(XBOX).unwrap();
    let slots = lay_out(&auctions, Duration::from_secs(80));
    assert!(slots.windows(2).all(|pair| pair[0].ends < pair[1].ends));
    let length = |days: i64| {
        let place = auctions.iter().position(|auction| auction.duration.num_days() == days).unwrap();
        slots[place].ends.saturating_sub(slots[place].starts)
    };
    assert!(length(3) < length(5) && length(5) < length(7));
}
