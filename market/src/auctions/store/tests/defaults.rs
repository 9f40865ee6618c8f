//! Winners who do not pay, and who comes after them.

use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;
use crate::escrow::store::{self as escrow, Settled};
use crate::ids::SecondChanceId;
use crate::listings::model::ListingStatus;
use crate::listings::store as listings;
use crate::orders::model::{AwardId, OrderStatus};
use crate::orders::store as orders;
use crate::payments::Provider;
use crate::standing::model::AppealOutcome;
use crate::standing::store as standing;
use crate::testing::captured;

/// Lets the time to pay an order, or to answer the open offer of an auction, be over.
async fn too_late(conn: &mut PgConnection, award: AwardId) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(
        "UPDATE checkouts
         SET created_at = created_at - interval '73 hours', pay_by = pay_by - interval '73 hours'
         WHERE id = (SELECT checkout_id FROM orders WHERE award_id = $1)",
    )
    .bind(award)
    .execute(&mut *tx)
    .await
    .expect("aged");
    tx.commit().await.expect("aged");
}

async fn unanswered(conn: &mut PgConnection, chance: SecondChanceId) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(
        "UPDATE second_chances
         SET offered_at = offered_at - interval '25 hours', expires_at = expires_at - interval '25 hours'
         WHERE id = $1",
    )
    .bind(chance)
    .execute(&mut *tx)
    .await
    .expect("aged");
    tx.commit().await.expect("aged");
}

async fn default_now(conn: &mut PgConnection, award: AwardId) -> DefaultOutcome {
    let mut tx = conn.begin().await.expect("a transaction");
    let outcome = default(&mut tx, award).await.expect("judged");
    tx.commit().await.expect("committed");
    outcome
}

/// The award is not paid, and defaults.
async fn fail(conn: &mut PgConnection, award: AwardId) -> Defaulted {
    too_late(conn, award).await;
    match default_now(conn, award).await {
        DefaultOutcome::Defaulted(defaulted) => *defaulted,
        other => panic!("{other:?}"),
    }
}

async fn take(conn: &mut PgConnection, chance: SecondChanceId, by: Trader) -> Result<Closed, AuctionError> {
    let mut tx = conn.begin().await?;
    let closed = accept(&mut tx, chance, by.org, by.user).await?;
    tx.commit().await?;
    Ok(closed)
}

async fn offered_by_seller(
    conn: &mut PgConnection,
    seller: Trader,
    lot: AuctionId,
    consent: bool,
) -> Result<Offered, AuctionError> {
    let mut tx = conn.begin().await?;
    let offered = offer_chance(&mut tx, seller.org, lot, consent).await?;
    tx.commit().await?;
    Ok(offered)
}

async fn listing_status(conn: &mut PgConnection, lot: AuctionId) -> ListingStatus {
    let view = seen(conn, lot, None).await;
    listings::listing(conn, view.listing_id).await.expect("read").expect("the listing").status
}

