use super::*;

#[tokio::test]
async fn bids_move_price_and_leader_and_tell_who_was_outbid() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let first = bid(&mut conn, lot, a, 5_000).await.expect("accepted");
    assert_eq!(
        (first.effect, first.auction.price, first.auction.next_minimum),
        (Effect::Leads, eur(1_000), eur(1_050))
    );
    assert_eq!(first.outbid, []);
    assert!(!first.end_moved);
    let second = bid(&mut conn, lot, b, 9_000).await.expect("accepted");
    assert_eq!((second.effect, second.auction.price), (Effect::Leads, eur(5_100)));
    assert_eq!(second.outbid, [a.org]);
    let third = bid(&mut conn, lot, a, 6_000).await.expect("accepted");
    assert_eq!((third.effect, third.auction.price), (Effect::Outbid, eur(6_100)));
    assert_eq!(third.outbid, []);
    assert_eq!(refusal(bid(&mut conn, lot, a, 6_199).await), Refused::BelowMinimum { minimum: 6_200 });
    assert_row_follows_bids(&mut conn, lot).await;

    let view = seen(&mut conn, lot, Some(b)).await;
    assert_eq!((view.price, view.next_minimum, view.bid_count, view.version), (eur(6_100), eur(6_200), 3, 4));
    assert_eq!(view.you_lead, Some(true));
    assert_eq!(seen(&mut conn, lot, Some(a)).await.you_lead, Some(false));
    assert_eq!(seen(&mut conn, lot, None).await.you_lead, None);
    let both = bidders(&mut conn, lot, 0, 10).await.expect("bidders");
    assert_eq!(both, [AuctionBidder { number: 1, org: a.org }, AuctionBidder { number: 2, org: b.org }]);
    assert_eq!(bidders(&mut conn, lot, 1, 10).await.expect("bidders"), both[1..]);
    market.close(conn).await;
}

#[tokio::test]
async fn nobody_hears_of_a_leaders_raise() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.soft_close_seconds = Some(86_400);
    terms.ends_at = database_time(&mut conn).await + TimeDelta::hours(23);
    terms.hard_ends_at = Some(terms.ends_at + TimeDelta::days(5));
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, a, 5_000).await.expect("accepted");
    let before = seen(&mut conn, lot, Some(b)).await;
    let shown_before = bids(&mut conn, lot, Some(b.org), None, 100).await.expect("bids");
    let raise = bid(&mut conn, lot, a, 8_000).await.expect("accepted");
    assert_eq!(raise.effect, Effect::Raised);
    assert!(!raise.public_change && !raise.end_moved);
    let after = seen(&mut conn, lot, Some(b)).await;
    assert_eq!(after, AuctionView { server_time: after.server_time, ..before });
    let shown = bids(&mut conn, lot, Some(b.org), None, 100).await.expect("bids");
    assert_eq!(shown, shown_before);
    // The next bid has the next number, as if there had been no raise.
    bid(&mut conn, lot, b, 7_000).await.expect("accepted");
    let shown = bids(&mut conn, lot, Some(b.org), None, 100).await.expect("bids").expect("the auction");
    assert_eq!(shown.iter().map(|bid| bid.number).collect::<Vec<_>>(), [2, 1]);
    assert_row_follows_bids(&mut conn, lot).await;
    market.close(conn).await;
}

