//! Highest bids below the reserve, about which sellers decide.

use std::sync::Arc;

use shared::money::Money;
use tokio::sync::Barrier;

use super::stocked;
use super::*;
use crate::listings::model::ListingStatus;
use crate::listings::store as listings;
use crate::orders::store as orders;

fn party(trader: Trader) -> Participant {
    Participant { org: trader.org, user: trader.user }
}

async fn answered(conn: &mut PgConnection, lot: AuctionId, by: Trader, said: Answer) -> Result<Answered, AuctionError> {
    let mut tx = conn.begin().await?;
    let answered = answer(&mut tx, lot, party(by), said).await?;
    tx.commit().await?;
    Ok(answered)
}

/// A lot with a reserve of 40.00 that ended at 20.00.
async fn ended_below(conn: &mut PgConnection, seller: Trader, bidders: [Trader; 2]) -> Asked {
    let mut terms = terms(conn).await;
    terms.reserve = Some(secret(4_000));
    let lot = auction(conn, seller, &terms).await;
    bid(conn, lot, bidders[1], 1_950).await.expect("accepted");
    bid(conn, lot, bidders[0], 3_000).await.expect("accepted");
    below(conn, lot).await
}

async fn below(conn: &mut PgConnection, lot: AuctionId) -> Asked {
    end_in(conn, lot, TimeDelta::seconds(-1)).await;
    match close_now(conn, lot).await.expect("closes") {
        CloseOutcome::OnApproval(asked) => *asked,
        other => panic!("not on approval: {other:?}"),
    }
}

/// Lets the time to answer be over.
async fn too_late(conn: &mut PgConnection, lot: AuctionId) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(
        "UPDATE approvals
         SET asked_at = asked_at - interval '25 hours', expires_at = expires_at - interval '25 hours'
         WHERE auction_id = $1",
    )
    .bind(lot)
    .execute(&mut *tx)
    .await
    .expect("aged");
    tx.commit().await.expect("aged");
}

async fn silence(conn: &mut PgConnection, lot: AuctionId) -> Silence {
    let mut tx = conn.begin().await.expect("a transaction");
    let found = expire_approval(&mut tx, lot).await.expect("judged");
    tx.commit().await.expect("committed");
    found
}

async fn statuses(conn: &mut PgConnection, lot: AuctionId) -> (AuctionStatus, ListingStatus) {
    let view = seen(conn, lot, None).await;
    (view.status, listings::listing(conn, view.listing_id).await.expect("read").expect("the listing").status)
}