#[tokio::test]
async fn a_lot_that_is_not_paid_goes_once_to_the_next_bidder_at_their_own_maximum() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, c, 1_500).await.expect("accepted");
    bid(&mut conn, lot, b, 4_000).await.expect("accepted");
    bid(&mut conn, lot, a, 5_000).await.expect("accepted");
    let closed = finish(&mut conn, lot).await;
    let award = closed.awards[0].id;
    assert!(matches!(default_now(&mut conn, award).await, DefaultOutcome::NotYet { .. }));

    let failed = fail(&mut conn, award).await;
    assert_eq!((failed.auction.status, failed.award.winner.org), (AuctionStatus::Defaulted, a.org));
    assert!(failed.strike.is_some());
    let (chance, bidder) = failed.chance.expect("the next bidder");
    assert_eq!((bidder.org, chance.amount, chance.quantity), (b.org, Some(eur(4_000)), 1));
    assert!(matches!(default_now(&mut conn, award).await, DefaultOutcome::Nothing));
    let order = orders::order(&mut conn, a.org, failed.award.order).await.expect("read").expect("the order");
    assert_eq!(order.status, OrderStatus::Expired);
    // Nobody lists it again meanwhile, and the seller does not learn what was bid in secret.
    assert_eq!(listing_status(&mut conn, lot).await, ListingStatus::SoldOut);
    let shown = chances(&mut conn, lot, market.seller.org).await.expect("read");
    assert_eq!((shown.len(), shown[0].amount, shown[0].yours), (1, None, false));
    assert_eq!(chances(&mut conn, lot, c.org).await.expect("read"), []);
    assert_eq!(chances(&mut conn, lot, b.org).await.expect("read")[0].amount, Some(eur(4_000)));

    assert!(matches!(take(&mut conn, chance.id, c).await, Err(AuctionError::NoChance)));
    let taken = take(&mut conn, chance.id, b).await.expect("taken");
    assert_eq!((taken.auction.status, taken.awards[0].amount), (AuctionStatus::Awarded, eur(4_000)));
    assert!(matches!(take(&mut conn, chance.id, b).await, Err(AuctionError::ChanceEnded(ChanceStatus::Accepted))));
    assert_eq!(chances(&mut conn, lot, market.seller.org).await.expect("read")[0].amount, Some(eur(4_000)));

    // The auction allows one such offer: after that the lot is the seller's again, who may go on.
    let failed = fail(&mut conn, taken.awards[0].id).await;
    assert_eq!((failed.chance, failed.auction.status), (None, AuctionStatus::Defaulted));
    assert_eq!(listing_status(&mut conn, lot).await, ListingStatus::Ended);
    let asked = offered_by_seller(&mut conn, market.seller, lot, false).await.expect("the third");
    assert_eq!((asked.bidder.org, asked.chance.amount), (c.org, Some(eur(1_500))));
    let again = offered_by_seller(&mut conn, market.seller, lot, false).await;
    assert!(matches!(again, Err(AuctionError::NoNextBidder(_))), "{again:?}");
    unanswered(&mut conn, asked.chance.id).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let expired = expire_chance(&mut tx, asked.chance.id).await.expect("judged");
    assert!(matches!(&expired, Decided::Lapsed(lapsed) if lapsed.chance.is_none()), "{expired:?}");
    assert!(matches!(expire_chance(&mut tx, asked.chance.id).await.expect("judged"), Decided::Nothing));
    tx.commit().await.expect("committed");
    assert_eq!(listing_status(&mut conn, lot).await, ListingStatus::Ended);
    let nobody = offered_by_seller(&mut conn, market.seller, lot, true).await;
    assert!(matches!(nobody, Err(AuctionError::NoNextBidder("no other bid stands"))), "{nobody:?}");
    market.close(conn).await;
}

#[tokio::test]
async fn below_the_reserve_only_the_seller_offers_a_lot_that_was_not_listed_again() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.reserve = Some(secret(4_000));
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, b, 3_000).await.expect("accepted");
    let early = offered_by_seller(&mut conn, market.seller, lot, true).await;
    assert!(matches!(early, Err(AuctionError::NoNextBidder("the auction is not over"))), "{early:?}");
    end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
    assert!(matches!(close_now(&mut conn, lot).await.expect("closes"), CloseOutcome::OnApproval(_)));
    let seller = Participant { org: market.seller.org, user: market.seller.user };
    let mut tx = conn.begin().await.expect("a transaction");
    let closed = answer(&mut tx, lot, seller, Answer::Decline).await.expect("declined").closed;
    tx.commit().await.expect("committed");
    assert_eq!(closed.auction.status, AuctionStatus::Unsold);
    assert!(matches!(offered_by_seller(&mut conn, a, lot, true).await, Err(AuctionError::NotFound)));
    let below = offered_by_seller(&mut conn, market.seller, lot, false).await;
    assert!(matches!(below, Err(AuctionError::BelowReserve(_))), "{below:?}");
    let offered = offered_by_seller(&mut conn, market.seller, lot, true).await.expect("offered");
    let listing = closed.auction.listing_id;
    let mut tx = conn.begin().await.expect("a transaction");
    let relisted = listings::relist(&mut tx, market.seller.org, market.seller.user, listing).await;
    assert!(matches!(relisted, Err(listings::ListingError::WrongStatus(ListingStatus::SoldOut))), "{relisted:?}");
    drop(tx);
    let mut tx = conn.begin().await.expect("a transaction");
    let bidder = Participant { org: b.org, user: b.user };
    assert_eq!(decline(&mut tx, offered.chance.id, bidder).await.expect("declined").chance, None);
    listings::relist(&mut tx, market.seller.org, market.seller.user, listing).await.expect("relisted");
    tx.commit().await.expect("committed");
    let late = offered_by_seller(&mut conn, market.seller, lot, true).await;
    assert!(matches!(late, Err(AuctionError::NoNextBidder("the lot was listed again"))), "{late:?}");
    market.close(conn).await;
}

