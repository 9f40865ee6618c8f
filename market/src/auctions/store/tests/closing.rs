use super::*;
use crate::listings::model::ListingStatus;
use crate::listings::store as listings;
use crate::orders::model::{OrderSource, OrderStatus, PAYMENT_TERM, Side};
use crate::orders::store as orders;

#[tokio::test]
async fn the_leader_gets_the_lot_and_an_order_once() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, a, 5_000).await.expect("accepted");
    bid(&mut conn, lot, b, 2_010).await.expect("accepted");
    let early = close_now(&mut conn, lot).await.expect("judged");
    let at = seen(&mut conn, lot, None).await;
    match early {
        CloseOutcome::NotYet { ends_at, now } => assert!(ends_at == at.ends_at && now <= at.server_time, "{early:?}"),
        other => panic!("{other:?}"),
    }
    let closed = finish(&mut conn, lot).await;
    assert_eq!(closed.seller, Participant { org: market.seller.org, user: market.seller.user });
    let [award] = closed.awards.as_slice() else { panic!("{:?}", closed.awards) };
    assert_eq!((award.winner, award.quantity, award.amount), (Participant { org: a.org, user: a.user }, 1, eur(2_060)));
    let again = close_now(&mut conn, lot).await.expect("judged");
    assert_eq!(again, CloseOutcome::Already(AuctionStatus::Awarded));

    let order = orders::order(&mut conn, a.org, award.order).await.expect("read").expect("the order");
    assert_eq!((order.source, order.status), (OrderSource::Auction, OrderStatus::PendingPayment));
    assert_eq!((order.buyer_org_id, order.seller_org_id), (a.org, market.seller.org));
    assert_eq!((order.total, order.fee_bps, order.fee, order.net), (eur(2_060), Some(500), eur(103), eur(1_957)));
    assert_eq!(order.pay_by, order.created_at + PAYMENT_TERM);
    let [line] = order.lines.as_slice() else { panic!("{:?}", order.lines) };
    assert_eq!((line.quantity, line.unit_price, line.amount), (1, None, eur(2_060)));
    assert_eq!(orders::order(&mut conn, c.org, award.order).await.expect("read"), None);
    for (org, side, count) in [
        (a.org, Side::Buyer, 1),
        (a.org, Side::Seller, 0),
        (market.seller.org, Side::Seller, 1),
        (b.org, Side::Buyer, 0),
    ] {
        let list = orders::orders_of(&mut conn, org, side, None, 10).await.expect("list");
        assert_eq!(list.len(), count, "{side:?}");
    }
    let before_it = orders::orders_of(&mut conn, a.org, Side::Buyer, Some(award.order), 10).await.expect("list");
    assert_eq!(before_it, []);

    let view = seen(&mut conn, lot, None).await;
    assert_eq!(view.status, AuctionStatus::Awarded);
    let sold = listings::listing(&mut conn, closed.auction.listing_id).await.expect("read").expect("the listing");
    assert_eq!(sold.status, ListingStatus::SoldOut);
    assert_eq!(refusal(bid(&mut conn, lot, b, 9_000).await), Refused::Ended);
    market.close(conn).await;
}

#[tokio::test]
async fn without_a_bid_the_lot_is_unsold() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let closed = finish(&mut conn, lot).await;
    assert_eq!(closed.awards, []);
    assert_eq!(seen(&mut conn, lot, None).await.status, AuctionStatus::Unsold);
    let ended = listings::listing(&mut conn, closed.auction.listing_id).await.expect("read").expect("the listing");
    assert_eq!(ended.status, ListingStatus::Ended);
    market.close(conn).await;
}

