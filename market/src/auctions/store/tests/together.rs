//! Several bids in one transaction.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shared::testing::cases;

use super::*;
use crate::testing::on_pro;

/// A bid of the walk: in which of three auctions, the last of which is divisible, by which of three bidders, how far above its next
/// minimum, for how many units, and whether it begins a transaction.
#[derive(Clone, Debug)]
struct Step {
    lot: usize,
    bidder: usize,
    above: i64,
    quantity: Option<i64>,
    begins: bool,
}

const DIVISIBLE: usize = 2;

fn walk() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..3_usize, 0..3_usize, -60_i64..4_000, 1..60_i64, any::<bool>());
    let step = step.prop_map(|(lot, bidder, above, quantity, begins)| {
        let quantity = (lot == DIVISIBLE).then_some(quantity);
        Step { lot, bidder, above, quantity, begins }
    });
    proptest::collection::vec(step, 1..30)
}

/// What a bid became, without the names and times that differ from run to run.
fn outcome(tried: &Result<PlacedBid, AuctionError>, bidders: &[Trader]) -> String {
    match tried {
        Ok(placed) => {
            let place = |org: &OrgId| bidders.iter().position(|bidder| bidder.org == *org);
            let outbid: Vec<_> = placed.outbid.iter().map(place).collect();
            let auction = &placed.auction;
            format!(
                "{:?} first {} moved {} public {} outbid {outbid:?}: {} {} {:?} {} {}",
                placed.effect,
                placed.first,
                placed.end_moved,
                placed.public_change,
                auction.price,
                auction.next_minimum,
                auction.you_lead,
                auction.bid_count,
                auction.version,
            )
        }
        Err(error) => format!("{error}"),
    }
}

/// Bids that share transactions become what they become one by one, whatever is grouped with what.
#[tokio::test]
async fn bids_that_share_a_transaction_become_what_they_become_one_by_one() {
    let mut runner = TestRunner::default();
    for count in cases(24) {
        let (market, mut conn) = TestMarket::new().await;
        on_pro(&mut conn, &[market.seller]).await;
        let terms = terms(&mut conn).await;
        for _ in 0..count {
            let walk = walk().new_tree(&mut runner).unwrap().current();
            assert_walk(&mut conn, &market, &terms, &walk).await;
        }
        market.close(conn).await;
    }
}

/// Places the bids of the walk in transactions of several and one by one, and compares what they become.
async fn assert_walk(conn: &mut PgConnection, market: &TestMarket, terms: &NewAuction, walk: &[Step]) {
    let (mut shared, mut single) = (Vec::new(), Vec::new());
    for lot in 0..3 {
        let mut terms = terms.clone();
        terms.lot_mode = if lot == DIVISIBLE { LotMode::Divisible } else { LotMode::Whole };
        shared.push(auction(conn, market.seller, &terms).await);
        single.push(auction(conn, market.seller, &terms).await);
    }
    // One by one, which fixes the amounts.
    let mut one_by_one = Vec::new();
    let mut amounts = Vec::new();
    for step in walk {
        let minimum = seen(conn, single[step.lot], None).await.next_minimum.minor();
        let amount = (minimum + step.above).max(1);
        amounts.push(amount);
        let by = market.bidders[step.bidder];
        let tried = bid_for(conn, single[step.lot], by, amount, step.quantity).await;
        one_by_one.push(outcome(&tried, &market.bidders));
    }
    let places: Vec<PlaceBid> = walk
        .iter()
        .zip(&amounts)
        .map(|(step, amount)| {
            let by = market.bidders[step.bidder];
            let (maximum, quantity) = (secret(*amount), step.quantity);
            PlaceBid { auction: shared[step.lot], org: by.org, user: by.user, maximum, quantity }
        })
        .collect();
    let mut together = Vec::new();
    let mut from = 0;
    while from < places.len() {
        let rest = &walk[from + 1..];
        let until = rest.iter().position(|step| step.begins).map_or(places.len(), |n| from + 1 + n);
        let mut tx = conn.begin().await.unwrap();
        let tried = place_bids(&mut tx, &places[from..until]).await.expect("written");
        tx.commit().await.unwrap();
        together.extend(tried.iter().map(|tried| outcome(tried.as_ref().expect("nobody holds it"), &market.bidders)));
        from = until;
    }
    assert_eq!(together, one_by_one, "{walk:?}");
    for lot in &shared[..DIVISIBLE] {
        assert_row_follows_bids(conn, *lot).await;
    }
    for (shared, single) in shared.iter().zip(&single) {
        assert_eq!(stored(conn, *shared, &market.bidders).await, stored(conn, *single, &market.bidders).await);
    }
}