#[tokio::test]
async fn a_share_that_is_not_paid_goes_to_the_best_bid_that_got_nothing() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.lot_mode = LotMode::Divisible;
    let lot = auction(&mut conn, market.seller, &terms).await;
    bid_for(&mut conn, lot, b, 1_500, Some(80)).await.expect("accepted");
    bid_for(&mut conn, lot, a, 2_000, Some(60)).await.expect("accepted");
    bid_for(&mut conn, lot, c, 2_500, Some(40)).await.expect("accepted");
    let closed = finish(&mut conn, lot).await;
    let award = closed.awards.iter().find(|award| award.winner.org == a.org).expect("a share").id;
    let failed = fail(&mut conn, award).await;
    // The other share stands.
    assert_eq!(failed.auction.status, AuctionStatus::Awarded);
    let (chance, bidder) = failed.chance.expect("the next bidder");
    assert_eq!((bidder.org, chance.quantity, chance.amount), (b.org, 60, Some(eur(90_000))));
    let taken = take(&mut conn, chance.id, b).await.expect("taken");
    assert_eq!((taken.awards[0].quantity, taken.awards[0].amount), (60, eur(90_000)));
    assert_eq!(listing_status(&mut conn, lot).await, ListingStatus::SoldOut);
    market.close(conn).await;
}

#[tokio::test]
async fn a_second_strike_limits_a_third_one_bars_and_one_that_is_lifted_does_neither() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.buy_now = Some(eur(9_000));
    terms.second_chances = Some(0);
    let mut strikes = Vec::new();
    let strike = async |conn: &mut PgConnection| {
        let lot = auction(conn, market.seller, &terms).await;
        bid(conn, lot, a, 2_000).await.expect("accepted");
        let closed = finish(conn, lot).await;
        fail(conn, closed.awards[0].id).await.strike.expect("a strike")
    };
    for _ in 0..2 {
        strikes.push(strike(&mut conn).await);
    }
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(auction(&mut conn, market.seller, &terms).await);
    }
    for lot in &open[..3] {
        bid(&mut conn, *lot, a, 2_000).await.expect("one of three");
    }
    assert_eq!(refusal(bid(&mut conn, open[3], a, 2_000).await), Refused::TooManyAuctions { most: 3 });
    bid(&mut conn, open[0], a, 2_500).await.expect("the bid is raised");
    bid(&mut conn, open[3], b, 2_000).await.expect("others bid as before");
    finish(&mut conn, open[2]).await;
    bid(&mut conn, open[3], a, 3_000).await.expect("one of three again");

    for lot in [open[0], open[1], open[3]] {
        let closed = finish(&mut conn, lot).await;
        if lot == open[0] {
            strikes.push(fail(&mut conn, closed.awards[0].id).await.strike.expect("a strike"));
        }
    }
    let last = auction(&mut conn, market.seller, &terms).await;
    assert!(matches!(refusal(bid(&mut conn, last, a, 2_000).await), Refused::Barred { .. }));
    match purchase(&mut conn, last, a).await {
        Err(AuctionError::Refused { refusal: Refused::Barred { .. }, .. }) => {}
        other => panic!("{other:?}"),
    }
    let seen = standing::standing(&mut conn, a.org).await.expect("read");
    assert!(seen.barred_until.is_some() && seen.strikes.len() == 3, "{seen:?}");

    let mut tx = conn.begin().await.expect("a transaction");
    standing::appeal(&mut tx, a.org, a.user, strikes[1], "The bank was closed.").await.expect("appealed");
    let by = market.seller.user;
    standing::decide(&mut tx, by, strikes[1], AppealOutcome::Lifted, "It was.").await.expect("decided");
    tx.commit().await.expect("committed");
    bid(&mut conn, last, a, 2_000).await.expect("two strikes are left");
    assert_eq!(standing::standing(&mut conn, a.org).await.expect("read").most_auctions, Some(3));
    market.close(conn).await;
}

/// The end of the time to pay and the provider's news of a payment at once: paid and no strike, or expired and the money goes back.
#[tokio::test]
async fn of_a_default_and_a_payment_at_once_one_comes_first() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    for _ in 0..20 {
        // Strikes would bar whoever bids again and again.
        let a = trader(&mut conn).await;
        let lot = auction(&mut conn, market.seller, &terms).await;
        bid(&mut conn, lot, a, 3_000).await.expect("accepted");
        let award = finish(&mut conn, lot).await.awards.remove(0);
        let order = orders::find(&mut conn, award.order).await.expect("read").expect("the order");
        let mut tx = conn.begin().await.expect("a transaction");
        let payment =
            escrow::begin(&mut tx, a.org, a.user, order.checkout, Provider::Simulator, "card").await.expect("begun");
        escrow::start_charge(&mut tx, payment.id).await.expect("to be asked").expect("an open checkout");
        tx.commit().await.expect("committed");
        too_late(&mut conn, award.id).await;
        let barrier = Arc::new(Barrier::new(2));
        let (pool, ready) = (market.db.pool.clone(), Arc::clone(&barrier));
        let paying = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            let mut tx = conn.begin().await.expect("a transaction");
            ready.wait().await;
            let settled =
                escrow::settle(&mut tx, payment.id, &captured(payment.id, payment.amount)).await.expect("settled");
            tx.commit().await.expect("committed");
            matches!(settled, Settled::Held { .. })
        });
        barrier.wait().await;
        let defaulted = matches!(default_now(&mut conn, award.id).await, DefaultOutcome::Defaulted(_));
        let held = paying.await.expect("done");
        let strikes: i64 = sqlx::query_scalar("SELECT count(*) FROM strikes WHERE order_id = $1")
            .bind(award.order)
            .fetch_one(&mut *conn)
            .await
            .expect("counted");
        let order = orders::find(&mut conn, award.order).await.expect("read").expect("the order");
        let wanted = if held { (false, 0, OrderStatus::Paid) } else { (true, 1, OrderStatus::Expired) };
        assert_eq!((defaulted, strikes, order.status), wanted);
    }
    market.close(conn).await;
}