#[tokio::test]
async fn the_seller_takes_a_bid_below_the_reserve_at_its_price() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, c] = market.bidders;
    let asked = ended_below(&mut conn, market.seller, [a, b]).await;
    let lot = asked.auction.id;
    assert_eq!((asked.bidder, asked.approval.price), (party(a), eur(2_000)));
    assert_eq!(statuses(&mut conn, lot).await, (AuctionStatus::OnApproval, ListingStatus::SoldOut));
    assert_eq!(close_now(&mut conn, lot).await.expect("judged"), CloseOutcome::Already(AuctionStatus::OnApproval));

    // Only the two sides see it, and nothing else happens to the lot meanwhile.
    for (viewer, wanted) in [(market.seller, Some(true)), (a, Some(false)), (b, None), (c, None)] {
        let shown = approval(&mut conn, lot, viewer.org).await.expect("read");
        assert_eq!(shown.map(|shown| shown.your_turn), wanted);
    }
    let listing = asked.auction.listing_id;
    let mut tx = conn.begin().await.expect("a transaction");
    let relisted = listings::relist(&mut tx, market.seller.org, market.seller.user, listing).await;
    assert!(matches!(relisted, Err(listings::ListingError::WrongStatus(ListingStatus::SoldOut))), "{relisted:?}");
    let chance = offer_chance(&mut tx, market.seller.org, lot, true).await;
    assert!(matches!(chance, Err(AuctionError::NoNextBidder("the highest bid waits for an answer"))), "{chance:?}");
    drop(tx);
    let early = answered(&mut conn, lot, a, Answer::Accept).await;
    assert!(matches!(early, Err(AuctionError::NotAnswered(NotAnswered::NotYourTurn))), "{early:?}");
    let stranger = answered(&mut conn, lot, b, Answer::Accept).await;
    assert!(matches!(stranger, Err(AuctionError::NotFound)), "{stranger:?}");
    assert!(matches!(silence(&mut conn, lot).await, Silence::NotYet { .. }));

    let sold = answered(&mut conn, lot, market.seller, Answer::Accept).await.expect("accepted");
    let [award] = sold.closed.awards.as_slice() else { panic!("{:?}", sold.closed.awards) };
    assert_eq!((award.winner, award.amount, award.quantity), (party(a), eur(2_000), 1));
    let order = orders::order(&mut conn, a.org, award.order).await.expect("read").expect("the order");
    assert_eq!((order.total, order.seller_org_id), (eur(2_000), market.seller.org));
    assert_eq!(statuses(&mut conn, lot).await, (AuctionStatus::Awarded, ListingStatus::SoldOut));
    let shown = bids(&mut conn, lot, Some(a.org), None, 10).await.expect("read").expect("the auction");
    assert_eq!(shown.iter().filter(|bid| bid.status == BidStatus::Won).count(), 1);
    for by in [market.seller, a] {
        let again = answered(&mut conn, lot, by, Answer::Accept).await;
        assert!(matches!(again, Err(AuctionError::NotAnswered(NotAnswered::Ended))), "{again:?}");
    }
    assert_eq!(silence(&mut conn, lot).await, Silence::Nothing);
    market.close(conn).await;
}

#[tokio::test]
async fn the_bidder_takes_the_sellers_amount_or_leaves_it() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    for taken in [true, false] {
        let lot = ended_below(&mut conn, market.seller, [a, b]).await.auction.id;
        let dear = answered(&mut conn, lot, market.seller, Answer::Counter(eur(4_001))).await;
        assert!(
            matches!(&dear, Err(AuctionError::Invalid(invalid)) if invalid.pointer == "/amount"
                && invalid.message == "must lie above 20.00 EUR and not above the reserve of 40.00 EUR"),
            "{dear:?}"
        );
        let yen = Money::from_minor(3_500, "JPY".parse().expect("a currency"));
        let foreign = answered(&mut conn, lot, market.seller, Answer::Counter(yen)).await;
        assert!(matches!(&foreign, Err(AuctionError::Invalid(invalid)) if invalid.pointer == "/amount/currency"));
        // The bidder has a day from now on, however late the seller was.
        let asked = approval(&mut conn, lot, a.org).await.expect("read").expect("the approval");
        let named = answered(&mut conn, lot, market.seller, Answer::Counter(eur(3_500))).await.expect("named");
        assert!(named.approval.answer_by > asked.answer_by);
        assert_eq!((named.approval.counter, named.approval.your_turn), (Some(eur(3_500)), false));
        assert_eq!(statuses(&mut conn, lot).await, (AuctionStatus::OnApproval, ListingStatus::SoldOut));
        if taken {
            let sold = answered(&mut conn, lot, a, Answer::Accept).await.expect("accepted");
            assert_eq!(sold.closed.awards[0].amount, eur(3_500));
            assert_eq!(statuses(&mut conn, lot).await, (AuctionStatus::Awarded, ListingStatus::SoldOut));
        } else {
            let left = answered(&mut conn, lot, a, Answer::Decline).await.expect("declined");
            assert_eq!((left.closed.awards.len(), left.by), (0, crate::orders::model::Side::Buyer));
            assert_eq!(statuses(&mut conn, lot).await, (AuctionStatus::Unsold, ListingStatus::Ended));
            // The seller may go on from there.
            let mut tx = conn.begin().await.expect("a transaction");
            let offered = offer_chance(&mut tx, market.seller.org, lot, true).await.expect("offered");
            assert_eq!(offered.bidder.org, a.org);
            tx.commit().await.expect("committed");
        }
    }
    market.close(conn).await;
}

