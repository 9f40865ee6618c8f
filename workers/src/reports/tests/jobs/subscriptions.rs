//! Reports that people get after each period.

use chrono::TimeDelta;
use market::reports::model::{NewSubscription, Subscription};
use market::reports::rules::Cadence;

use super::*;

impl TestMarket {
    /// A daily report that its subscriber has had for a week.
    async fn subscribed(&self, currency: Option<Currency>, falls_by: Option<i16>) -> Subscription {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let parameters = Parameters { currency, ..Parameters::default() };
        let new =
            NewSubscription { kind: Kind::Sales, format: Format::Csv, cadence: Cadence::Daily, parameters, falls_by };
        let subscription = store::subscribe(&mut conn, self.user, self.seller, &new).await.unwrap();
        sqlx::query("UPDATE report_subscriptions SET created_at = created_at - interval '7 days'")
            .execute(&mut *conn)
            .await
            .unwrap();
        subscription
    }

    /// Noon of the seller's day, so many days ago.
    async fn noon(&self, days_ago: i64) -> String {
        let now = store::now(&mut self.workers.db.pool.acquire().await.unwrap()).await.unwrap();
        let day = now.with_timezone(&Tz::Europe__Berlin).date_naive() - TimeDelta::days(days_ago);
        let noon = day.and_hms_opt(12, 0, 0).unwrap().and_local_timezone(Tz::Europe__Berlin).unwrap();
        noon.to_utc().to_rfc3339()
    }

    async fn look(&self) {
        let _ = self.workers.ledger.enqueue(&RequestSubscribed {}).await.unwrap();
        self.workers.queue.drain().await;
    }

    async fn forget(&self) {
        let sql = "UPDATE report_subscriptions SET last_day = NULL";
        sqlx::query(sql).execute(&self.workers.db.pool).await.unwrap();
    }

    async fn made(&self) -> Vec<ReportId> {
        sqlx::query_scalar("SELECT id FROM reports WHERE subscription_id IS NOT NULL ORDER BY id")
            .fetch_all(&self.workers.db.pool)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn each_subscriber_gets_each_period_once_with_filters_of_their_own() {
    let market = TestMarket::new().await;
    let yesterday = market.noon(1).await;
    market.order(&yesterday, 2_000, "EUR", "paid").await;
    market.order(&yesterday, 5_000, "JPY", "paid").await;
    market.subscribed(Some(Currency::EUR), None).await;
    market.subscribed(None, None).await;
    for _ in 0..3 {
        market.look().await;
    }
    let made = market.made().await;
    assert_eq!(made.len(), 2);
    let counts = [market.report(made[0]).await, market.report(made[1]).await].map(|report| report.row_count);
    assert_eq!(counts, [Some(1), Some(2)]);
    market.workers.mails(2).await;

    // One who subscribes now gets nothing of what is over.
    sqlx::query("UPDATE report_subscriptions SET created_at = clock_timestamp()")
        .execute(&market.workers.db.pool)
        .await
        .unwrap();
    market.forget().await;
    market.look().await;
    assert_eq!(market.made().await.len(), 2);
    // Nor one who may not ask for it any more.
    market.subscribed(None, None).await;
    sqlx::query("UPDATE memberships SET role = 'viewer' WHERE org_id = $1")
        .bind(market.seller)
        .execute(&market.workers.db.pool)
        .await
        .unwrap();
    market.look().await;
    assert_eq!(market.made().await.len(), 2);
    market.workers.close().await;
}

#[tokio::test]
async fn two_schedules_at_once_request_each_subscribed_period_once() {
    let market = TestMarket::new().await;
    let subscription = market.subscribed(None, None).await;
    for round in 0..20 {
        let once = async || {
            let mut tx = market.workers.ledger.begin().await.unwrap();
            let noted = store::note_requested(&mut tx, subscription.id, day() + TimeDelta::days(round)).await.unwrap();
            tx.commit().await.unwrap();
            u8::from(noted)
        };
        let (one, other) = tokio::join!(once(), once());
        assert_eq!(one + other, 1);
    }
    market.workers.close().await;
}

#[tokio::test]
async fn a_report_with_a_threshold_is_mailed_only_if_its_totals_fell() {
    let market = TestMarket::new().await;
    let (yesterday, before) = (market.noon(1).await, market.noon(2).await);
    market.order(&before, 10_000, "EUR", "paid").await;
    market.order(&before, 900, "JPY", "paid").await;
    market.order(&yesterday, 8_100, "EUR", "paid").await;
    market.order(&yesterday, 900, "JPY", "paid").await;
    market.subscribed(None, Some(20)).await;
    market.look().await;
    assert_eq!((market.made().await.len(), market.workers.smtp.count()), (1, 0));
    market.subscribed(None, Some(19)).await;
    market.look().await;
    market.workers.mails(1).await;
    let mail = &market.workers.smtp.list()[0];
    assert!(mail.subject.starts_with("Sales fell by 19 %, "), "{}", mail.subject);
    market.workers.close().await;
}