#[tokio::test]
async fn what_people_see_holds_no_secret() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.reserve = Some(secret(7_717_171));
    let lot = auction(&mut conn, market.seller, &terms).await;
    let placed = bid(&mut conn, lot, a, 5_515_151).await.expect("accepted");
    let view = seen(&mut conn, lot, Some(b)).await;
    assert!(!view.reserve_met);
    let shown = bids(&mut conn, lot, Some(b.org), None, 100).await.expect("bids").expect("the auction");
    let json =
        format!("{} {}", serde_json::to_string(&view).expect("json"), serde_json::to_string(&shown).expect("json"));
    let debug = format!("{view:?} {shown:?} {placed:?} {terms:?}");
    for text in [&json, &debug] {
        for secret in ["7717171", "77171.71", "5515151", "55151.51"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    for word in ["\"maximum\"", "\"reserve\"", &a.org.to_string()] {
        assert!(!json.contains(word), "{json}");
    }
    // A maximum that was spent when it was outbid is a secret again, once the bid that beat it is gone.
    bid(&mut conn, lot, b, 3_131_313).await.expect("accepted");
    take_back(&mut conn, placed.bid, a).await.expect("taken back");
    for viewer in [None, Some(b), Some(c)] {
        let view = seen(&mut conn, lot, viewer).await;
        let shown =
            bids(&mut conn, lot, viewer.map(|viewer| viewer.org), None, 100).await.expect("bids").expect("the auction");
        let leading: Vec<_> = shown.iter().filter(|bid| bid.status == BidStatus::Leading).collect();
        assert!(matches!(leading.as_slice(), [bid] if bid.amount == view.price), "{shown:?}");
        let text = serde_json::to_string(&shown).expect("json");
        assert!(!text.contains("31313.13"), "{text}");
    }
    market.close(conn).await;
}

#[tokio::test]
async fn the_history_shows_who_leads_without_names() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    for (by, cents) in [(a, 2_000), (b, 3_000), (a, 4_000), (c, 3_500)] {
        bid(&mut conn, lot, by, cents).await.expect("accepted");
    }
    let shown = bids(&mut conn, lot, Some(a.org), None, 100).await.expect("bids").expect("the auction");
    let facts: Vec<_> =
        shown.iter().map(|bid| (bid.number, bid.bidder, bid.mine, bid.id.is_some(), bid.amount, bid.status)).collect();
    assert_eq!(
        facts,
        [
            (4, 3, false, false, eur(3_500), BidStatus::Outbid),
            (3, 1, true, true, eur(3_100), BidStatus::Leading),
            (2, 2, false, false, eur(2_050), BidStatus::Outbid),
            (1, 1, true, true, eur(1_000), BidStatus::Outbid),
        ]
    );
    let page = bids(&mut conn, lot, None, Some(4), 2).await.expect("bids").expect("the auction");
    assert_eq!(page.iter().map(|bid| bid.number).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(bids(&mut conn, AuctionId::generate(), None, None, 2).await.expect("no error"), None);
    finish(&mut conn, lot).await;
    let shown = bids(&mut conn, lot, None, None, 100).await.expect("bids").expect("the auction");
    let states: Vec<_> = shown.iter().map(|bid| bid.status).collect();
    assert_eq!(states, [BidStatus::Lost, BidStatus::Won, BidStatus::Lost, BidStatus::Lost]);
    market.close(conn).await;
}

#[tokio::test]
async fn who_may_bid_is_read_from_the_database() {
    let (market, mut conn) = TestMarket::new().await;
    let mut terms = terms(&mut conn).await;
    terms.buy_now = Some(eur(9_000));
    terms.brokers_excluded = true;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let pending = trader_as(&mut conn, "pending", &["buyer"]).await;
    let suspended = trader_as(&mut conn, "suspended", &["buyer"]).await;
    let broker = trader_as(&mut conn, "approved", &["broker", "buyer"]).await;
    let nobody = Trader { org: OrgId::generate(), user: broker.user };
    // A buyer with one person who belongs to the seller as well.
    let buyer = trader(&mut conn).await;
    let double = Trader { org: buyer.org, user: member_of(&mut conn, &[market.seller.org, buyer.org]).await };
    let cases = [
        (market.seller, Refused::OwnLot),
        (double, Refused::SellersPeople),
        (pending, Refused::NotApproved),
        (suspended, Refused::NotApproved),
        (nobody, Refused::NotApproved),
        (broker, Refused::BrokersExcluded),
    ];
    for (who, wanted) in cases {
        assert_eq!(refusal(bid(&mut conn, lot, who, 2_000).await), wanted);
        match purchase(&mut conn, lot, who).await {
            Err(AuctionError::Refused { refusal, .. }) => assert_eq!(refusal, wanted),
            other => panic!("not refused: {other:?}"),
        }
    }
    terms.brokers_excluded = false;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, broker, 2_000).await.expect("brokers are welcome here");
    bid(&mut conn, lot, buyer, 3_000).await.expect("colleagues of theirs may bid");
    market.close(conn).await;
}

