use super::*;

fn refused(result: Result<Retracted, AuctionError>) -> RetractRefused {
    match result {
        Err(AuctionError::RetractRefused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn price_and_leader_follow_from_the_remaining_bids() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let first = bid(&mut conn, lot, a, 3_000).await.expect("accepted");
    let high = bid(&mut conn, lot, b, 9_000).await.expect("accepted");
    let third = bid(&mut conn, lot, c, 5_000).await.expect("accepted");
    assert_eq!(third.auction.price, eur(5_100));
    let retracted = take_back(&mut conn, high.bid, b).await.expect("taken back");
    assert_eq!((retracted.auction.price, retracted.public_change, retracted.auction.version), (eur(3_100), true, 5));
    assert_eq!(retracted.new_leader, Some(c.org));
    assert_row_follows_bids(&mut conn, lot).await;
    let view = seen(&mut conn, lot, Some(c)).await;
    assert_eq!((view.you_lead, view.bid_count, view.next_minimum), (Some(true), 2, eur(3_200)));
    // It stays in the history, marked.
    let shown = bids(&mut conn, lot, Some(b.org), None, 10).await.expect("bids").expect("the auction");
    let states: Vec<_> = shown.iter().map(|bid| (bid.number, bid.status, bid.retracted_at.is_some())).collect();
    assert_eq!(
        states,
        [(3, BidStatus::Leading, false), (2, BidStatus::Retracted, true), (1, BidStatus::Outbid, false)]
    );
    assert_eq!(refused(take_back(&mut conn, high.bid, b).await), RetractRefused::Already);
    assert_eq!(refused(take_back(&mut conn, first.bid, b).await), RetractRefused::NotYours);
    let missing = take_back(&mut conn, BidId::generate(), b).await;
    assert!(matches!(missing, Err(AuctionError::NotFound)), "{missing:?}");
    take_back(&mut conn, first.bid, a).await.expect("taken back");
    take_back(&mut conn, third.bid, c).await.expect("taken back");
    let view = seen(&mut conn, lot, None).await;
    assert_eq!((view.price, view.next_minimum, view.bid_count), (eur(1_000), eur(1_000), 0));
    assert_row_follows_bids(&mut conn, lot).await;
    // The next bid is the first again, under the next number.
    bid(&mut conn, lot, a, 2_000).await.expect("accepted");
    assert_eq!(finish(&mut conn, lot).await.awards.len(), 1);
    market.close(conn).await;
}

#[tokio::test]
async fn in_the_last_twelve_hours_only_a_young_bid_goes() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let old = bid(&mut conn, lot, a, 3_000).await.expect("accepted");
    end_in(&mut conn, lot, TimeDelta::hours(11)).await;
    let young = bid(&mut conn, lot, b, 5_000).await.expect("accepted");
    assert_eq!(refused(take_back(&mut conn, old.bid, a).await), RetractRefused::TooLate);
    take_back(&mut conn, young.bid, b).await.expect("taken back");
    let other = bid(&mut conn, lot, c, 6_000).await.expect("accepted");
    end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
    assert_eq!(refused(take_back(&mut conn, other.bid, c).await), RetractRefused::Ended);
    market.close(conn).await;
}

#[tokio::test]
async fn taking_a_hidden_raise_back_is_hidden_too() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, a, 3_000).await.expect("accepted");
    let raise = bid(&mut conn, lot, a, 6_000).await.expect("accepted");
    let before = seen(&mut conn, lot, Some(b)).await;
    let retracted = take_back(&mut conn, raise.bid, a).await.expect("taken back");
    assert_eq!((retracted.public_change, retracted.new_leader), (false, None));
    let after = seen(&mut conn, lot, Some(b)).await;
    assert_eq!(after, AuctionView { server_time: after.server_time, ..before });
    assert_row_follows_bids(&mut conn, lot).await;
    bid(&mut conn, lot, b, 4_000).await.expect("accepted");
    assert_eq!(seen(&mut conn, lot, Some(b)).await.you_lead, Some(true));
    market.close(conn).await;
}

#[tokio::test]
async fn a_retraction_brings_buy_now_back() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.buy_now = Some(eur(9_000));
    let lot = auction(&mut conn, market.seller, &terms).await;
    let only = bid(&mut conn, lot, a, 3_000).await.expect("accepted");
    assert_eq!(seen(&mut conn, lot, None).await.buy_now, None);
    take_back(&mut conn, only.bid, a).await.expect("taken back");
    assert_eq!(seen(&mut conn, lot, None).await.buy_now, Some(eur(9_000)));
    purchase(&mut conn, lot, b).await.expect("bought");
    market.close(conn).await;
}

#[tokio::test]
async fn a_bid_takes_its_hidden_raises_along() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.buy_now = Some(eur(9_000));
    let lot = auction(&mut conn, market.seller, &terms).await;
    let first = bid(&mut conn, lot, a, 2_000).await.expect("accepted");
    let raise = bid(&mut conn, lot, a, 6_000).await.expect("accepted");
    assert_eq!(raise.effect, Effect::Raised);
    take_back(&mut conn, first.bid, a).await.expect("taken back");
    let view = seen(&mut conn, lot, Some(a)).await;
    assert_eq!((view.you_lead, view.bid_count, view.price), (Some(false), 0, eur(1_000)));
    assert_eq!((view.next_minimum, view.buy_now), (eur(1_000), Some(eur(9_000))));
    assert_row_follows_bids(&mut conn, lot).await;
    assert_eq!(refused(take_back(&mut conn, raise.bid, a).await), RetractRefused::Already);
    // Nothing goes on bidding for somebody who has left.
    let placed = bid(&mut conn, lot, b, 1_000).await.expect("accepted");
    assert_eq!((placed.effect, placed.auction.price), (Effect::Leads, eur(1_000)));
    market.close(conn).await;
}

#[tokio::test]
async fn a_bid_leaves_the_raises_of_other_bids_alone() {
    use BidStatus::{Leading, Outbid, Retracted};
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let first = bid(&mut conn, lot, a, 2_000).await.expect("accepted");
    bid(&mut conn, lot, a, 3_000).await.expect("raised");
    bid(&mut conn, lot, b, 4_000).await.expect("accepted");
    bid(&mut conn, lot, b, 5_000).await.expect("raised");
    bid(&mut conn, lot, a, 6_000).await.expect("accepted");
    bid(&mut conn, lot, a, 7_000).await.expect("raised");
    take_back(&mut conn, first.bid, a).await.expect("taken back");
    let states = async |conn: &mut PgConnection, viewer: Option<Trader>| {
        let shown = bids(conn, lot, viewer.map(|viewer| viewer.org), None, 10).await.expect("bids");
        let shown = shown.expect("the auction");
        shown.iter().map(|bid| (bid.number, bid.raise, bid.status)).collect::<Vec<_>>()
    };
    assert_eq!(states(&mut conn, None).await, [(3, false, Leading), (2, false, Outbid), (1, false, Retracted)]);
    // Everybody sees their own raises, and only those.
    assert_eq!(
        states(&mut conn, Some(a)).await,
        [(5, true, Leading), (4, false, Leading), (3, false, Outbid), (2, true, Retracted), (1, false, Retracted)]
    );
    assert_eq!(
        states(&mut conn, Some(b)).await,
        [(4, false, Leading), (3, true, Outbid), (2, false, Outbid), (1, false, Retracted)]
    );
    let view = seen(&mut conn, lot, Some(a)).await;
    assert_eq!((view.you_lead, view.price, view.bid_count), (Some(true), eur(5_100), 2));
    assert_row_follows_bids(&mut conn, lot).await;
    market.close(conn).await;
}
