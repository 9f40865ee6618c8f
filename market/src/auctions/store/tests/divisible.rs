use super::*;
use crate::listings::model::{ListingStatus, SaleMode};
use crate::listings::store as listings;
use crate::orders::store as orders;

#[tokio::test]
async fn a_divisible_lot_is_shared_out_at_each_ones_price() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.lot_mode = LotMode::Divisible;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let refused = bid(&mut conn, lot, a, 2_000).await;
    assert_eq!(refusal(refused), Refused::Quantity { min: 1, max: 100 });
    bid_for(&mut conn, lot, a, 2_000, Some(70)).await.expect("accepted");
    let second = bid_for(&mut conn, lot, b, 1_500, Some(30)).await.expect("accepted");
    assert_eq!((second.auction.price, second.auction.next_minimum), (eur(1_500), eur(1_550)));
    assert_eq!(refusal(bid_for(&mut conn, lot, c, 1_549, Some(1)).await), Refused::BelowMinimum { minimum: 1_550 });
    let third = bid_for(&mut conn, lot, c, 2_500, Some(40)).await.expect("accepted");
    assert_eq!(third.outbid, [b.org]);
    assert_eq!(third.auction.price, eur(2_000));
    let shown = bids(&mut conn, lot, None, None, 10).await.expect("bids").expect("the auction");
    let states: Vec<_> = shown.iter().map(|bid| (bid.quantity, bid.status)).collect();
    assert_eq!(states, [(40, BidStatus::Leading), (30, BidStatus::Outbid), (70, BidStatus::Leading)]);
    assert_eq!(seen(&mut conn, lot, Some(a)).await.you_lead, None);

    let closed = finish(&mut conn, lot).await;
    let shares: Vec<_> = closed.awards.iter().map(|award| (award.winner.org, award.quantity, award.amount)).collect();
    assert_eq!(shares, [(c.org, 40, eur(100_000)), (a.org, 60, eur(120_000))]);
    let order = orders::order(&mut conn, c.org, closed.awards[0].order).await.expect("read").expect("the order");
    assert_eq!((order.lines[0].quantity, order.lines[0].unit_price), (40, Some(eur(2_500))));
    let listing = listings::listing(&mut conn, closed.auction.listing_id).await.expect("read").expect("the listing");
    assert_eq!(listing.status, ListingStatus::SoldOut);
    let shown = bids(&mut conn, lot, None, None, 10).await.expect("bids").expect("the auction");
    let states: Vec<_> = shown.iter().map(|bid| bid.status).collect();
    assert_eq!(states, [BidStatus::Won, BidStatus::Lost, BidStatus::Won]);
    market.close(conn).await;
}

#[tokio::test]
async fn a_share_that_is_taken_back_is_free_again() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.lot_mode = LotMode::Divisible;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid_for(&mut conn, lot, a, 1_500, Some(50)).await.expect("accepted");
    let large = bid_for(&mut conn, lot, b, 2_000, Some(100)).await.expect("accepted");
    assert_eq!(large.auction.price, eur(2_000));
    let retracted = take_back(&mut conn, large.bid, b).await.expect("taken back");
    assert_eq!(retracted.auction.price, eur(1_000));
    assert_eq!(seen(&mut conn, lot, None).await.next_minimum, eur(1_000));
    let closed = finish(&mut conn, lot).await;
    assert_eq!(closed.awards.iter().map(|award| award.quantity).collect::<Vec<_>>(), [50]);
    let listing = listings::listing(&mut conn, closed.auction.listing_id).await.expect("read").expect("the listing");
    assert_eq!(listing.status, ListingStatus::Ended);
    market.close(conn).await;
}

#[tokio::test]
async fn of_a_divisible_lots_bids_only_those_that_can_be_served_are_read() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.lot_mode = LotMode::Divisible;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let mut cents = 1_000;
    for _ in 0..130 {
        let placed = bid_for(&mut conn, lot, a, cents, Some(100)).await.expect("accepted");
        cents = placed.auction.next_minimum.minor();
    }
    let second = seen(&mut conn, lot, None).await.price;
    let best = bid_for(&mut conn, lot, b, cents, Some(100)).await.expect("accepted");
    let mut tx = conn.begin().await.expect("a transaction");
    let locked = lock::lock(&mut tx, lot, None).await.expect("locks").expect("the auction");
    tx.rollback().await.expect("unlocked");
    assert_eq!((locked.state.book.len(), locked.state.book[0].price), (100, cents));
    // Whatever was not read is still there when it counts.
    let back = take_back(&mut conn, best.bid, b).await.expect("taken back");
    assert_eq!(back.auction.price, second);
    assert_eq!(finish(&mut conn, lot).await.awards[0].amount, eur(second.minor() * 100));
    market.close(conn).await;
}

#[tokio::test]
async fn a_divisible_lot_has_at_most_a_thousand_shares() {
    let (market, mut conn) = TestMarket::new().await;
    let mut terms = terms(&mut conn).await;
    terms.lot_mode = LotMode::Divisible;
    for (quantity, accepted) in [(1_000, true), (1_001, false)] {
        let listing = listing(&mut conn, market.seller, SaleMode::Auction, quantity).await;
        let made = create(&mut conn, market.seller.org, market.seller.user, listing, &terms).await;
        assert_eq!(made.is_ok(), accepted, "{made:?}");
        assert!(accepted || matches!(made, Err(AuctionError::Invalid(_))), "{made:?}");
    }
    market.close(conn).await;
}
