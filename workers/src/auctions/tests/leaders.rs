//! Mail to those who lead again by another's retraction.

use market::ids::BidId;

use super::*;

impl TestMarket {
    async fn placed(&self, auction: AuctionId, by: Trader, cents: i64) -> BidId {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        let place = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(cents), quantity: None };
        let placed = store::place_bid(&mut tx, &place).await.unwrap();
        tx.commit().await.unwrap();
        placed.bid
    }

    /// Takes a bid back as the API does, in one transaction with the job that notifies whoever leads then.
    async fn take_back(&self, bid: BidId, by: Trader) {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let retracted = store::retract(&mut tx, bid, by.org, by.user).await.unwrap();
        if let Some(notice) = NotifyLeader::of(bid, &retracted) {
            let _ = tx.enqueue_with(notice).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn whoever_leads_again_by_anothers_retraction_hears_of_it_once() {
    for clock in clocks() {
        let market = TestMarket::new(clock).await;
        let (ann, bob) = (market.ann, market.bob);
        let lot = market.auction(&market.terms().await).await;
        market.bid(lot, ann, 3_000, None).await;
        let better = market.placed(lot, bob, 4_000).await;
        market.take_back(better, bob).await;
        assert_eq!(market.workers.queue.drain().await, 0, "it waits whether the lead lasts");
        assert_eq!(market.run().await, 1);
        let mails = market.mails("winning").await;
        let [(to, data)] = mails.as_slice() else { panic!("{mails:?}") };
        let seen = market.view(lot).await;
        assert_eq!((*to, &data["again"], &data["price"]), (ann.user, &json!(true), &json!(seen.price)));

        // Of two retractions in a row they hear once.
        for cents in [5_000, 6_000] {
            let better = market.placed(lot, bob, cents).await;
            market.take_back(better, bob).await;
        }
        assert_eq!(market.run().await, 1);
        assert_eq!(market.leading().await, [ann.user; 2]);

        // A bid or a raise whose retraction leaves the leader is no news.
        let lower = market.placed(lot, bob, 2_000).await;
        market.take_back(lower, bob).await;
        let raise = market.placed(lot, ann, 9_000).await;
        market.take_back(raise, ann).await;
        assert_eq!((market.run().await, market.leading().await.len()), (0, 2));
        market.close().await;
    }
}

#[tokio::test]
async fn a_lead_that_came_back_and_did_not_last_is_not_mailed() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let (ann, bob) = (market.ann, market.bob);
    let again = async || {
        let lot = market.auction(&market.terms().await).await;
        market.bid(lot, ann, 3_000, None).await;
        let slip = market.placed(lot, bob, 40_000).await;
        market.take_back(slip, bob).await;
        lot
    };
    let outbid = again().await;
    market.bid(outbid, bob, 4_000, None).await;
    let ended = again().await;
    market.end_in(ended, TimeDelta::milliseconds(-1)).await;
    for over in [
        "UPDATE auctions SET suspended = true WHERE id = $1",
        "UPDATE auctions SET status = 'cancelled', closed_at = clock_timestamp() WHERE id = $1",
    ] {
        sqlx::query(over).bind(again().await).execute(&market.workers.db.pool).await.unwrap();
    }
    assert_eq!(market.run().await, 4);
    assert_eq!(market.leading().await, []);
    let states: Vec<_> = rows(&market.workers.db.pool, NotifyLeader::KIND.name).await;
    assert!(states.iter().all(|row| row.state == "succeeded"), "{states:?}");
    again().await;
    assert_eq!(market.run().await, 1);
    assert_eq!(market.leading().await, [ann.user], "one that lasts is");
    market.close().await;
}

/// A retraction finds the notice open and enqueues none, while that one is about to find the lead gone.
#[tokio::test]
async fn a_lead_that_comes_back_while_its_notice_runs_is_not_missed() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let (ann, bob) = (market.ann, market.bob);
    let lot = market.auction(&market.terms().await).await;
    market.bid(lot, ann, 3_000, None).await;
    let slip = market.placed(lot, bob, 40_000).await;
    market.take_back(slip, bob).await;
    let better = market.placed(lot, bob, 5_000).await;
    let mut taking_back = market.workers.ledger.begin().await.unwrap();
    let retracted = store::retract(&mut taking_back, better, bob.org, bob.user).await.unwrap();
    let notice = NotifyLeader::of(better, &retracted).unwrap();
    let _ = taking_back.enqueue_with(notice).await.unwrap();

    market.workers.queue.make_due().await;
    let ticket = market.workers.queue.take().await.pop().unwrap();
    let notifying = market.workers.queue.start(ticket);
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !notifying.is_finished()
        && !sqlx::query_scalar::<_, bool>(waits).fetch_one(&market.workers.db.pool).await.unwrap()
    {
        tokio::task::yield_now().await;
    }
    taking_back.commit().await.unwrap();
    notifying.await.unwrap();
    assert_eq!(market.leading().await, [ann.user]);
    market.close().await;
}
