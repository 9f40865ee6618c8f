//! The jobs of returns, on the real engine and over the real store.

use jobs::returns::{LapseReturn, SweepReturns, request};
use market::escrow::store as escrow;
use market::ids::{OrderId, ReturnId};
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::returns::model::{ReturnReason, ReturnStatus};
use market::returns::rules::Wanted;
use market::returns::store::{self, NewReturn};
use market::testing::{self, Trader, eur};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;
use sqlx::Connection;

use crate::testing::TestWorkers;

/// An order of three units that has arrived.
struct TestSale {
    workers: TestWorkers,
    buyer: Trader,
    order: OrderId,
}

impl TestSale {
    async fn new() -> Self {
        let workers = TestWorkers::new(Handlers::default().with::<LapseReturn>().with::<SweepReturns>()).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        let goods = testing::listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        let (checkout, order) = testing::placed(&mut conn, buyer, goods, eur(30_000)).await;
        testing::pay(&mut conn, buyer, checkout).await;
        let mut tx = conn.begin().await.unwrap();
        escrow::ship(&mut tx, seller.org, seller.user, order).await.unwrap();
        escrow::receive(&mut tx, buyer.org, buyer.user, order).await.unwrap();
        tx.commit().await.unwrap();
        drop(conn);
        Self { workers, buyer, order }
    }

    const fn by_buyer(&self) -> Party {
        Party { org: self.buyer.org, user: self.buyer.user }
    }

    /// A request for one unit, with its timer or without.
    async fn request(&self, timed: bool) -> ReturnId {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let lines = [Wanted { line: 1, quantity: 1 }];
        let new = NewReturn { order: self.order, reason: ReturnReason::Other, text: None, lines: &lines };
        let id = if timed {
            request(&mut tx, self.by_buyer(), new).await.unwrap().id
        } else {
            store::request(&mut tx, self.by_buyer(), new).await.unwrap()
        };
        tx.commit().await.unwrap();
        id
    }

    async fn age(&self, id: ReturnId) {
        sqlx::query("UPDATE returns SET due_at = clock_timestamp() - interval '10 seconds' WHERE id = $1")
            .bind(id)
            .execute(&self.workers.db.pool)
            .await
            .unwrap();
    }

    async fn status(&self, id: ReturnId) -> ReturnStatus {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::find(&mut conn, id).await.unwrap().unwrap().status
    }

    async fn mails(&self, template: &str) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = $1";
        sqlx::query_scalar(sql).bind(template).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// Runs every open job, including those scheduled for later.
    async fn run(&self) {
        self.workers.queue.make_due().await;
        self.workers.queue.drain().await;
    }
}

#[tokio::test]
async fn one_timer_goes_with_a_return_from_the_request_to_the_refund() {
    let sale = TestSale::new().await;
    let id = sale.request(true).await;
    assert_eq!(sale.mails("return_requested").await, 1);
    sale.run().await;
    assert_eq!(sale.status(id).await, ReturnStatus::Requested);
    sale.age(id).await;
    sale.run().await;
    assert_eq!((sale.status(id).await, sale.mails("return_approved").await), (ReturnStatus::Approved, 1));
    // The same job waits on.
    let timers = rows(&sale.workers.db.pool, "returns.lapse").await;
    assert_eq!(timers.iter().map(|job| job.state.as_str()).collect::<Vec<_>>(), ["scheduled"]);
    sale.run().await;
    assert_eq!(sale.status(id).await, ReturnStatus::Approved);
    let mut tx = sale.workers.db.pool.begin().await.unwrap();
    store::send(&mut tx, sale.by_buyer(), id, "by hand").await.unwrap();
    tx.commit().await.unwrap();
    sale.age(id).await;
    sale.run().await;
    assert_eq!(sale.status(id).await, ReturnStatus::Refunded);
    // Both sides hear of what nobody has confirmed.
    assert_eq!(sale.mails("return_received").await, 2);
    assert_eq!(rows(&sale.workers.db.pool, "payments.refund").await.len(), 1);
    sale.workers.ledger.enqueue(&LapseReturn { id }).await.unwrap();
    sale.run().await;
    assert_eq!(sale.mails("return_received").await, 2);
    assert_eq!(rows(&sale.workers.db.pool, "payments.refund").await.len(), 1);
    sale.workers.leave().await;
}

#[tokio::test]
async fn the_sweep_finds_returns_whose_timer_was_lost() {
    let sale = TestSale::new().await;
    let sweep = async || {
        sale.workers.ledger.enqueue(&SweepReturns {}).await.unwrap();
        sale.workers.queue.drain().await;
        rows(&sale.workers.db.pool, "returns.sweep").await.pop().unwrap().result.unwrap()
    };
    let lost = sale.request(false).await;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    sale.age(lost).await;
    assert_eq!(sweep().await, json!({"added": 1, "pulled": 0}));
    assert_eq!(sale.status(lost).await, ReturnStatus::Approved);
    // What was approved waits in its job, and lapses when it is not sent.
    sale.age(lost).await;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 1}));
    assert_eq!(sale.status(lost).await, ReturnStatus::Lapsed);
    let late = sale.request(true).await;
    sale.age(late).await;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 1}));
    assert_eq!(sale.status(late).await, ReturnStatus::Approved);
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    sale.workers.leave().await;
}
