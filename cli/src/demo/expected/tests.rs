use super::super::bids::{XBOX, parse};
use super::*;

#[test]
fn the_recorded_auctions_end_as_they_did() {
    let auctions = parse(XBOX).unwrap();
    let endings: Vec<_> = auctions.iter().map(|auction| ending(auction).unwrap()).collect();
    assert_eq!(endings.iter().map(|ending| ending.accepted).sum::<u64>(), 2_776);
    assert_eq!(endings.iter().map(|ending| ending.refused).sum::<u64>(), 35);
    let exact = auctions.iter().zip(&endings).filter(|(auction, ending)| ending.price == Some(auction.final_price));
    assert_eq!(exact.count(), 144);
}
