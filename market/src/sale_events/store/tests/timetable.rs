//! When lots end.

use chrono::{DateTime, Utc};

use super::*;
use crate::auctions::store::place_bids;
use crate::sale_events::model::{NewSaleEventLot, SaleEventChange, SaleEventStatus};
use crate::testing::listing;

async fn ends_of(conn: &mut PgConnection, lots: &[AuctionId]) -> Vec<DateTime<Utc>> {
    let mut ends = Vec::new();
    for lot in lots {
        ends.push(auctions::view(conn, *lot, None).await.unwrap().expect("the auction").ends_at);
    }
    ends
}

/// Moves all lots of an event so that the first ends `from_now` from now, and the others a minute later each.
async fn first_ends_in(conn: &mut PgConnection, lots: &[AuctionId], from_now: TimeDelta) {
    for (n, lot) in (0..).zip(lots) {
        end_in(conn, *lot, from_now + TimeDelta::minutes(n)).await;
    }
}

#[tokio::test]
async fn lots_end_one_after_the_other() {
    let (sale, mut conn) = TestSale::new().await;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None, Some(1), Some(1), None], None).await;
    let shown = get(&mut conn, event).await.unwrap().expect("the event").event;
    assert_eq!((shown.status, shown.lots, shown.lots_open), (SaleEventStatus::Running, 4, 4));
    let listed = super::lots(&mut conn, &shown, None, 10).await.unwrap();
    for (n, lot) in (0..).zip(&listed) {
        assert_eq!(lot.ends_at, shown.first_ends_at + TimeDelta::minutes(n));
    }
    let numbers: Vec<_> = listed.iter().map(|lot| (lot.lot_no, lot.group, lot.auction_id)).collect();
    let wanted: Vec<_> = lots.iter().map(|lot| Some(*lot)).collect();
    assert_eq!(numbers, [(1, None, wanted[0]), (2, Some(1), wanted[1]), (3, Some(1), wanted[2]), (4, None, wanted[3])]);
    let hard = async |conn: &mut PgConnection, lot| {
        auctions::view(conn, lot, None).await.unwrap().expect("the auction").hard_ends_at
    };
    // A group has one hard end, an hour after its last lot's end.
    assert_eq!(hard(&mut conn, lots[1]).await, hard(&mut conn, lots[2]).await);
    assert_eq!(hard(&mut conn, lots[2]).await, listed[2].ends_at + TimeDelta::hours(1));
    sale.close(conn).await;
}

/// A late bid in one lot keeps open those of its group that would end before it can be answered, and no others.
#[tokio::test]
async fn a_late_bid_keeps_its_group_open() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, _] = sale.bidders;
    let groups = [Some(1), Some(1), None, Some(1), Some(2)];
    let (event, lots) = sale_event(&mut conn, sale.seller, &groups, Some(eur(100_000))).await;
    register(&mut conn, event, a).await;
    first_ends_in(&mut conn, &lots, TimeDelta::seconds(30)).await;
    let before = ends_of(&mut conn, &lots).await;
    let placed = bid(&mut conn, lots[1], a, 2_000).await.expect("accepted");
    assert!(placed.end_moved);
    let until = placed.auction.ends_at;
    let after = ends_of(&mut conn, &lots).await;
    assert_eq!(after, [until, until, before[2], until, before[4]]);
    // The closer finds the end that has moved.
    let outcome = close_lot(&mut conn, lots[0]).await;
    assert!(matches!(outcome, CloseOutcome::NotYet { ends_at, .. } if ends_at == until), "{outcome:?}");
    sale.close(conn).await;
}

