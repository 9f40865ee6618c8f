//! The jobs of reviews, on the real engine and over the real store.

use jobs::reviews::{AskReviews, ShowReviews, SweepReviews, write};
use market::ids::OrderId;
use market::offers::model::Party;
use market::reviews::store;
use market::testing::{self, Trader, earn, eur};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;

use crate::testing::TestWorkers;

/// A completed order.
struct TestSale {
    workers: TestWorkers,
    seller: Trader,
    buyer: Trader,
    order: OrderId,
}

impl TestSale {
    async fn new() -> Self {
        let handlers = Handlers::default().with::<AskReviews>().with::<ShowReviews>().with::<SweepReviews>();
        let workers = TestWorkers::new(handlers).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        let order = earn(&mut conn, seller, buyer, eur(10_000)).await;
        drop(conn);
        Self { workers, seller, buyer, order }
    }

    /// Writes with the timer or without.
    async fn write(&self, by: Trader, timed: bool) {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let party = Party { org: by.org, user: by.user };
        if timed {
            write(&mut tx, party, self.order, 4, "Good.").await.unwrap();
        } else {
            store::write(&mut tx, party, self.order, 4, "Good.").await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Lets the seven days of what is written pass.
    async fn age(&self) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        for sql in [
            // The table refuses this: promised times do not move.
            "SET LOCAL session_replication_role = replica",
            "UPDATE reviews SET written_at = written_at - interval '8 days', due_at = due_at - interval '8 days'",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn shown(&self) -> i64 {
        let sql = "SELECT count(*) FROM reviews WHERE shown_at IS NOT NULL";
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    async fn mails(&self, template: &str) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = $1";
        sqlx::query_scalar(sql).bind(template).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// Runs every open job of reviews, including those scheduled for later.
    async fn run(&self) {
        self.workers.queue.make_due().await;
        self.workers.queue.drain().await;
    }

    async fn sweep(&self) -> serde_json::Value {
        self.workers.ledger.enqueue(&SweepReviews {}).await.unwrap();
        self.workers.queue.drain().await;
        rows(&self.workers.db.pool, "reviews.sweep").await.pop().unwrap().result.unwrap()
    }
}

#[tokio::test]
async fn a_review_without_another_is_shown_after_seven_days() {
    let sale = TestSale::new().await;
    sale.write(sale.buyer, true).await;
    sale.run().await;
    assert_eq!((sale.shown().await, sale.mails("review_shown").await), (0, 0));
    sale.age().await;
    sale.run().await;
    assert_eq!((sale.shown().await, sale.mails("review_shown").await), (1, 1));
    sale.workers.ledger.enqueue(&ShowReviews { order: sale.order }).await.unwrap();
    sale.run().await;
    assert_eq!((sale.shown().await, sale.mails("review_shown").await), (1, 1));
    sale.workers.leave().await;
}

#[tokio::test]
async fn two_reviews_are_shown_at_once_and_the_timer_finds_nothing() {
    let sale = TestSale::new().await;
    sale.write(sale.buyer, true).await;
    sale.write(sale.seller, true).await;
    assert_eq!((sale.shown().await, sale.mails("review_shown").await), (2, 2));
    assert_eq!(rows(&sale.workers.db.pool, "reviews.show").await.len(), 1);
    sale.run().await;
    assert_eq!((sale.shown().await, sale.mails("review_shown").await), (2, 2));
    sale.workers.leave().await;
}

#[tokio::test]
async fn the_sweep_finds_reviews_whose_timer_was_lost() {
    let sale = TestSale::new().await;
    sale.write(sale.seller, false).await;
    assert_eq!(sale.sweep().await, json!({"added": 0, "pulled": 0}));
    sale.age().await;
    assert_eq!(sale.sweep().await, json!({"added": 1, "pulled": 0}));
    assert_eq!((sale.shown().await, sale.mails("review_shown").await), (1, 1));
    assert_eq!(sale.sweep().await, json!({"added": 0, "pulled": 0}));
    sale.workers.leave().await;
}

#[tokio::test]
async fn sides_that_have_not_written_are_asked_once_after_three_days() {
    let sale = TestSale::new().await;
    sale.write(sale.seller, true).await;
    let ask = async || {
        sale.workers.ledger.enqueue(&AskReviews {}).await.unwrap();
        sale.workers.queue.drain().await;
        rows(&sale.workers.db.pool, "reviews.ask").await.pop().unwrap().result.unwrap()
    };
    assert_eq!(ask().await, json!({"asked": 0}));
    let early = "SELECT count(*) FROM review_requests
                 WHERE due_at > clock_timestamp() + interval '2 days' AND due_at < clock_timestamp() + interval '3 days'";
    let waiting: i64 = sqlx::query_scalar(early).fetch_one(&sale.workers.db.pool).await.unwrap();
    assert_eq!(waiting, 1);
    let due = "UPDATE review_requests SET due_at = due_at - interval '4 days'";
    sqlx::query(due).execute(&sale.workers.db.pool).await.unwrap();
    assert_eq!((ask().await, sale.mails("review_asked").await), (json!({"asked": 1}), 1));
    assert_eq!((ask().await, sale.mails("review_asked").await), (json!({"asked": 0}), 1));
    let whom: uuid::Uuid = sqlx::query_scalar("SELECT user_id FROM emails WHERE template = 'review_asked'")
        .fetch_one(&sale.workers.db.pool)
        .await
        .unwrap();
    assert_eq!(whom, sale.buyer.user.0);
    sale.age().await;
    sale.run().await;
    sale.workers.leave().await;
}
