//! Several closings in one transaction.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shared::audit::Actor;
use shared::money::{BasisPoints, Currency};
use shared::testing::{Statements, cases};

use super::stocked::{Kit, auctioned};
use super::*;
use crate::money::rules::premium::PremiumTariff;
use crate::money::store::tariffs::revise_premium;
use crate::testing::on_pro;

/// Where an auction is when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Ended,
    Open,
    Closed,
    Suspended,
}

/// An auction: its bids by which of three bidders, for how much and how many units of a divisible lot.
#[derive(Clone, Debug)]
struct Spec {
    divisible: bool,
    reserve: Option<i64>,
    bids: Vec<(usize, i64, i64)>,
    phase: Phase,
}

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    let bids = proptest::collection::vec((0..3_usize, 1_000..6_000_i64, 1..60_i64), 0..4);
    let reserve = proptest::option::of(2_000..5_000_i64);
    let phase = prop_oneof![
        6 => Just(Phase::Ended),
        1 => Just(Phase::Open),
        1 => Just(Phase::Closed),
        1 => Just(Phase::Suspended)
    ];
    let spec = (proptest::bool::weighted(0.3), reserve, bids, phase).prop_map(|(divisible, reserve, bids, phase)| {
        Spec { divisible, reserve: reserve.filter(|_| !divisible), bids, phase }
    });
    proptest::collection::vec(spec, 1..7)
}

impl Spec {
    async fn play(&self, conn: &mut PgConnection, market: &TestMarket, terms: &NewAuction) -> AuctionId {
        let mut terms = terms.clone();
        terms.reserve = self.reserve.map(secret);
        terms.lot_mode = if self.divisible { LotMode::Divisible } else { LotMode::Whole };
        let lot = auction(conn, market.seller, &terms).await;
        for (bidder, cents, units) in &self.bids {
            // One that is refused is refused in both.
            bid_for(conn, lot, market.bidders[*bidder], *cents, self.divisible.then_some(*units)).await.ok();
        }
        if self.phase != Phase::Open {
            end_in(conn, lot, TimeDelta::seconds(-1)).await;
        }
        match self.phase {
            Phase::Ended | Phase::Open => {}
            Phase::Closed => drop(close_now(conn, lot).await.expect("closed")),
            Phase::Suspended => {
                let listing = seen(conn, lot, None).await.listing_id;
                set_suspended(conn, listing, true).await.expect("suspended");
            }
        }
        lot
    }
}

/// What a closing came to, without names and times.
fn outcome(outcome: &CloseOutcome) -> String {
    match outcome {
        CloseOutcome::Closed(closed) => {
            let awards: Vec<_> =
                closed.awards.iter().map(|award| (award.winner, award.quantity, award.amount)).collect();
            let orders: Vec<_> = closed.orders.iter().map(|order| (order.total, order.fee, order.net)).collect();
            let ids = closed.awards.iter().map(|award| award.order).eq(closed.orders.iter().map(|order| order.id));
            let Closed { auction, title, seller, .. } = closed.as_ref();
            format!("{:?} {} {title} {seller:?} {awards:?} {orders:?} {ids}", auction.status, auction.version)
        }
        CloseOutcome::OnApproval(asked) => {
            let Asked { auction, title, seller, bidder, approval, .. } = asked.as_ref();
            format!("{:?} {} {title} {seller:?} {bidder:?} {}", auction.status, auction.version, approval.price)
        }
        CloseOutcome::NotYet { .. } => "not yet".to_owned(),
        CloseOutcome::Already(status) => format!("already {status:?}"),
    }
}