/// Whoever holds a lot while its group is extended finds the new end as soon as it looks: a bid is taken, a closer waits.
#[tokio::test]
async fn a_lot_that_was_held_follows_its_group() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[Some(1), Some(1)], Some(eur(100_000))).await;
    register(&mut conn, event, a).await;
    register(&mut conn, event, b).await;
    first_ends_in(&mut conn, &lots, TimeDelta::seconds(30)).await;
    let before = ends_of(&mut conn, &lots).await;
    let mut holder = sale.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM auctions WHERE id = $1 FOR NO KEY UPDATE")
        .bind(lots[0])
        .execute(&mut *holder)
        .await
        .unwrap();
    let until = bid(&mut conn, lots[1], a, 2_000).await.expect("nobody waits").auction.ends_at;
    holder.rollback().await.unwrap();
    assert_eq!(ends_of(&mut conn, &lots).await, [before[0], until], "it was held");
    let outcome = close_lot(&mut conn, lots[0]).await;
    assert!(matches!(outcome, CloseOutcome::NotYet { ends_at, .. } if ends_at == until), "{outcome:?}");
    assert_eq!(ends_of(&mut conn, &lots).await, [until, until]);
    bid(&mut conn, lots[0], b, 2_000).await.expect("open");
    sale.close(conn).await;
}

/// Sets the planned end of a lot, however late, and whatever the tables say of it.
async fn set_end(conn: &mut PgConnection, lot: AuctionId, ends_at: DateTime<Utc>) {
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE auctions SET ends_at = $2, original_ends_at = $2 WHERE id = $1")
        .bind(lot)
        .bind(ends_at)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// A lot is held while a late bid keeps it open, and nobody looks at it before the next late bid, which comes after the planned end: it is
/// as open as the others.
#[tokio::test]
async fn a_lot_that_missed_a_late_bid_follows_the_next() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[Some(1), Some(1)], Some(eur(100_000))).await;
    register(&mut conn, event, a).await;
    register(&mut conn, event, b).await;
    first_ends_in(&mut conn, &lots, TimeDelta::seconds(30)).await;
    let mut holder = sale.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM auctions WHERE id = $1 FOR NO KEY UPDATE")
        .bind(lots[0])
        .execute(&mut *holder)
        .await
        .unwrap();
    let first = bid(&mut conn, lots[1], a, 2_000).await.expect("nobody waits");
    holder.rollback().await.unwrap();
    // Its planned end came right after the first late bid, and before the second.
    set_end(&mut conn, lots[0], first.placed_at + TimeDelta::microseconds(1)).await;
    let second = bid(&mut conn, lots[1], b, 3_000).await.expect("open");
    let until = second.auction.ends_at;
    assert!(second.placed_at > first.placed_at + TimeDelta::microseconds(1) && until > first.auction.ends_at);
    assert_eq!(ends_of(&mut conn, &lots).await, [until, until]);
    let outcome = close_lot(&mut conn, lots[0]).await;
    assert!(matches!(outcome, CloseOutcome::NotYet { ends_at, .. } if ends_at == until), "{outcome:?}");
    bid(&mut conn, lots[0], b, 2_000).await.expect("open");
    sale.close(conn).await;
}

/// A late bid counts from the first one of those that follow each other without a gap.
#[test]
fn late_bids_carry_each_other_on() {
    let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
    let late = |from, until| hold::Extension { at: at(from), until: at(until) };
    let first = late(10, 20);
    let carried_on = first.followed_by(late(19, 29));
    assert_eq!(carried_on, late(10, 29));
    assert_eq!((carried_on.applied_to(at(10)), carried_on.applied_to(at(11))), (at(10), at(29)));
    assert_eq!(carried_on.applied_to(at(30)), at(30));
    assert_eq!(first.followed_by(late(20, 30)), late(20, 30));
}

/// A late bid long after another one keeps nothing open that ended in between.
#[tokio::test]
async fn a_late_bid_does_not_carry_on_one_that_has_run_out() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, _] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[Some(1), Some(1)], Some(eur(100_000))).await;
    register(&mut conn, event, a).await;
    first_ends_in(&mut conn, &lots, TimeDelta::seconds(30)).await;
    let now = crate::testing::database_time(&mut conn).await;
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE sale_event_groups SET extended_at = $2, extended_until = $3 WHERE event_id = $1")
        .bind(event)
        .bind(now - TimeDelta::minutes(10))
        .bind(now - TimeDelta::minutes(5))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // Its closer is late, and it did not follow the first late bid either: it was over five minutes ago all the same.
    set_end(&mut conn, lots[0], now - TimeDelta::minutes(7)).await;
    bid(&mut conn, lots[1], a, 2_000).await.expect("open");
    assert_eq!(refusal(bid(&mut conn, lots[0], a, 2_000).await), Refused::Ended);
    let outcome = close_lot(&mut conn, lots[0]).await;
    assert!(matches!(outcome, CloseOutcome::Closed(_)), "{outcome:?}");
    sale.close(conn).await;
}