#[tokio::test]
async fn silence_declines_once_and_the_sweep_finds_it() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    for countered in [false, true] {
        let lot = ended_below(&mut conn, market.seller, [a, b]).await.auction.id;
        if countered {
            answered(&mut conn, lot, market.seller, Answer::Counter(eur(3_500))).await.expect("named");
        }
        assert_eq!(overdue_approvals(&mut conn, 10).await.expect("read"), []);
        too_late(&mut conn, lot).await;
        assert_eq!(overdue_approvals(&mut conn, 10).await.expect("read"), [lot]);
        let late = answered(&mut conn, lot, if countered { a } else { market.seller }, Answer::Accept).await;
        assert!(matches!(late, Err(AuctionError::NotAnswered(NotAnswered::Ended))), "{late:?}");
        let Silence::Expired { approval, bidder, .. } = silence(&mut conn, lot).await else { panic!("not expired") };
        assert_eq!((approval.status, bidder), (ApprovalStatus::Expired, party(a)));
        assert_eq!(silence(&mut conn, lot).await, Silence::Nothing);
        assert_eq!(overdue_approvals(&mut conn, 10).await.expect("read"), []);
        assert_eq!(statuses(&mut conn, lot).await, (AuctionStatus::Unsold, ListingStatus::Ended));
    }
    market.close(conn).await;
}

#[tokio::test]
async fn what_lies_at_a_site_is_kept_until_the_seller_has_decided() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, ..] = market.bidders;
    let mut terms = terms(&mut conn).await;
    terms.reserve = Some(secret(4_000));
    for (said, wanted) in [(Answer::Accept, (5, 3)), (Answer::Decline, (5, 0))] {
        let (kit, listing) = stocked::Kit::new(&mut conn, market.seller, &terms, 3, 5).await;
        let lot = stocked::auctioned(&mut conn, market.seller, listing, &terms).await.expect("an auction");
        bid(&mut conn, lot, a, 3_000).await.expect("a bid");
        below(&mut conn, lot).await;
        assert_eq!(kit.level(&mut conn).await, (5, 3));
        answered(&mut conn, lot, market.seller, said).await.expect("answered");
        assert_eq!(kit.level(&mut conn).await, wanted);
    }
    market.close(conn).await;
}

#[tokio::test]
async fn of_accepting_declining_and_the_end_of_the_time_at_once_one_happens() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    for round in 0..60 {
        let lot = ended_below(&mut conn, market.seller, [a, b]).await.auction.id;
        let countered = round % 3 == 0;
        if countered {
            answered(&mut conn, lot, market.seller, Answer::Counter(eur(3_500))).await.expect("named");
        }
        if round % 2 == 0 {
            too_late(&mut conn, lot).await;
        }
        let by = party(if countered { a } else { market.seller });
        let barrier = Arc::new(Barrier::new(4));
        let acts = (0..4).map(|act| {
            let (pool, barrier) = (market.db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                let mut tx = conn.begin().await.expect("a transaction");
                barrier.wait().await;
                let happened = match act {
                    0 | 1 => answer(&mut tx, lot, by, Answer::Accept).await.is_ok(),
                    2 => answer(&mut tx, lot, by, Answer::Decline).await.is_ok(),
                    _ => matches!(expire_approval(&mut tx, lot).await, Ok(Silence::Expired { .. })),
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
        let sold = happened[0] || happened[1];
        let awards: i64 = sqlx::query_scalar("SELECT count(*) FROM awards WHERE auction_id = $1")
            .bind(lot)
            .fetch_one(&mut *conn)
            .await
            .expect("counted");
        assert_eq!(awards, i64::from(sold));
        let wanted = if sold {
            (AuctionStatus::Awarded, ListingStatus::SoldOut)
        } else {
            (AuctionStatus::Unsold, ListingStatus::Ended)
        };
        assert_eq!(statuses(&mut conn, lot).await, wanted);
    }
    market.close(conn).await;
}
