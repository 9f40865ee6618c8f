//! Auctions with very many bids: pages, the bound, and what is read of them.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::*;

/// Inserts that many bids of an organisation, past the rules, each above the one before.
pub(super) async fn fill(conn: &mut PgConnection, lot: AuctionId, by: Trader, bids: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query(
        "INSERT INTO bids
             (id, auction_id, seller_org_id, currency, lot_mode, org_id, placed_by, seq, kind, amount_minor, maximum_minor,
              quantity, placed_at)
         SELECT gen_random_uuid(), a.id, a.seller_org_id, a.currency, a.lot_mode, $2, $3, a.bid_seq + n, 'bid',
                1000 + a.bid_seq + n, 1000 + a.bid_seq + n, 1, a.starts_at
         FROM auctions AS a, generate_series(1, $4) AS n
         WHERE a.id = $1
         ORDER BY n",
    )
    .bind(lot)
    .bind(by.org)
    .bind(by.user)
    .bind(bids)
    .execute(&mut *tx)
    .await
    .expect("bids");
    sqlx::query("UPDATE auctions SET bid_seq = bid_seq + $2, bid_count = bid_count + $2 WHERE id = $1")
        .bind(lot)
        .bind(i64::from(bids))
        .execute(&mut *tx)
        .await
        .expect("counted");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn an_organisation_places_a_thousand_bids_in_an_auction_and_no_more() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    fill(&mut conn, lot, a, 999).await;
    bid(&mut conn, lot, a, 50_000).await.expect("the thousandth");
    assert_eq!(refusal(bid(&mut conn, lot, a, 60_000).await), Refused::TooManyBids);
    // The others go on, and so does this one elsewhere.
    bid(&mut conn, lot, b, 70_000).await.expect("accepted");
    let other = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, other, a, 2_000).await.expect("accepted");
    market.close(conn).await;
}

/// The rows of `bids` that this transaction has read so far.
pub(super) async fn rows_read(tx: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
         FROM pg_stat_xact_user_tables
         WHERE relname = 'bids'",
    )
    .fetch_one(tx)
    .await
    .expect("the server's statistics")
}

#[tokio::test]
async fn a_page_of_bids_and_a_retraction_read_few_of_many() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    for _ in 0..10 {
        let crowd = trader(&mut conn).await;
        fill(&mut conn, lot, crowd, 1_000).await;
    }
    let placed = bid(&mut conn, lot, a, 500_000).await.expect("accepted");
    bid(&mut conn, lot, b, 700_000).await.expect("accepted");
    sqlx::query("ANALYZE bids").execute(&mut *conn).await.expect("analysed");
    for (viewer, before) in [(None, None), (Some(a.org), Some(5_000)), (Some(b.org), Some(50))] {
        let mut tx = market.db.pool.begin().await.expect("a transaction");
        let page = bids(&mut tx, lot, viewer, before, 20).await.expect("bids").expect("the auction");
        assert_eq!(page.len(), 20);
        let read = rows_read(&mut tx).await;
        assert!(read < 500, "{read} rows for {viewer:?} before {before:?}");
    }
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    retract(&mut tx, placed.bid, a.org, a.user).await.expect("taken back");
    let read = rows_read(&mut tx).await;
    assert!(read < 1_500, "{read} rows for a retraction");
    tx.commit().await.expect("committed");
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    assert_eq!(bidders(&mut tx, lot, 0, 200).await.expect("bidders").len(), 11);
    let read = rows_read(&mut tx).await;
    assert!(read < 200, "{read} rows for the bidders");
    drop(tx);
    market.close(conn).await;
}

/// What somebody tries: to bid so much above the minimum, or to take back an earlier bid.
#[derive(Clone, Debug)]
enum Act {
    Bid(usize, i64),
    TakeBack(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    use proptest::prelude::*;
    // Small amounts: ties, and maxima within one increment of each other, are where price and order matter.
    let act = prop_oneof![
        5 => (0..3_usize, 0..260_i64).prop_map(|(who, above)| Act::Bid(who, above)),
        1 => any::<usize>().prop_map(Act::TakeBack),
    ];
    prop::collection::vec(act, 10..40)
}

/// Checks that pages of three bids add up to the whole list, and that its numbers have no gaps.
async fn assert_pages_join_up(conn: &mut PgConnection, lot: AuctionId, viewer: Option<OrgId>) {
    let whole = bids(conn, lot, viewer, None, 1_000).await.expect("bids").expect("the auction");
    let numbers: Vec<_> = whole.iter().rev().map(|bid| bid.number).collect();
    assert_eq!(numbers, (1..=i64::try_from(whole.len()).expect("few")).collect::<Vec<_>>());
    let mut joined: Vec<BidView> = Vec::new();
    loop {
        let before = joined.last().map(|bid| bid.number);
        let page = bids(conn, lot, viewer, before, 3).await.expect("bids").expect("the auction");
        if page.is_empty() {
            break;
        }
        joined.extend(page);
    }
    assert_eq!(joined, whole);
}

#[tokio::test]
async fn a_retraction_that_reads_few_bids_decides_as_all_of_them_would_and_pages_join_up() {
    let (market, mut conn) = TestMarket::new().await;
    let mut terms = terms(&mut conn).await;
    let mut runner = TestRunner::deterministic();
    for round in 0..40 {
        terms.reserve = (round % 3 == 0).then(|| secret(1_900));
        let lot = auction(&mut conn, market.seller, &terms).await;
        let mut placed: Vec<(BidId, Trader)> = Vec::new();
        for act in acts().new_tree(&mut runner).expect("acts").current() {
            match act {
                Act::Bid(who, above) => {
                    let by = market.bidders[who];
                    let least = seen(&mut conn, lot, None).await.next_minimum.minor();
                    match bid(&mut conn, lot, by, least + above).await {
                        Ok(accepted) => placed.push((accepted.bid, by)),
                        Err(AuctionError::Refused { refusal: Refused::NotARaise, .. }) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
                Act::TakeBack(which) if !placed.is_empty() => {
                    let (gone, by) = placed.remove(which % placed.len());
                    match take_back(&mut conn, gone, by).await {
                        Ok(_) | Err(AuctionError::RetractRefused(RetractRefused::Already)) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                    assert_row_follows_bids(&mut conn, lot).await;
                }
                Act::TakeBack(_) => {}
            }
        }
        assert_row_follows_bids(&mut conn, lot).await;
        for viewer in [None, Some(market.bidders[0].org), Some(market.bidders[2].org)] {
            assert_pages_join_up(&mut conn, lot, viewer).await;
        }
    }
    market.close(conn).await;
}