/// What is over is not opened again by a late bid elsewhere in its group.
#[tokio::test]
async fn a_lot_that_is_over_stays_so() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, _] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[Some(1), Some(1)], Some(eur(100_000))).await;
    register(&mut conn, event, a).await;
    first_ends_in(&mut conn, &lots, TimeDelta::seconds(-1)).await;
    // The closer is late: the lot is over all the same.
    bid(&mut conn, lots[1], a, 2_000).await.expect("accepted");
    assert_eq!(refusal(bid(&mut conn, lots[0], a, 2_000).await), Refused::Ended);
    let outcome = close_lot(&mut conn, lots[0]).await;
    assert!(matches!(outcome, CloseOutcome::Closed(_)), "{outcome:?}");
    sale.close(conn).await;
}

/// Bids in several lots of a group that share a transaction.
#[tokio::test]
async fn late_bids_that_share_a_transaction_move_their_group_once() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[Some(1), Some(1), Some(1)], Some(eur(3_000))).await;
    register(&mut conn, event, a).await;
    register(&mut conn, event, b).await;
    first_ends_in(&mut conn, &lots, TimeDelta::seconds(30)).await;
    let place = |auction, by: Trader, cents| PlaceBid {
        auction,
        org: by.org,
        user: by.user,
        maximum: secret(cents),
        quantity: None,
    };
    let bids = [
        place(lots[0], a, 2_000),
        // Beyond a's limit as the first one leaves it.
        place(lots[1], a, 1_500),
        place(lots[1], b, 1_500),
        // b leads there now, so that a has it all again.
        place(lots[0], b, 1_400),
        place(lots[2], a, 1_000),
    ];
    let mut tx = conn.begin().await.unwrap();
    let tried = place_bids(&mut tx, &bids).await.unwrap();
    tx.commit().await.unwrap();
    let outcomes: Vec<_> = tried
        .into_iter()
        .map(|tried| match tried.expect("nobody holds it") {
            Ok(placed) => Ok(placed.effect),
            Err(AuctionError::Refused { refusal, .. }) => Err(refusal),
            Err(error) => panic!("{error}"),
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            Ok(Effect::Leads),
            Err(Refused::LimitExceeded { left: 1_000 }),
            Ok(Effect::Leads),
            Ok(Effect::Outbid),
            Ok(Effect::Leads),
        ]
    );
    assert_reserved_as_recomputed(&mut conn, event).await;
    let ends = ends_of(&mut conn, &lots).await;
    assert!(ends.iter().all(|end| *end == ends[2]), "{ends:?}");
    sale.close(conn).await;
}

#[tokio::test]
async fn only_drafts_change() {
    let (sale, mut conn) = TestSale::new().await;
    let (event, _) = sale_event(&mut conn, sale.seller, &[None], None).await;
    let (org, user) = (sale.seller.org, sale.seller.user);
    let not_draft = |result: Result<(), SaleEventError>| {
        assert!(matches!(result, Err(SaleEventError::NotDone(NotDone::NotDraft))), "{result:?}");
    };
    not_draft(change(&mut conn, org, event, &SaleEventChange::default()).await);
    not_draft(remove_lot(&mut conn, org, event, 1).await);
    not_draft(publish(&mut conn, org, user, event).await.map(drop));
    let listing = listing(&mut conn, sale.seller, crate::listings::model::SaleMode::Auction, 1).await;
    let lot = NewSaleEventLot {
        listing_id: listing,
        lot_no: None,
        group: None,
        opening: eur(1_000),
        reserve: None,
        buy_now: None,
    };
    not_draft(add_lot(&mut conn, org, event, &lot).await.map(drop));
    sale.close(conn).await;
}
