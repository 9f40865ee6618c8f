use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur};
use tests::until::until_sql;

use crate::watches::offered;

/// Whether a page of notices has one of this kind.
fn has(page: &Value, kind: &str) -> bool {
    page["items"].as_array().is_some_and(|items| items.iter().any(|item| item["kind"] == kind))
}

/// How many notices of this kind somebody has, among the newest hundred.
pub(crate) async fn noticed(person: &Person, kind: &str) -> usize {
    let page = person.get("/v1/me/notices?limit=100").await.ok();
    page["items"].as_array().map_or(0, |items| items.iter().filter(|item| item["kind"] == kind).count())
}

/// At night, news that can wait is there inside the product at once and comes by mail when the quiet hours end; what is about an own order
/// comes by mail at once. Read is read. Whoever wants no notices of a kind gets none any more, but the mail; what is about an own order cannot
/// be turned off.
#[tokio::test(flavor = "multi_thread")]
async fn row_notices_are_there_at_once_and_mail_that_can_wait_waits() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let goods = offered(&ann, "Console", "fixed").await;
    assert_eq!(bob.put(&format!("/v1/listings/{goods}/watch"), json!({})).await.status, 204);
    let _ = bob.patch("/v1/me", json!({"time_zone": "UTC"})).await.ok();
    let _ = bob.put("/v1/me/quiet-hours", json!({"from": "22:00", "to": "07:00"})).await.ok();
    // From an hour ago until in an hour.
    let now = "UPDATE users
               SET quiet_from = (minute + 1380) % 1440,
                   quiet_to = (minute + 60) % 1440
               FROM (SELECT extract(hour FROM wall)::int * 60 + extract(minute FROM wall)::int AS minute
                     FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS wall) AS clock) AS now
               WHERE email = $1";
    sqlx::query(now).bind(&bob.email).execute(&market.db.pool).await.unwrap();

    let _ = ann.put(&format!("/v1/listings/{goods}/price"), json!({"price": eur("90.00")})).await.ok();
    bob.until_that("/v1/me/notices", |page| has(page, "price_fell")).await;
    let waiting = "SELECT count(*) FROM emails AS e
                   JOIN jobs AS j ON j.kind = 'emails.send' AND j.payload ->> 'email' = e.id::text
                   WHERE e.template = 'price_fell' AND e.status = 'queued' AND e.attempts = 0 AND j.state = 'scheduled'";
    until_sql(&market.db.pool, waiting, 1).await;
    let line = json!({"listing": goods, "quantity": 1, "price": eur("90.00")});
    let _ = bob.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    market.mail_to(&bob.email, "Console").await;
    bob.until_that("/v1/me/notices", |page| has(page, "order_placed")).await;
    until_sql(&market.db.pool, waiting, 1).await;

    let unread = bob.get("/v1/me/notices/unread").await.ok()["unread"].as_i64().expect("a number");
    assert!(unread >= 2, "{unread}");
    assert!(!has(&ann.get("/v1/me/notices").await.ok(), "price_fell"), "everybody has their own");
    assert_eq!(bob.post("/v1/me/notices/read", json!({})).await.status, 204);
    assert_eq!(bob.get("/v1/me/notices/unread").await.ok(), json!({"unread": 0}));

    // The night is over.
    assert_eq!(bob.delete("/v1/me/quiet-hours").await.status, 204);
    let morning = "UPDATE jobs SET run_at = clock_timestamp() WHERE kind = 'emails.send' AND state = 'scheduled'";
    sqlx::query(morning).execute(&market.db.pool).await.unwrap();
    market.mail_to(&bob.email, "Now 90.00 EUR: Console").await;

    let wanted = bob.patch("/v1/me/notifications", json!({"notices": {"watches": false}})).await.ok();
    assert_eq!((&wanted["watches"], &wanted["notices"]["watches"]), (&json!(true), &json!(false)));
    let more = offered(&ann, "Keyboard", "fixed").await;
    assert_eq!(bob.put(&format!("/v1/listings/{more}/watch"), json!({})).await.status, 204);
    let _ = ann.put(&format!("/v1/listings/{more}/price"), json!({"price": eur("80.00")})).await.ok();
    market.mail_to(&bob.email, "Now 80.00 EUR: Keyboard").await;
    let line = json!({"listing": more, "quantity": 1, "price": eur("80.00")});
    let _ = bob.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    bob.until_that("/v1/me/notices/unread", |unread| unread["unread"] != 0).await;
    let unread = bob.get("/v1/me/notices").await.ok();
    let unread = unread["items"].as_array().unwrap().iter().filter(|item| item.get("read_at").is_none());
    let kinds: Vec<_> = unread.map(|item| item["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"order_placed") && !kinds.contains(&"price_fell"), "{kinds:?}");
    let refused = bob.patch("/v1/me/notifications", json!({"notices": {"orders": false}})).await;
    assert_eq!(refused.body["code"], json!("invalid_body"));
    market.until_quiet().await;
    market.close().await;
}
