//! The jobs of auctions, on the real engine and over the real store.

use chrono::{DateTime, TimeDelta, Utc};
use jobs::auctions::{
    CloseAuction, ExpireApproval, FlagAccounts, NotifyLeader, NotifyOutbid, OpenAuction, RemindBidders, Reminder,
    SweepAuctions,
};
use market::auctions::model::{AuctionStatus, AuctionView, LotMode, NewAuction};
use market::auctions::store::{self, PlaceBid};
use market::ids::AuctionId;
use market::testing::{self, Trader, end_in, eur, secret};
use queue::testing::{enqueued, rows};
use queue::worker::Handlers;
use queue::{Enqueue, Job, Unique};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::ids::UserId;

use crate::testing::TestWorkers;

/// Workers with the jobs of auctions, a seller and two bidders.
struct TestMarket {
    workers: TestWorkers,
    seller: Trader,
    ann: Trader,
    bob: Trader,
}

impl TestMarket {
    async fn new(clock: Clock) -> Self {
        let handlers = Handlers::default()
            .with::<OpenAuction>()
            .with::<CloseAuction>()
            .with::<RemindBidders>()
            .with::<NotifyOutbid>()
            .with::<NotifyLeader>()
            .with::<FlagAccounts>()
            .with::<ExpireApproval>()
            .with::<SweepAuctions>();
        let workers = TestWorkers::with_clock(handlers, clock).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let seller = testing::trader(&mut conn).await;
        let (ann, bob) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        drop(conn);
        Self { workers, seller, ann, bob }
    }

    async fn terms(&self) -> NewAuction {
        testing::terms(&mut self.workers.db.pool.acquire().await.unwrap()).await
    }

    async fn auction(&self, terms: &NewAuction) -> AuctionId {
        testing::auction(&mut self.workers.db.pool.acquire().await.unwrap(), self.seller, terms).await
    }

    async fn bid(&self, auction: AuctionId, by: Trader, cents: i64, quantity: Option<i64>) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        let place = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(cents), quantity };
        store::place_bid(&mut tx, &place).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn end_in(&self, auction: AuctionId, from_now: TimeDelta) {
        end_in(&mut self.workers.db.pool.acquire().await.unwrap(), auction, from_now).await;
    }

    async fn view(&self, auction: AuctionId) -> AuctionView {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::view(&mut conn, auction, None).await.unwrap().unwrap()
    }

    async fn enqueue<J: Job>(&self, job: &J) {
        self.workers.ledger.enqueue(job).await.unwrap();
    }

    /// Runs every open job, including those scheduled for later; returns how many attempts ran.
    async fn run(&self) -> usize {
        self.workers.queue.make_due().await;
        self.workers.queue.drain().await
    }

    /// State, attempts and due time of the only job of a kind.
    async fn job(&self, kind: &str) -> (String, i32, DateTime<Utc>) {
        sqlx::query_as("SELECT state::text, attempt, run_at FROM jobs WHERE kind = $1")
            .bind(kind)
            .fetch_one(&self.workers.db.pool)
            .await
            .unwrap()
    }

    /// The mails of a template that were posted with a job to send them: recipient and data.
    async fn mails(&self, template: &str) -> Vec<(UserId, Value)> {
        sqlx::query_as(
            "SELECT m.user_id, m.data
             FROM emails AS m
             JOIN jobs AS j ON j.kind = 'emails.send' AND j.payload ->> 'email' = m.id::text
             WHERE m.template = $1
             ORDER BY m.created_at, m.user_id",
        )
        .bind(template)
        .fetch_all(&self.workers.db.pool)
        .await
        .unwrap()
    }

    /// Who got mail that they lead.
    async fn leading(&self) -> Vec<UserId> {
        self.mails("winning").await.into_iter().map(|(user, _)| user).collect()
    }

    /// Puts another person in the place of the one who trades for the organisation.
    async fn replace(&self, trader: Trader) -> UserId {
        let successor = self.workers.user(&format!("{}@example.com", UserId::generate())).await;
        sqlx::query("UPDATE memberships SET user_id = $1 WHERE org_id = $2 AND user_id = $3")
            .bind(successor)
            .bind(trader.org)
            .bind(trader.user)
            .execute(&self.workers.db.pool)
            .await
            .unwrap();
        successor
    }

    /// Leaves the auctions' timers open: most tests are about only one of them.
    async fn close(self) {
        self.workers.leave().await;
    }
}