#[tokio::test]
async fn a_purchase_ends_the_auction() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.reserve = Some(secret(4_000));
    terms.buy_now = Some(eur(9_000));
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, b, 2_000).await.expect("below the reserve");
    let closed = purchase(&mut conn, lot, a).await.expect("bought");
    let [award] = closed.awards.as_slice() else { panic!("{:?}", closed.awards) };
    assert_eq!((award.winner.org, award.amount), (a.org, eur(9_000)));
    let order = orders::order(&mut conn, a.org, award.order).await.expect("read").expect("the order");
    assert_eq!((order.source, order.total), (OrderSource::BuyNow, eur(9_000)));
    assert_eq!(refusal(bid(&mut conn, lot, b, 9_500).await), Refused::Ended);
    let second = purchase(&mut conn, lot, b).await;
    assert!(matches!(second, Err(AuctionError::Refused { refusal: Refused::Ended, .. })), "{second:?}");
    let shown = bids(&mut conn, lot, Some(b.org), None, 10).await.expect("bids").expect("the auction");
    assert_eq!(shown.iter().map(|bid| bid.status).collect::<Vec<_>>(), [BidStatus::Lost]);
    end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
    let close = close_now(&mut conn, lot).await.expect("judged");
    assert_eq!(close, CloseOutcome::Already(AuctionStatus::Awarded));
    market.close(conn).await;
}

#[tokio::test]
async fn the_sweep_finds_what_is_overdue() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    let mut lots = Vec::new();
    for seconds in [-5, -10, 600, 7_200] {
        let lot = auction(&mut conn, market.seller, &terms).await;
        end_in(&mut conn, lot, TimeDelta::seconds(seconds)).await;
        lots.push(lot);
    }
    assert_eq!(overdue(&mut conn, 10).await.expect("list"), [lots[1], lots[0]]);
    assert_eq!(overdue(&mut conn, 1).await.expect("list"), [lots[1]]);
    close_now(&mut conn, lots[1]).await.expect("closed");
    assert_eq!(overdue(&mut conn, 10).await.expect("list"), [lots[0]]);
    let soon = ending_soon(&mut conn, TimeDelta::hours(1), 10).await.expect("list");
    assert_eq!(soon, [lots[2]]);
    let missing = close_now(&mut conn, AuctionId::generate()).await;
    assert!(matches!(missing, Err(AuctionError::NotFound)), "{missing:?}");
    // One that ends now is left to its exact timer: it is not the sweep's.
    loop {
        end_in(&mut conn, lots[2], TimeDelta::zero()).await;
        let listed = overdue(&mut conn, 10).await.expect("list");
        let view = seen(&mut conn, lots[2], None).await;
        // Otherwise the machine was too busy for the list to prove anything.
        if view.server_time < view.ends_at + TimeDelta::seconds(2) {
            assert_eq!(listed, [lots[0]]);
            break;
        }
    }
    market.close(conn).await;
}

#[tokio::test]
async fn a_suspended_seller_sells_nothing() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, a, 2_000).await.expect("accepted");
    terms.buy_now = Some(eur(9_000));
    let for_sale = auction(&mut conn, market.seller, &terms).await;
    let suspend = async |conn: &mut PgConnection, status: &str| {
        sqlx::query("UPDATE orgs SET status = $2 WHERE id = $1")
            .bind(market.seller.org)
            .bind(status)
            .execute(conn)
            .await
            .expect("changed");
    };
    suspend(&mut conn, "suspended").await;
    assert_eq!(refusal(bid(&mut conn, lot, b, 3_000).await), Refused::SellerSuspended);
    let bought = purchase(&mut conn, for_sale, b).await;
    assert!(matches!(bought, Err(AuctionError::Refused { refusal: Refused::SellerSuspended, .. })), "{bought:?}");
    assert_eq!(finish(&mut conn, for_sale).await.awards, []);
    assert_eq!(seen(&mut conn, for_sale, None).await.status, AuctionStatus::Cancelled);
    // The auction of a seller reinstated before the end goes on.
    suspend(&mut conn, "approved").await;
    bid(&mut conn, lot, b, 3_000).await.expect("accepted");
    assert_eq!(finish(&mut conn, lot).await.awards.len(), 1);
    market.close(conn).await;
}
