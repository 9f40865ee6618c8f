use jobs::invoices::{RemindExports, RenderInvoice};
use market::ids::OrderId;
use market::listings::model::SaleMode;
use market::testing::{self, Trader, eur};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;

use super::*;
use crate::testing::TestWorkers;

/// Exports of a German seller to a Swiss buyer.
struct TestExports {
    workers: TestWorkers,
    orders: Vec<OrderId>,
}

impl TestExports {
    async fn new(count: usize) -> Self {
        let handlers = Handlers::default().with::<TaxExports>().with::<RemindExports>().with::<RenderInvoice>();
        let workers = TestWorkers::new(handlers).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer): (Trader, Trader) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        for (org, country) in [(seller.org, "DE"), (buyer.org, "CH")] {
            let sql = "UPDATE orgs SET country = $2 WHERE id = $1";
            sqlx::query(sql).bind(org).bind(country).execute(&mut *conn).await.unwrap();
        }
        let listing = testing::listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        let mut orders = Vec::new();
        for _ in 0..count {
            let (checkout, order) = testing::placed(&mut conn, buyer, listing, eur(10_000)).await;
            testing::pay(&mut conn, buyer, checkout).await;
            orders.push(order);
        }
        drop(conn);
        Self { workers, orders }
    }

    /// Lets days pass for every proof.
    async fn pass(&self, days: i32) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        // The table refuses this: a promised time does not move.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query("UPDATE export_proofs SET due_at = due_at - make_interval(days => $1)")
            .bind(days)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn mails(&self) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = 'export_proof_missing'";
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn a_run_taxes_every_export_that_is_due_and_prints_what_takes_its_place() {
    let exports = TestExports::new(3).await;
    let workers = &exports.workers;
    let last = async |kind| rows(&workers.db.pool, kind).await.pop().unwrap().result.unwrap();
    for (days, reminded, taxed, mails) in [(24, 3, 0, 3), (0, 0, 0, 3), (7, 0, 3, 6), (0, 0, 0, 6)] {
        exports.pass(days).await;
        let _ = workers.ledger.enqueue(&RemindExports {}).await.unwrap();
        let _ = workers.ledger.enqueue(&TaxExports {}).await.unwrap();
        workers.queue.drain().await;
        assert_eq!(last("invoices.remind_exports").await, json!({ "reminded": reminded }));
        assert_eq!(last("invoices.tax_exports").await, json!({ "taxed": taxed }));
        assert_eq!(exports.mails().await, mails);
    }
    let printed = "SELECT count(*) FROM invoice_files JOIN invoices ON id = invoice_id WHERE kind = 'credit_note' OR replaces IS NOT NULL";
    let printed: i64 = sqlx::query_scalar(printed).fetch_one(&workers.db.pool).await.unwrap();
    assert_eq!(printed, 6);
    // Their buyer hears that no money moves.
    let anew = "SELECT count(*) FROM emails WHERE template = 'invoice_ready' AND data ->> 'anew' = 'true'";
    assert_eq!(sqlx::query_scalar::<_, i64>(anew).fetch_one(&workers.db.pool).await.unwrap(), 6);
    exports.workers.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_tax_the_same_export_at_once_tax_it_once() {
    let exports = TestExports::new(1).await;
    exports.pass(31).await;
    let order = exports.orders[0];
    let run = async || {
        let mut tx = exports.workers.ledger.begin().await.unwrap();
        let taxed = tax(&mut tx, order).await.unwrap();
        tx.commit().await.unwrap();
        taxed
    };
    let (one, other) = tokio::join!(run(), run());
    assert_ne!(one, other);
    assert_eq!(exports.mails().await, 1);
    exports.workers.leave().await;
}
