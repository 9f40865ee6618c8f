#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;

/// Past the tables, which refuse it: what was promised does not move.
async fn move_time(market: &TestInstallation, statements: &[&'static str]) {
    let mut tx = market.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    for sql in statements {
        sqlx::query(*sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Runs the sweep, and everything that it finds.
async fn sweep(market: &TestInstallation, admin: &Person) {
    let _ = admin.post("/v1/schedules/plans.sweep/run-now", json!({})).await.ok();
    market.until_quiet().await;
}

/// What was charged last.
async fn last(owner: &Person, charges: &str) -> Value {
    owner.get(charges).await.ok()["items"][0].clone()
}

/// An organisation on the free plan chooses one and pays for it, goes to a better one for the days that are left, and the sweep begins
/// the next term, once. Nobody pays that: three reminders come, no more is allowed than on the free plan, a payment brings everything
/// back. The term after that is never paid, and ends on the free plan. What was paid is in the ledger as the platform's.
#[tokio::test(flavor = "multi_thread")]
async fn row_plans_renew_prorate_and_dun() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let org = id(&ann.get("/v1/orgs").await.ok()["items"][0]);
    let (plan, charges) = (format!("/v1/orgs/{org}/subscription"), format!("/v1/orgs/{org}/plan-charges"));
    let pay = async |charge: &Value| {
        let path = format!("{charges}/{}", id(charge));
        let _ = ann.post(&format!("{path}/pay"), json!({"method": "card"})).await.ok();
        ann.until(&path, "status", "paid").await;
    };
    let fees = market.get("/v1/plans").await.ok();
    assert_eq!((&fees["items"][1]["plan"], &fees["items"][1]["fees"][0]), (&json!("standard"), &eur("19.00")));
    assert_eq!(ann.get(&plan).await.ok()["plan"], "free");

    let chosen = ann.put(&plan, json!({"plan": "standard"})).await.ok();
    assert_eq!((&chosen["plan"], &chosen["subscription"]["status"]), (&json!("standard"), &json!("active")));
    pay(&last(&ann, &charges).await).await;
    market.mail_to(&ann.email, "Payment received: 19.00 EUR for your Standard plan").await;

    // The first day of the term: all of the difference.
    let better = ann.put(&plan, json!({"plan": "pro"})).await.ok();
    assert_eq!(better["plan"], "pro");
    let rest = last(&ann, &charges).await;
    assert_eq!(rest["kind"], "upgrade");
    pay(&rest).await;
    let later = ann.put(&plan, json!({"plan": "standard"})).await.ok();
    assert_eq!((&later["plan"], &later["subscription"]["next_plan"]), (&json!("pro"), &json!("standard")));

    // A month later, and the schedule runs twice.
    move_time(
        &market,
        &[
            "UPDATE plan_terms SET starts_at = starts_at - interval '40 days', ends_at = now() - interval '1 second'",
            "UPDATE plan_subscriptions SET renews_at = now() - interval '1 second'",
        ],
    )
    .await;
    sweep(&market, &admin).await;
    sweep(&market, &admin).await;
    let owed = last(&ann, &charges).await;
    assert_eq!((&owed["kind"], &owed["amount"], &owed["term"]), (&json!("term"), &eur("19.00"), &json!(2)));
    assert_eq!(ann.get(&charges).await.ok()["items"].as_array().unwrap().len(), 3);

    let week = "UPDATE plan_charges SET due_at = due_at - interval '7 days', act_at = act_at - interval '7 days'
                WHERE status = 'open'";
    let five_days = "UPDATE plan_charges SET due_at = due_at - interval '5 days', act_at = act_at - interval '5 days'
                     WHERE status = 'open'";
    let two_days = "UPDATE plan_charges SET due_at = due_at - interval '2 days', act_at = act_at - interval '2 days'
                    WHERE status = 'open'";
    move_time(&market, &[week]).await;
    sweep(&market, &admin).await;
    sweep(&market, &admin).await;
    market.mail_to(&ann.email, "Reminder: ").await;
    assert_eq!(ann.get(&plan).await.ok()["subscription"]["status"], "past_due");
    ann.put(&plan, json!({"plan": "pro"})).await.refused(409, "past_due");
    pay(&owed).await;
    assert_eq!(ann.get(&plan).await.ok()["subscription"]["status"], "active");
    market.mail_to(&ann.email, "is active again").await;

    // The next term is never paid.
    move_time(
        &market,
        &[
            "UPDATE plan_terms SET starts_at = starts_at - interval '40 days', ends_at = now() - interval '1 second'
             WHERE number = 2",
            "UPDATE plan_subscriptions SET renews_at = now() - interval '1 second'",
        ],
    )
    .await;
    sweep(&market, &admin).await;
    // After 7, 12 and 14 days: the last reminders, and the free plan.
    for days in [week, five_days, two_days] {
        move_time(&market, &[days]).await;
        sweep(&market, &admin).await;
    }
    let ended = ann.get(&plan).await.ok();
    assert_eq!((&ended["plan"], ended.get("subscription")), (&json!("free"), None));
    market.mail_to(&ann.email, "Your Standard plan has ended").await;
    let unpaid = "SELECT count(*) FROM plan_charges WHERE status = 'lapsed' AND reminders = 3";
    until_sql(&market.db.pool, unpaid, 1).await;
    let books =
        "SELECT (sum(e.amount_minor) = (SELECT sum(amount_minor) FROM plan_charges WHERE status = 'paid'))::int::bigint
                 FROM money_entries AS e
                 JOIN money_accounts AS a ON a.id = e.account_id
                 WHERE a.org_id IS NULL AND a.kind = 'plans'";
    until_sql(&market.db.pool, books, 1).await;
    market.until_quiet().await;
    market.close().await;
}
