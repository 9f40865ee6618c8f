//! The jobs of watches, on the real engine and over the real store.

use jobs::watches::{NotifyWatchers, WatchNews};
use market::ids::ListingId;
use market::listings::model::SaleMode;
use market::listings::store as listings;
use market::testing::{self, Trader, eur};
use market::watches::store;
use queue::worker::Handlers;
use queue::{Enqueue, Unique};
use shared::ids::UserId;

use crate::testing::TestWorkers;

struct TestMarket {
    workers: TestWorkers,
    seller: Trader,
    goods: ListingId,
    people: Vec<UserId>,
}

impl TestMarket {
    /// Three people watch a listing that costs a hundred euros.
    async fn new() -> Self {
        let workers = TestWorkers::new(Handlers::default().with::<NotifyWatchers>()).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let seller = testing::trader(&mut conn).await;
        let goods = testing::listing(&mut conn, seller, SaleMode::Fixed, 1).await;
        let mut people = Vec::new();
        for _ in 0..3 {
            let person = testing::member_of(&mut conn, &[]).await;
            store::begin(&mut conn, person, goods).await.unwrap();
            people.push(person);
        }
        people.sort();
        drop(conn);
        Self { workers, seller, goods, people }
    }

    async fn reprice(&self, cents: i64) -> NotifyWatchers {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        let before = listings::lock(&mut tx, self.goods).await.unwrap();
        listings::reprice(&mut tx, &before, eur(cents)).await.unwrap();
        tx.commit().await.unwrap();
        NotifyWatchers { listing: self.goods, news: WatchNews::PriceFell { was: eur(10_000), now: eur(cents) } }
    }

    async fn run(&self, job: &NotifyWatchers) {
        self.workers.ledger.enqueue(job).await.unwrap();
        self.workers.queue.drain().await;
    }

    /// Who got a mail of this template, by id.
    async fn mailed(&self, template: &str) -> Vec<UserId> {
        sqlx::query_scalar("SELECT user_id FROM emails WHERE template = $1 ORDER BY user_id")
            .bind(template)
            .fetch_all(&self.workers.db.pool)
            .await
            .unwrap()
    }

    async fn close(self) {
        self.workers.leave().await;
    }
}

#[tokio::test]
async fn watchers_hear_once_that_a_price_fell_and_the_suspended_never() {
    let market = TestMarket::new().await;
    let suspended = market.people[1];
    let suspend = "UPDATE users SET status = 'suspended' WHERE id = $1";
    sqlx::query(suspend).bind(suspended).execute(&market.workers.db.pool).await.unwrap();
    let fell = market.reprice(9_000).await;
    let told = [market.people[0], market.people[2]];
    for _ in 0..2 {
        market.run(&fell).await;
        assert_eq!(market.mailed("price_fell").await, told);
    }
    // Up and down again: the same price is no news.
    market.reprice(11_000).await;
    let again = market.reprice(9_000).await;
    market.run(&again).await;
    assert_eq!(market.mailed("price_fell").await, told);
    market.close().await;
}

#[tokio::test]
async fn a_price_that_has_risen_again_or_is_not_on_offer_is_no_news() {
    let market = TestMarket::new().await;
    let fell = market.reprice(9_000).await;
    market.reprice(12_000).await;
    market.run(&fell).await;
    let fell = market.reprice(8_000).await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    listings::withdraw(&mut conn, market.seller.org, market.goods).await.unwrap();
    drop(conn);
    market.run(&fell).await;
    assert_eq!(market.mailed("price_fell").await, []);
    market.close().await;
}

#[tokio::test]
async fn two_runs_at_once_tell_of_a_relisted_lot_once_and_the_watches_move_along() {
    let market = TestMarket::new().await;
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let mut old = market.goods;
    for round in 1..=10 {
        listings::withdraw(&mut conn, market.seller.org, old).await.unwrap();
        let new = listings::relist(&mut conn, market.seller.org, market.seller.user, old).await.unwrap();
        listings::publish(&mut conn, market.seller.org, new).await.unwrap();
        let job = NotifyWatchers { listing: new, news: WatchNews::Relisted { of: old } };
        let mut tx = market.workers.ledger.begin().await.unwrap();
        for _ in 0..2 {
            let _ = tx.enqueue_with(Enqueue::new(&job).unique(Unique::NO)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let tickets = market.workers.queue.take().await;
        let [one, other] = tickets.as_slice() else { panic!("{tickets:?}") };
        futures::join!(market.workers.queue.run(*one), market.workers.queue.run(*other));
        assert_eq!(market.mailed("relisted").await.len(), 3 * round);
        assert_eq!(store::watchers(&mut conn, new, None, 10).await.unwrap(), market.people);
        assert_eq!(store::watchers(&mut conn, old, None, 10).await.unwrap(), []);
        old = new;
    }
    drop(conn);
    market.close().await;
}
