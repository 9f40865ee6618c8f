//! The jobs of plans, against the payment simulator.

use jobs::emails::SendEmail;
use jobs::plans::{ChargePlan, DunCharge, RenewPlan, SweepPlans, choose};
use market::escrow::model::PaymentStatus;
use market::identity::Plan;
use market::payments::Provider;
use market::plans::model::{PlanCharge, PlanChargeStatus, SubscriptionStatus};
use market::plans::store;
use market::testing::{Trader, eur, trader};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;
use sinks::simulator::DECLINED;

use crate::Services;
use crate::testing::TestWorkers;

mod waiting;

fn handlers() -> Handlers<Services> {
    Handlers::default()
        .with::<ChargePlan>()
        .with::<DunCharge>()
        .with::<RenewPlan>()
        .with::<SweepPlans>()
        .with::<SendEmail>()
}

struct TestOwner {
    workers: TestWorkers,
    owner: Trader,
}

impl TestOwner {
    async fn new() -> Self {
        Self::at(TestWorkers::new(handlers()).await).await
    }

    async fn at(workers: TestWorkers) -> Self {
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let owner = trader(&mut conn).await;
        drop(conn);
        Self { workers, owner }
    }

    async fn choose(&self, plan: Plan) {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        choose(&mut tx, self.owner.org, self.owner.user, plan, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What was charged last.
    async fn charge(&self) -> PlanCharge {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::charges(&mut conn, self.owner.org, None, 1).await.unwrap().pop().unwrap()
    }

    async fn pay(&self, method: &str) {
        let charge = self.charge().await.id;
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let (org, user) = (self.owner.org, self.owner.user);
        let (payment, _) = store::begin(&mut tx, org, user, charge, Provider::Simulator, method).await.unwrap();
        let _ = tx.enqueue(&ChargePlan { payment }).await.unwrap();
        tx.commit().await.unwrap();
        self.workers.queue.drain().await;
    }

    async fn sweep(&self) -> serde_json::Value {
        self.workers.ledger.enqueue(&SweepPlans {}).await.unwrap();
        self.workers.queue.drain().await;
        rows(&self.workers.db.pool, "plans.sweep").await.pop().unwrap().result.unwrap()
    }

    /// Past the tables, which refuse it: what was promised does not move.
    async fn move_time(&self, sql: &'static str) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn mails(&self) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = 'plan_news'";
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    async fn status(&self) -> Option<SubscriptionStatus> {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::of_org(&mut conn, self.owner.org).await.unwrap().subscription.map(|open| open.status)
    }
}

#[tokio::test]
async fn a_plan_is_paid_through_the_provider_and_renewed_by_the_sweep() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.pay(DECLINED).await;
    let charge = test.charge().await;
    assert_eq!(charge.payment.map(|it| it.status), Some(PaymentStatus::Failed));
    test.pay("card").await;
    assert_eq!(test.charge().await.status, PlanChargeStatus::Paid);
    // What is due, what has failed, what is paid.
    assert_eq!(test.mails().await, 3);
    assert_eq!(test.sweep().await, json!({"terms": 0, "charges": 0, "payments": 0}));
    test.move_time(
        "UPDATE plan_terms SET starts_at = starts_at - interval '40 days', ends_at = now() - interval '1 second'",
    )
    .await;
    test.move_time("UPDATE plan_subscriptions SET renews_at = now() - interval '1 second'").await;
    assert_eq!(test.sweep().await, json!({"terms": 1, "charges": 0, "payments": 0}));
    let next = test.charge().await;
    assert_eq!((next.term, next.status), (2, PlanChargeStatus::Open));
    assert_eq!((test.sweep().await, test.mails().await), (json!({"terms": 0, "charges": 0, "payments": 0}), 4));
    test.workers.leave().await;
}

#[tokio::test]
async fn who_does_not_pay_gets_three_mails_and_then_the_free_plan() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    for (days, mails) in [("3 days", 2), ("4 days", 3), ("5 days", 4)] {
        let back = match days {
            "3 days" => {
                "UPDATE plan_charges SET due_at = due_at - interval '3 days', act_at = act_at - interval '3 days'"
            }
            "4 days" => {
                "UPDATE plan_charges SET due_at = due_at - interval '4 days', act_at = act_at - interval '4 days'"
            }
            _ => "UPDATE plan_charges SET due_at = due_at - interval '5 days', act_at = act_at - interval '5 days'",
        };
        test.move_time(back).await;
        assert_eq!(test.sweep().await, json!({"terms": 0, "charges": 1, "payments": 0}), "{days}");
        assert_eq!(test.sweep().await, json!({"terms": 0, "charges": 0, "payments": 0}), "{days}");
        assert_eq!((test.mails().await, test.status().await), (mails, Some(SubscriptionStatus::PastDue)), "{days}");
    }
    test.move_time("UPDATE plan_charges SET due_at = due_at - interval '2 days', act_at = act_at - interval '2 days'")
        .await;
    assert_eq!(test.sweep().await, json!({"terms": 0, "charges": 1, "payments": 0}));
    assert_eq!((test.mails().await, test.status().await), (5, None));
    assert_eq!(test.charge().await.status, PlanChargeStatus::Lapsed);
    test.workers.leave().await;
}

/// A term and a better plan within it, both unpaid: the plan ends once, and one mail names both.
#[tokio::test]
async fn of_charges_that_lapse_together_one_mail_names_all() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.choose(Plan::Pro).await;
    test.move_time(
        "UPDATE plan_charges SET due_at = due_at - interval '14 days', act_at = act_at - interval '14 days'",
    )
    .await;
    assert_eq!(test.sweep().await, json!({"terms": 0, "charges": 2, "payments": 0}));
    let ended: Vec<serde_json::Value> =
        sqlx::query_scalar("SELECT data FROM emails WHERE template = 'plan_news' AND reference LIKE '%:lapsed'")
            .fetch_all(&test.workers.db.pool)
            .await
            .unwrap();
    let [news] = ended.as_slice() else { panic!("{ended:?}") };
    let plans: Vec<_> = news["owed"].as_array().unwrap().iter().map(|owed| owed["plan"].as_str().unwrap()).collect();
    assert_eq!((&news["plan"], plans), (&json!("pro"), vec!["standard", "pro"]));
    let owed: i64 = sqlx::query_scalar("SELECT sum(amount_minor)::bigint FROM plan_charges WHERE status = 'lapsed'")
        .fetch_one(&test.workers.db.pool)
        .await
        .unwrap();
    assert_eq!(news["amount"], serde_json::to_value(eur(owed)).unwrap());
    test.workers.leave().await;
}

