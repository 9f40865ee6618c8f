//! What a bank gives back after the provider has called it done.

use market::reconciliation::model::DifferenceKind;
use market::reconciliation::store::{DifferenceFilter, differences};
use market::testing::member_of;
use serde_json::json;

use super::*;

impl TestSale {
    /// The provider says that something has become of a refund; what came of its webhook.
    async fn receive_refund(&self, event: &str, name: &str) -> String {
        let notice = Notice {
            event_id: Some(event.to_owned()),
            kind: "refund.failed".to_owned(),
            topic: Topic::Disbursement,
            subject: ProviderRef(name.to_owned()),
        };
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let new = NewWebhook { provider: Provider::Simulator, notice: &notice, body: b"{}" };
        let webhook = store::receive_webhook(&mut tx, new).await.unwrap().unwrap();
        let _ = tx.enqueue(&ApplyWebhook { webhook }).await.unwrap();
        tx.commit().await.unwrap();
        self.run(1).await;
        let sql = "SELECT outcome FROM webhook_inbox WHERE event_id = $1";
        sqlx::query_scalar(sql).bind(event).fetch_one(&self.workers.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn a_refund_that_a_bank_gives_back_is_a_difference() {
    let sale = TestSale::new().await;
    let payment = sale.pay("card").await;
    sale.run(1).await;
    let mut tx = sale.workers.ledger.begin().await.unwrap();
    let (org, user) = (sale.seller.org, sale.seller.user);
    let refund = store::refund(&mut tx, org, user, sale.order, payment.amount, "not there").await.unwrap();
    repay(&mut tx, refund.id).await.unwrap();
    tx.commit().await.unwrap();
    sale.run(1).await;
    let done = "SELECT provider_ref FROM refunds WHERE status = 'done'";
    let name: String = sqlx::query_scalar(done).fetch_one(&sale.workers.db.pool).await.unwrap();
    assert_eq!(sale.receive_refund("1", &name).await, "nothing_new");
    let mails = async || {
        let sql = "SELECT count(*) FROM emails WHERE template = 'refund_paid'";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&sale.workers.db.pool).await.unwrap()
    };
    assert_eq!(mails().await, 1);
    // Who trades for the buyer since then has not heard of the refund, and does not hear now that it is paid.
    let mut conn = sale.workers.db.pool.acquire().await.unwrap();
    member_of(&mut conn, &[sale.buyer.org]).await;
    drop(conn);
    assert!(sale.workers.provider.bounce(&name));
    assert_eq!(sale.receive_refund("2", &name).await, "applied");
    assert_eq!(mails().await, 1);
    assert_eq!(sale.receive_refund("3", &name).await, "nothing_new", "it is written down once");
    let mut conn = sale.workers.db.pool.acquire().await.unwrap();
    let found = differences(&mut conn, DifferenceFilter { limit: 10, ..DifferenceFilter::default() }).await.unwrap();
    drop(conn);
    let seen: Vec<_> = found.into_iter().map(|found| (found.kind, found.subject, found.theirs)).collect();
    let failed = Some(json!({"state": "failed"}));
    assert_eq!(seen, [(DifferenceKind::Status, format!("refund/{}", refund.id), failed)]);
    sale.workers.close().await;
}
