use super::*;

#[test]
fn an_auction_is_right_if_it_went_once_to_its_leader_or_to_nobody_without_bids() {
    let (sold, unsold) = (AuctionId::generate(), AuctionId::generate());
    let (leader, other) = (OrgId::generate(), OrgId::generate());
    let winners = Winners::from([(sold, Some(leader)), (unsold, None)]);
    let right = |auction, status: &str, awarded: Vec<Uuid>, orders| {
        is_right(&(auction, status.to_owned(), awarded, orders), &winners)
    };

    assert!(right(sold, "awarded", vec![leader.0], 1));
    assert!(!right(sold, "awarded", vec![other.0], 1), "another one's");
    assert!(!right(sold, "awarded", vec![leader.0, leader.0], 2), "twice");
    assert!(!right(sold, "awarded", vec![leader.0], 0), "without an order");
    assert!(!right(sold, "live", Vec::new(), 0), "still open");
    assert!(right(unsold, "unsold", Vec::new(), 0));
    assert!(!right(unsold, "awarded", vec![other.0], 1));
    assert!(!right(AuctionId::generate(), "unsold", Vec::new(), 0), "not one of ours");
}