/// The rows of an auction and of all that follows from it, without names and times.
async fn stored(conn: &mut PgConnection, lot: AuctionId) -> String {
    sqlx::query_scalar(
        "SELECT jsonb_pretty(jsonb_build_array(
             to_jsonb(a) - '{id,listing_id,leader_bid_id,starts_at,ends_at,original_ends_at,hard_ends_at,created_at,closed_at}'::text[],
             a.closed_at IS NULL,
             (SELECT jsonb_build_array(l.status, l.version, l.shown_version) FROM listings AS l WHERE l.id = a.listing_id),
             (SELECT jsonb_agg(jsonb_build_array(
                         b.seq, to_jsonb(w) - '{id,auction_id,bid_id,awarded_at}'::text[], w.awarded_at = a.closed_at,
                         to_jsonb(o) - '{id,award_id,checkout_id,created_at,pay_by}'::text[],
                         o.created_at = a.closed_at, o.pay_by - o.created_at,
                         to_jsonb(c) - '{id,created_at,pay_by}'::text[], c.created_at = o.created_at, c.pay_by = o.pay_by,
                         (SELECT jsonb_agg(to_jsonb(n) - '{order_id,listing_id,item_id}'::text[] ORDER BY n.line_no)
                          FROM order_lines AS n
                          WHERE n.order_id = o.id AND n.listing_id = a.listing_id),
                         (SELECT jsonb_agg(to_jsonb(t) - '{order_id}'::text[] ORDER BY t.rate_bps)
                          FROM order_taxes AS t
                          WHERE t.order_id = o.id),
                         (SELECT jsonb_agg(to_jsonb(e) - '{order_id,at}'::text[] ORDER BY e.version)
                          FROM order_events AS e
                          WHERE e.order_id = o.id)) ORDER BY b.seq)
              FROM awards AS w
              JOIN bids AS b ON b.id = w.bid_id
              LEFT JOIN orders AS o ON o.award_id = w.id
              LEFT JOIN checkouts AS c ON c.id = o.checkout_id
              WHERE w.auction_id = a.id),
             (SELECT jsonb_build_array(
                         to_jsonb(p) - '{auction_id,bid_id,asked_at,expires_at}'::text[], p.bid_id = a.leader_bid_id,
                         p.asked_at = a.closed_at, p.expires_at - p.asked_at)
              FROM approvals AS p
              WHERE p.auction_id = a.id)))
         FROM auctions AS a
         WHERE a.id = $1",
    )
    .bind(lot)
    .fetch_one(conn)
    .await
    .expect("the auction")
}

async fn close_together(conn: &mut PgConnection, lots: &[AuctionId]) -> Vec<Option<CloseOutcome>> {
    let mut tx = conn.begin().await.expect("a transaction");
    let outcomes = close_all(&mut tx, lots).await.expect("closed");
    tx.commit().await.expect("committed");
    outcomes
}

/// Premium, fee and tax are there to be reckoned.
async fn with_tariffs(conn: &mut PgConnection, market: &TestMarket) {
    on_pro(conn, &[market.seller]).await;
    for (org, country) in [(market.seller.org, "DE"), (market.bidders[0].org, "DE"), (market.bidders[1].org, "AT")] {
        sqlx::query("UPDATE orgs SET country = $2 WHERE id = $1")
            .bind(org)
            .bind(country)
            .execute(&mut *conn)
            .await
            .expect("a country");
    }
    let rates = [900, 500, 100].map(|rate| BasisPoints::try_from(rate).expect("a rate"));
    let tariff = PremiumTariff::new(Currency::EUR, vec![1_500, 3_000], rates.to_vec(), 7).expect("a tariff");
    let mut tx = conn.begin().await.expect("a transaction");
    revise_premium(&mut tx, Actor::System, None, &tariff).await.expect("revised");
    tx.commit().await.expect("committed");
}

/// Auctions that are closed in one transaction become what they become one by one, and so does all that follows.
#[tokio::test]
async fn auctions_closed_in_one_transaction_become_what_they_become_one_by_one() {
    let mut runner = TestRunner::default();
    for count in cases(24) {
        let (market, mut conn) = TestMarket::new().await;
        with_tariffs(&mut conn, &market).await;
        let terms = terms(&mut conn).await;
        for _ in 0..count {
            let specs = specs().new_tree(&mut runner).unwrap().current();
            assert_specs(&mut conn, &market, &terms, &specs).await;
        }
        market.close(conn).await;
    }
}

/// Closes auctions as these in one transaction and one by one, and compares what they become.
async fn assert_specs(conn: &mut PgConnection, market: &TestMarket, terms: &NewAuction, specs: &[Spec]) {
    let (mut shared, mut single) = (Vec::new(), Vec::new());
    for spec in specs {
        shared.push(spec.play(conn, market, terms).await);
        single.push(spec.play(conn, market, terms).await);
    }
    let together: Vec<_> = close_together(conn, &shared).await.into_iter().flatten().collect();
    let together: Vec<_> = together.iter().map(outcome).collect();
    let mut one_by_one = Vec::new();
    for lot in &single {
        one_by_one.push(outcome(&close_now(conn, *lot).await.expect("closed")));
    }
    assert_eq!(together, one_by_one, "{specs:?}");
    for (shared, single) in shared.iter().zip(&single) {
        assert_eq!(stored(conn, *shared).await, stored(conn, *single).await, "{specs:?}");
    }
}

