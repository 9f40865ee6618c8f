#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;

const PASSWORD: &str = "correct horse battery";

/// The days that an erasure waits are over, and its job looks.
async fn fifteen_days(market: &TestInstallation, admin: &Person) {
    let sql = "UPDATE erasures SET asked_at = asked_at - interval '15 days', due_at = due_at - interval '15 days'";
    sqlx::query(sql).execute(&market.db.pool).await.unwrap();
    let job = &admin.get("/v1/jobs?kind=privacy.erase").await.ok()["items"][0];
    assert_eq!(admin.post(&format!("/v1/jobs/{}/run-now", job["id"]), json!({})).await.status, 204);
    market.until_quiet().await;
}

/// Whoever has a paid order is not forgotten before it is done: neither when that is asked for, nor when it is due and there is another
/// order. Then the name and the address are nowhere, and what was bought, paid and earned is still in the books, which sum to zero.
#[tokio::test(flavor = "multi_thread")]
async fn row_who_has_a_paid_order_is_erased_when_it_is_done_and_the_books_stay() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let mut quirin = market.person("Quirin Zwackelmann").await;
    let farm = json!({"legal_name": "Nordhof", "kinds": ["buyer"], "time_zone": "UTC"});
    quirin.org = id(&quirin.post("/v1/orgs", farm).await.ok());
    let _ = admin.post(&format!("/v1/orgs/{}/approve", quirin.org), json!({})).await.ok();
    let listing = ann.lists(json!({"sale_mode": "fixed", "price": eur("100.00"), "quantity": 5})).await;
    let erase = async || quirin.post("/v1/me/erase", json!({"password": PASSWORD})).await;
    let done = async |order: &str| {
        ann.does(order, &["ship"]).await;
        quirin.does(order, &["receive", "accept"]).await;
    };

    let first = quirin.buys(&listing, 2, eur("100.00")).await;
    let hindered = erase().await;
    hindered.refused(409, "erasure_hindered");
    let why = hindered.body["detail"].as_str().unwrap();
    assert!(why.contains(&format!("order of {}", quirin.org)), "{why}");
    quirin.get("/v1/me/erasure").await.refused(404, "not_found");
    done(&first).await;
    let _ = erase().await.ok();
    market.mail_to(&quirin.email, "Your account will be erased").await;
    assert!(market.dump().await.contains("Zwackelmann"), "a dump shows whom it names");

    // There is another order when the days are over.
    let second = quirin.buys(&listing, 1, eur("100.00")).await;
    fifteen_days(&market, &admin).await;
    assert_eq!(quirin.get("/v1/me").await.ok()["name"], "Quirin Zwackelmann");
    done(&second).await;
    let books =
        async || [market.booked("cash").await, market.booked("receivable").await, market.booked("commission").await];
    assert_eq!((books().await, market.imbalance().await), ([-30_000, 28_500, 1_500], 0));
    let job = &admin.get("/v1/jobs?kind=privacy.erase").await.ok()["items"][0];
    assert_eq!(admin.post(&format!("/v1/jobs/{}/run-now", job["id"]), json!({})).await.status, 204);
    until_sql(&market.db.pool, "SELECT count(*) FROM erasures WHERE erased_at IS NOT NULL", 1).await;
    market.until_quiet().await;

    quirin.get("/v1/me").await.refused(401, "session_ended");
    assert_eq!((books().await, market.imbalance().await), ([-30_000, 28_500, 1_500], 0));
    let sold = ann.get("/v1/orders?side=seller").await.ok();
    let bought: Vec<_> =
        sold["items"].as_array().unwrap().iter().map(|order| (&order["status"], &order["total"])).collect();
    let completed: Value = json!("completed");
    assert_eq!(bought, [(&completed, &eur("100.00")), (&completed, &eur("200.00"))]);
    let invoices = ann.get("/v1/invoices?side=seller").await.ok();
    assert_eq!(invoices["items"].as_array().map(Vec::len), Some(2), "{invoices}");
    let dump = market.dump().await.to_lowercase();
    assert!(dump.contains("nordhof") && dump.contains(&first), "the organisation and its order are kept");
    assert!(!dump.contains("zwackelmann"), "a dump shows whom it named");
    market.close().await;
}