/// Asserts that a job sleeps until `due` by the database's clock, and that this has cost no
/// attempt.
fn sleeps_until(job: &(String, i32, DateTime<Utc>), due: DateTime<Utc>) {
    let (state, attempt, run_at) = job;
    assert_eq!((state.as_str(), *attempt), ("scheduled", 0));
    assert!((due..due + TimeDelta::seconds(30)).contains(run_at), "{run_at}, not {due}");
}

/// Clocks of workers: the machine's, and two that are wrong.
fn clocks() -> [Clock; 3] {
    let now = Clock::SYSTEM.now();
    [Clock::SYSTEM, Clock::manual(now - TimeDelta::hours(1)), Clock::manual(now + TimeDelta::hours(1))]
}

#[tokio::test]
async fn the_end_that_moved_is_met_by_the_databases_clock() {
    for clock in clocks() {
        let market = TestMarket::new(clock).await;
        let terms = NewAuction { soft_close_seconds: Some(300), ..market.terms().await };
        let lot = market.auction(&terms).await;
        market.bid(lot, market.ann, 2_000, None).await;
        market.end_in(lot, TimeDelta::seconds(60)).await;
        market.enqueue(&CloseAuction { auction: lot }).await;
        // The bid arrives while the timer is on its way, and moves the end.
        market.bid(lot, market.bob, 3_000, None).await;
        let moved = market.view(lot).await.ends_at;
        assert_eq!(market.workers.queue.drain().await, 1);
        sleeps_until(&market.job("auctions.close").await, moved);
        assert_eq!(market.view(lot).await.status, AuctionStatus::Live);

        market.end_in(lot, TimeDelta::milliseconds(-1)).await;
        assert_eq!(market.run().await, 1);
        let closed = market.view(lot).await;
        assert_eq!((closed.status, closed.price), (AuctionStatus::Awarded, eur(2_050)));
        assert_eq!(market.job("auctions.close").await.0, "succeeded");
        market.close().await;
    }
}

#[tokio::test]
async fn an_auction_opens_when_its_start_has_come() {
    for clock in clocks() {
        let market = TestMarket::new(clock).await;
        let mut terms = market.terms().await;
        terms.starts_at = Some(terms.ends_at - TimeDelta::days(1));
        let lot = market.auction(&terms).await;
        market.enqueue(&OpenAuction { auction: lot }).await;
        assert_eq!(market.workers.queue.drain().await, 1);
        sleeps_until(&market.job("auctions.open").await, market.view(lot).await.starts_at);
        market.end_in(lot, TimeDelta::hours(23)).await;
        assert_eq!(market.run().await, 1);
        assert_eq!(market.view(lot).await.status, AuctionStatus::Live);
        // A second one finds it open.
        market.enqueue(&OpenAuction { auction: lot }).await;
        assert_eq!(market.run().await, 1);
        assert_eq!(rows(&market.workers.db.pool, "auctions.open").await[1].state, "succeeded");
        market.close().await;
    }
}