/// Whoever was to have a plan that is gone hears so, and what is left to pay of the one before.
#[tokio::test]
async fn owners_hear_that_the_plan_that_was_to_follow_is_gone() {
    let test = TestOwner::new().await;
    test.choose(Plan::Standard).await;
    test.pay("card").await;
    test.choose(Plan::Pro).await;
    test.choose(Plan::Standard).await;
    test.move_time("UPDATE plans SET offered = false WHERE code = 'standard'").await;
    test.move_time(
        "UPDATE plan_terms SET starts_at = starts_at - interval '40 days', ends_at = now() - interval '1 second'",
    )
    .await;
    test.move_time("UPDATE plan_subscriptions SET renews_at = now() - interval '1 second'").await;
    assert_eq!(test.sweep().await, json!({"terms": 1, "charges": 0, "payments": 0}));
    assert_eq!(test.status().await, None);
    let mails: Vec<(String, serde_json::Value)> = sqlx::query_as(
        "SELECT template, data -> 'plan' FROM emails WHERE template = 'plan_not_offered' OR reference LIKE '%:lapsed'
         ORDER BY template",
    )
    .fetch_all(&test.workers.db.pool)
    .await
    .unwrap();
    assert_eq!(mails, [("plan_news".to_owned(), json!("pro")), ("plan_not_offered".to_owned(), json!("standard"))]);
    test.workers.leave().await;
}