/// A bidder takes an offer when its time is over: it is theirs or it is gone, and never both or neither.
#[tokio::test]
async fn of_an_acceptance_a_refusal_and_the_end_of_an_offer_at_once_one_happens() {
    let (market, mut conn) = TestMarket::new().await;
    let [b, ..] = market.bidders;
    let terms = terms(&mut conn).await;
    for round in 0..20 {
        let a = trader(&mut conn).await;
        let lot = auction(&mut conn, market.seller, &terms).await;
        bid(&mut conn, lot, b, 2_000).await.expect("accepted");
        bid(&mut conn, lot, a, 3_000).await.expect("accepted");
        let award = finish(&mut conn, lot).await.awards.remove(0);
        let (chance, _) = fail(&mut conn, award.id).await.chance.expect("the next bidder");
        if round % 2 == 0 {
            unanswered(&mut conn, chance.id).await;
        }
        let barrier = Arc::new(Barrier::new(3));
        let acts = (0..3).map(|act| {
            let (pool, barrier) = (market.db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                let mut tx = conn.begin().await.expect("a transaction");
                barrier.wait().await;
                let happened = match act {
                    0 => accept(&mut tx, chance.id, b.org, b.user).await.is_ok(),
                    1 => decline(&mut tx, chance.id, Participant { org: b.org, user: b.user }).await.is_ok(),
                    _ => matches!(expire_chance(&mut tx, chance.id).await, Ok(Decided::Lapsed(_))),
                };
                if happened {
                    tx.commit().await.expect("committed");
                }
                happened
            })
        });
        let mut happened = Vec::new();
        for act in acts.collect::<Vec<_>>() {
            happened.push(act.await.expect("done"));
        }
        assert_eq!(happened.iter().filter(|happened| **happened).count(), 1, "{happened:?}");
        let standing: i64 =
            sqlx::query_scalar("SELECT count(*) FROM awards WHERE auction_id = $1 AND status = 'standing'")
                .bind(lot)
                .fetch_one(&mut *conn)
                .await
                .expect("counted");
        assert_eq!(standing, i64::from(happened[0]));
        let (auction, listing) = (seen(&mut conn, lot, None).await.status, listing_status(&mut conn, lot).await);
        let wanted = if happened[0] {
            (AuctionStatus::Awarded, ListingStatus::SoldOut)
        } else {
            (AuctionStatus::Defaulted, ListingStatus::Ended)
        };
        assert_eq!((auction, listing), wanted);
    }
    market.close(conn).await;
}

#[tokio::test]
async fn what_lies_at_a_site_is_kept_for_whoever_is_offered_it() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let plain = terms(&mut conn).await;
    let (kit, listing) = stocked::Kit::new(&mut conn, market.seller, &plain, 3, 5).await;
    let lot = stocked::auctioned(&mut conn, market.seller, listing, &plain).await.expect("an auction");
    bid(&mut conn, lot, b, 2_000).await.expect("a bid");
    bid(&mut conn, lot, a, 3_000).await.expect("a bid");
    let award = finish(&mut conn, lot).await.awards.remove(0);
    assert_eq!(kit.level(&mut conn).await, (5, 3));
    let (chance, _) = fail(&mut conn, award.id).await.chance.expect("the next bidder");
    assert_eq!(kit.level(&mut conn).await, (5, 3));
    let taken = take(&mut conn, chance.id, b).await.expect("taken").awards.remove(0);
    assert_eq!(kit.level(&mut conn).await, (5, 3));
    let failed = fail(&mut conn, taken.id).await;
    assert_eq!((failed.chance, kit.level(&mut conn).await), (None, (5, 0)));
    market.close(conn).await;
}