#[tokio::test]
async fn of_two_closers_at_once_one_closes() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    for _ in 0..10 {
        let lot = market.auction(&market.terms().await).await;
        market.bid(lot, market.ann, 2_000, None).await;
        market.end_in(lot, TimeDelta::milliseconds(-1)).await;
        let mut tx = market.workers.ledger.begin().await.unwrap();
        for _ in 0..2 {
            let job = Enqueue::new(&CloseAuction { auction: lot }).unique(Unique::NO);
            let _ = tx.enqueue_with(job).await.unwrap();
        }
        tx.commit().await.unwrap();
        let tickets = market.workers.queue.take().await;
        let [one, other] = tickets.as_slice() else { panic!("{tickets:?}") };
        futures::join!(market.workers.queue.run(*one), market.workers.queue.run(*other));
        let (awards, orders): (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(o.id)
             FROM awards AS w
             LEFT JOIN orders AS o ON o.award_id = w.id
             WHERE w.auction_id = $1",
        )
        .bind(lot)
        .fetch_one(&market.workers.db.pool)
        .await
        .unwrap();
        assert_eq!((awards, orders), (1, 1));
    }
    assert!(rows(&market.workers.db.pool, "auctions.close").await.iter().all(|row| row.state == "succeeded"));
    assert_eq!((market.mails("won").await.len(), market.mails("sold").await.len()), (10, 10));
    market.close().await;
}

#[tokio::test]
async fn both_sides_are_told_of_the_end_whoever_trades_for_them_now() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let lot = market.auction(&market.terms().await).await;
    market.bid(lot, market.ann, 2_000, None).await;
    market.bid(lot, market.bob, 1_500, None).await;
    market.end_in(lot, TimeDelta::milliseconds(-1)).await;
    let (ann, seller) = (market.replace(market.ann).await, market.replace(market.seller).await);
    market.enqueue(&CloseAuction { auction: lot }).await;
    assert_eq!(market.run().await, 1);
    let (won, sold) = (market.mails("won").await, market.mails("sold").await);
    let ([(winner, won)], [(from, sold)]) = (won.as_slice(), sold.as_slice()) else { panic!("{won:?} {sold:?}") };
    assert_eq!((*winner, *from), (ann, seller));
    assert_eq!((&won["total"], &won["order"]), (&json!(eur(1_550)), &sold["order"]));
    assert_eq!(market.mails("unsold").await, []);

    let empty = market.auction(&market.terms().await).await;
    market.end_in(empty, TimeDelta::milliseconds(-1)).await;
    market.enqueue(&CloseAuction { auction: empty }).await;
    // What waits for the payment of the first one is left alone.
    assert_eq!(market.workers.queue.drain().await, 1);
    assert_eq!(market.view(empty).await.status, AuctionStatus::Unsold);
    assert_eq!(market.mails("unsold").await.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [seller]);
    market.close().await;
}

#[tokio::test]
async fn the_sweep_adds_what_is_missing_and_pulls_what_is_late() {
    let market = TestMarket::new(Clock::SYSTEM).await;
    let sweep = async || {
        market.enqueue(&SweepAuctions {}).await;
        market.workers.queue.drain().await;
        rows(&market.workers.db.pool, "auctions.sweep").await.pop().unwrap().result.unwrap()
    };
    let later = market.auction(&market.terms().await).await;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));

    let (lost, late) = (market.auction(&market.terms().await).await, market.auction(&market.terms().await).await);
    let mut terms = market.terms().await;
    terms.starts_at = Some(terms.ends_at - TimeDelta::days(1));
    let unopened = market.auction(&terms).await;
    for lot in [lost, late] {
        market.end_in(lot, TimeDelta::seconds(-10)).await;
    }
    market.end_in(unopened, TimeDelta::hours(23)).await;
    // As a worker whose clock ran behind would have left it.
    let mut tx = market.workers.ledger.begin().await.unwrap();
    let in_an_hour = Clock::SYSTEM.now() + TimeDelta::hours(1);
    let _ = tx.enqueue_with(Enqueue::new(&CloseAuction { auction: late }).run_at(in_an_hour)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sweep().await, json!({"added": 2, "pulled": 1}));
    for (lot, status) in [
        (lost, AuctionStatus::Unsold),
        (late, AuctionStatus::Unsold),
        (unopened, AuctionStatus::Live),
        (later, AuctionStatus::Live),
    ] {
        assert_eq!(market.view(lot).await.status, status);
    }
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    market.close().await;
}

mod approvals;
mod closings;
mod flags;
mod leaders;
mod outbid;
mod reminders;