#[tokio::test]
async fn twenty_closings_in_one_transaction_are_as_many_statements_as_one() {
    let (market, mut conn) = TestMarket::new().await;
    with_tariffs(&mut conn, &market).await;
    let sold = Spec { divisible: false, reserve: None, bids: vec![(0, 2_000, 1), (1, 3_000, 1)], phase: Phase::Ended };
    let asked = Spec { reserve: Some(4_000), ..sold.clone() };
    let unsold = Spec { bids: Vec::new(), ..sold.clone() };
    let terms = terms(&mut conn).await;
    // Sold: lock, lot, tariffs, awards, tax, checkouts, orders, end. On approval: one more. Without a bid: lock, lot, end.
    for (specs, expected) in [(vec![&sold], 8), (vec![&sold, &asked, &unsold], 9), (vec![&unsold], 3)] {
        for several in [1, 20] {
            let mut lots = Vec::new();
            for spec in specs.iter().cycle().take(specs.len() * several) {
                lots.push(spec.play(&mut conn, &market, &terms).await);
            }
            let mut tx = conn.begin().await.expect("a transaction");
            let statements = Statements::all();
            let counting = statements.listen();
            let closed = close_all(&mut tx, &lots).await.expect("closed");
            drop(counting);
            tx.commit().await.expect("committed");
            assert!(closed.iter().all(Option::is_some));
            assert_eq!(statements.count(), expected, "{} auctions: {specs:?}", lots.len());
        }
    }
    market.close(conn).await;
}

/// What somebody holds, what is named twice, and what is kept in stock is left to be closed by itself.
#[tokio::test]
async fn a_closing_that_does_not_fit_in_is_left_to_go_alone() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, ..] = market.bidders;
    let terms = terms(&mut conn).await;
    let (kit, listing) = Kit::new(&mut conn, market.seller, &terms, 3, 5).await;
    let stocked = auctioned(&mut conn, market.seller, listing, &terms).await.expect("an auction");
    let (held, free) =
        (auction(&mut conn, market.seller, &terms).await, auction(&mut conn, market.seller, &terms).await);
    for lot in [stocked, held, free] {
        bid(&mut conn, lot, a, 2_000).await.expect("accepted");
        end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
    }
    let mut holder = market.db.pool.begin().await.expect("a transaction");
    lock::lock(&mut holder, held, None).await.expect("locks").expect("the auction");
    let outcomes = close_together(&mut conn, &[held, free, AuctionId::generate(), stocked, free]).await;
    let closed: Vec<_> = outcomes.iter().map(Option::is_some).collect();
    assert_eq!(closed, [false, true, false, false, false]);
    holder.rollback().await.expect("unlocked");
    for (lot, status) in [(held, AuctionStatus::Live), (free, AuctionStatus::Awarded), (stocked, AuctionStatus::Live)] {
        assert_eq!(seen(&mut conn, lot, None).await.status, status);
    }
    // By itself it is closed with its stock.
    let outcomes = close_together(&mut conn, &[stocked]).await;
    assert!(matches!(outcomes.as_slice(), [Some(CloseOutcome::Closed(_))]), "{outcomes:?}");
    assert_eq!(kit.level(&mut conn).await, (5, 3), "the order holds it");
    let counted = close_together(&mut conn, &[held, free]).await;
    assert!(
        matches!(counted.as_slice(), [Some(CloseOutcome::Closed(_)), Some(CloseOutcome::Already(_))]),
        "{counted:?}"
    );
    market.close(conn).await;
}