#[tokio::test]
async fn bad_bids_leave_no_trace() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, ..] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let before = seen(&mut conn, lot, None).await;
    for cents in [999, 0, -1, i64::MIN] {
        assert_eq!(refusal(bid(&mut conn, lot, a, cents).await), Refused::BelowMinimum { minimum: 1_000 });
    }
    assert_eq!(refusal(bid(&mut conn, lot, a, i64::MAX).await), Refused::TooLarge);
    assert_eq!(refusal(bid_for(&mut conn, lot, a, 2_000, Some(1)).await), Refused::QuantityOnWholeLot);
    let missing = bid(&mut conn, AuctionId::generate(), a, 2_000).await;
    assert!(matches!(missing, Err(AuctionError::NotFound)), "{missing:?}");
    let mut tx = conn.begin().await.expect("a transaction");
    let yen = SecretMoney::new(shared::money::Money::from_minor(2_000, Currency::JPY));
    let place = PlaceBid { auction: lot, org: a.org, user: a.user, maximum: yen, quantity: None };
    let foreign = place_bid(&mut tx, &place).await;
    assert!(matches!(foreign, Err(AuctionError::Invalid(_))), "{foreign:?}");
    tx.rollback().await.expect("rolled back");
    let after = seen(&mut conn, lot, None).await;
    assert_eq!(after, AuctionView { server_time: after.server_time, ..before });
    market.close(conn).await;
}

#[tokio::test]
async fn a_late_bid_moves_the_end_up_to_the_hard_end() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.soft_close_seconds = Some(300);
    terms.hard_ends_at = Some(terms.ends_at + TimeDelta::seconds(200));
    let lot = auction(&mut conn, market.seller, &terms).await;
    assert!(!bid(&mut conn, lot, a, 2_000).await.expect("accepted").end_moved);
    end_in(&mut conn, lot, TimeDelta::seconds(290)).await;
    let late = bid(&mut conn, lot, b, 3_000).await.expect("accepted");
    assert!(late.end_moved);
    assert_eq!(late.auction.ends_at, late.placed_at + TimeDelta::seconds(300));
    end_in(&mut conn, lot, TimeDelta::seconds(60)).await;
    let last = bid(&mut conn, lot, a, 2_500).await.expect("accepted");
    let view = seen(&mut conn, lot, None).await;
    assert_eq!(last.auction.ends_at, view.hard_ends_at);
    assert_eq!(view.ends_at, view.hard_ends_at);
    assert!(view.original_ends_at < view.ends_at);
    market.close(conn).await;
}

#[tokio::test]
async fn meeting_the_reserve_shows_and_ends_buy_now() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.reserve = Some(secret(4_000));
    terms.buy_now = Some(eur(9_000));
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, a, 3_000).await.expect("accepted");
    let view = seen(&mut conn, lot, None).await;
    assert_eq!((view.price, view.reserve_met, view.buy_now), (eur(1_000), false, Some(eur(9_000))));
    bid(&mut conn, lot, b, 4_000).await.expect("accepted");
    let view = seen(&mut conn, lot, None).await;
    assert_eq!((view.price, view.reserve_met, view.buy_now), (eur(4_000), true, None));
    let gone = purchase(&mut conn, lot, a).await;
    assert!(matches!(gone, Err(AuctionError::Refused { refusal: Refused::BuyNowGone, .. })), "{gone:?}");
    market.close(conn).await;
}

#[tokio::test]
async fn the_rules_ask_for_the_bidder_that_the_lock_has_read() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let broker = trader_as(&mut conn, "approved", &["broker"]).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let locked = lock::lock(&mut tx, lot, Some(Participant { org: broker.org, user: broker.user }))
        .await
        .expect("locks")
        .expect("the auction");
    assert!(matches!(locked.actor, Some(Bidder { approved: true, broker: true, .. })), "{:?}", locked.actor);
    tx.rollback().await.expect("rolled back");
    market.close(conn).await;
}