/// The rows of an auction's bids, without names and times.
async fn stored(conn: &mut PgConnection, lot: AuctionId, bidders: &[Trader]) -> Vec<String> {
    let rows: Vec<(OrgId, String)> = sqlx::query_as(
        "SELECT org_id, concat_ws(' ', seq, kind, number, nth, bidder, amount_minor, maximum_minor, quantity)
         FROM bids
         WHERE auction_id = $1
         ORDER BY seq",
    )
    .bind(lot)
    .fetch_all(conn)
    .await
    .unwrap();
    let place = |org| bidders.iter().position(|bidder| bidder.org == org);
    rows.into_iter().map(|(org, row)| format!("{:?} {row}", place(org))).collect()
}

/// Nobody waits for an auction that somebody else holds: its bids are left out, and the others are placed.
#[tokio::test]
async fn a_bid_in_an_auction_that_somebody_holds_is_left_to_go_alone() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let (held, free) =
        (auction(&mut conn, market.seller, &terms).await, auction(&mut conn, market.seller, &terms).await);
    let mut holder = market.db.pool.begin().await.unwrap();
    lock::lock(&mut holder, held, None).await.unwrap().expect("the auction");
    let place =
        |auction, by: Trader| PlaceBid { auction, org: by.org, user: by.user, maximum: secret(5_000), quantity: None };
    let unknown = AuctionId::generate();
    let mut tx = conn.begin().await.unwrap();
    let tried =
        place_bids(&mut tx, &[place(held, a), place(free, a), place(unknown, a), place(free, b)]).await.unwrap();
    tx.commit().await.unwrap();
    let placed: Vec<_> = tried.iter().map(|tried| tried.as_ref().map(Result::is_ok)).collect();
    assert_eq!(placed, [None, Some(true), None, Some(true)]);
    holder.rollback().await.unwrap();
    assert_eq!(seen(&mut conn, held, None).await.bid_count, 0);
    assert_eq!(seen(&mut conn, free, None).await.bid_count, 2);
    market.close(conn).await;
}

/// Two processes place bids in the same auctions, listed the other way round: nobody waits for both.
#[tokio::test]
async fn transactions_over_the_same_auctions_never_wait_for_each_other() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    for _ in 0..100 {
        let mut lots = Vec::new();
        for _ in 0..4 {
            lots.push(auction(&mut conn, market.seller, &terms).await);
        }
        let place = |auction: &AuctionId, by: Trader| PlaceBid {
            auction: *auction,
            org: by.org,
            user: by.user,
            maximum: secret(5_000),
            quantity: None,
        };
        let (up, down): (Vec<_>, Vec<_>) =
            (lots.iter().map(|lot| place(lot, a)).collect(), lots.iter().rev().map(|lot| place(lot, b)).collect());
        let one = async |bids: &[PlaceBid]| {
            let mut tx = market.db.pool.begin().await.unwrap();
            let tried = place_bids(&mut tx, bids).await.expect("no deadlock");
            tx.commit().await.unwrap();
            tried.iter().flatten().filter(|tried| tried.is_ok()).count()
        };
        let (first, second) = tokio::join!(one(&up), one(&down));
        assert!(first + second >= 4, "somebody has each auction");
        let mut counted = 0;
        for lot in lots {
            counted += usize::try_from(seen(&mut conn, lot, None).await.bid_count).unwrap();
        }
        assert_eq!(counted, first + second);
    }
    market.close(conn).await;
}

/// However many bids there are, a few rows are read for each one that is placed, by the plan that is kept for arrays of any length as well.
#[tokio::test]
async fn bids_that_share_a_transaction_read_few_rows() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let terms = terms(&mut conn).await;
    let mut lots = Vec::new();
    for _ in 0..4 {
        let lot = auction(&mut conn, market.seller, &terms).await;
        for by in [a, b] {
            many::fill(&mut conn, lot, by, 900).await;
        }
        lots.push(lot);
    }
    sqlx::raw_sql("ANALYZE bids; ANALYZE auctions").execute(&mut *conn).await.unwrap();
    for round in 1..=10 {
        let place = |auction: &AuctionId| {
            let maximum = secret(100_000 * round);
            PlaceBid { auction: *auction, org: c.org, user: c.user, maximum, quantity: None }
        };
        let bids: Vec<_> = lots.iter().map(place).collect();
        let mut tx = conn.begin().await.unwrap();
        let before = many::rows_read(&mut tx).await;
        place_bids(&mut tx, &bids).await.expect("written");
        let read = many::rows_read(&mut tx).await - before;
        tx.commit().await.unwrap();
        assert!(read <= 40, "round {round}: {read} rows of bids were read for four bids");
    }
    market.close(conn).await;
}