/// Two workers close the same auctions, listed the other way round: nobody waits for both, and each is closed once.
#[tokio::test]
async fn groups_of_closings_over_the_same_auctions_close_each_once() {
    let (market, mut conn) = TestMarket::new().await;
    on_pro(&mut conn, &[market.seller]).await;
    let [a, ..] = market.bidders;
    let terms = terms(&mut conn).await;
    for _ in 0..20 {
        let mut lots = Vec::new();
        for n in 0..6 {
            let lot = auction(&mut conn, market.seller, &terms).await;
            if n % 3 > 0 {
                bid(&mut conn, lot, a, 2_000).await.expect("accepted");
            }
            end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
            lots.push(lot);
        }
        let back: Vec<_> = lots.iter().rev().copied().collect();
        let one = async |lots: &[AuctionId]| {
            let mut tx = market.db.pool.begin().await.expect("a transaction");
            let outcomes = close_all(&mut tx, lots).await.expect("no deadlock");
            tx.commit().await.expect("committed");
            outcomes.iter().flatten().filter(|outcome| matches!(outcome, CloseOutcome::Closed(_))).count()
        };
        let (first, second) = tokio::join!(one(&lots), one(&back));
        assert_eq!(first + second, lots.len(), "each is closed by one of them");
        let ids: Vec<_> = lots.iter().map(|lot| lot.0).collect();
        let (awards, orders): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(o.id)
             FROM awards AS w
             LEFT JOIN orders AS o ON o.award_id = w.id
             WHERE w.auction_id = ANY ($1)",
        )
        .bind(ids)
        .fetch_one(&mut *conn)
        .await
        .expect("counted");
        assert_eq!((awards, orders), (4, 4));
    }
    market.close(conn).await;
}

/// The rows of a table that this session has read, but for those that the server has added to everybody's by now, which it does between transactions.
async fn rows_read(tx: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
         FROM pg_stat_xact_user_tables
         WHERE relname = $1",
    )
    .bind(table)
    .fetch_one(tx)
    .await
    .expect("the server's statistics")
}

/// Awards of auctions that do not matter.
async fn award_others(conn: &mut PgConnection) {
    let others = "
        SET session_replication_role = replica;
        INSERT INTO awards
        SELECT (jsonb_populate_record(NULL::awards, to_jsonb(one) || jsonb_build_object(
            'id', gen_random_uuid(), 'auction_id', gen_random_uuid(), 'bid_id', gen_random_uuid()))).*
        FROM (SELECT * FROM awards LIMIT 1) AS one
        CROSS JOIN generate_series(1, 300);
        SET session_replication_role = origin";
    sqlx::raw_sql(others).execute(conn).await.expect("copied");
}

/// However many auctions, bids and awards there are, a few rows are read for each one that is closed, by the plan that is kept from when
/// there were few as well.
#[tokio::test]
async fn closings_in_one_transaction_read_few_rows() {
    let (market, mut conn) = TestMarket::new().await;
    // As where closings share a transaction.
    let kept = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
                SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(kept).execute(&mut *conn).await.expect("set");
    on_pro(&mut conn, &[market.seller]).await;
    let [a, b, _] = market.bidders;
    let terms = terms(&mut conn).await;
    let spec = Spec { divisible: false, reserve: None, bids: vec![(0, 2_000, 1)], phase: Phase::Ended };
    let asked = Spec { reserve: Some(4_000), ..spec.clone() };
    for round in 0..9 {
        if round == 6 {
            let crowded = auction(&mut conn, market.seller, &terms).await;
            for by in [a, b] {
                many::fill(&mut conn, crowded, by, 900).await;
            }
            for _ in 0..200 {
                auction(&mut conn, market.seller, &terms).await;
            }
            award_others(&mut conn).await;
        }
        let mut lots = Vec::new();
        for spec in [&spec, &asked, &spec, &asked] {
            lots.push(spec.play(&mut conn, &market, &terms).await);
        }
        let tables = ["auctions", "listings", "listing_search", "bids", "awards"];
        let mut tx = conn.begin().await.expect("a transaction");
        // The server also counts what transactions before this one have read.
        let mut before = Vec::new();
        for table in tables {
            before.push(rows_read(&mut tx, table).await);
        }
        close_all(&mut tx, &lots).await.expect("closed");
        sqlx::raw_sql("SET CONSTRAINTS ALL IMMEDIATE")
            .execute(&mut *tx)
            .await
            .expect("what runs at the end of the transaction");
        for (table, before) in tables.into_iter().zip(before) {
            let read = rows_read(&mut tx, table).await - before;
            assert!(read <= 100, "round {round}: {read} rows of {table} were read for four closings");
        }
        tx.commit().await.expect("committed");
    }
    market.close(conn).await;
}
