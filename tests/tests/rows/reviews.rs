use serde_json::json;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;

use crate::watches::offered;

/// Buys one unit and pays for it; the order.
async fn bought(buyer: &Person, listing: &str) -> String {
    let line = json!({"listing": listing, "quantity": 1, "price": eur("100.00")});
    let placed = buyer.post("/v1/checkouts", json!({ "lines": [line] })).await.ok();
    let pay = format!("/v1/checkouts/{}/pay", id(&placed));
    let payment = id(&buyer.post(&pay, json!({"method": "card"})).await.ok());
    buyer.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    id(&placed["orders"][0])
}

/// Once an order is completed, its sides are asked for a review, once and unless they want no such mail. What one side writes nobody
/// else reads for seven days; then everybody does, it counts for the seller wherever their listings are shown, and the seller answers.
/// A moderator hides it after a report, and it counts no more.
#[tokio::test(flavor = "multi_thread")]
async fn row_reviews_are_blind_shown_answered_and_hidden() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let eve = market.trader(&admin, "Eve").await;
    let _ = bob.patch("/v1/me/notifications", json!({"reviews": false})).await.ok();
    let goods = offered(&ann, "Console", "fixed").await;
    let order = bought(&bob, &goods).await;
    let (mine, all) = (format!("/v1/orders/{order}/review"), format!("/v1/orders/{order}/reviews"));
    let five = || json!({"stars": 5, "text": "As described."});
    bob.put(&mine, five()).await.refused(409, "not_completed");
    let _ = ann.post(&format!("/v1/orders/{order}/ship"), json!({})).await.ok();
    let _ = bob.post(&format!("/v1/orders/{order}/receive"), json!({})).await.ok();
    let _ = bob.post(&format!("/v1/orders/{order}/accept"), json!({})).await.ok();
    eve.put(&mine, five()).await.refused(404, "not_found");

    // Three days later. Whoever does not want the mail gets none.
    let due = "UPDATE review_requests SET due_at = clock_timestamp() - interval '1 second'";
    sqlx::query(due).execute(&market.db.pool).await.unwrap();
    let ask = "/v1/schedules/reviews.ask/run-now";
    let _ = admin.post(ask, json!({})).await.ok();
    market.mail_to(&ann.email, "How did it go? “Console”").await;
    let unwanted = "SELECT count(*) FROM emails WHERE template = 'review_asked' AND status = 'unwanted'";
    until_sql(&market.db.pool, unwanted, 1).await;
    let _ = admin.post(ask, json!({})).await.ok();
    let asked_again =
        "SELECT count(*) FROM jobs WHERE kind = 'reviews.ask' AND state = 'succeeded' AND result ->> 'asked' = '0'";
    let asked_again = format!("SELECT least(1, ({asked_again}))");
    until_sql(&market.db.pool, &asked_again, 1).await;
    until_sql(&market.db.pool, "SELECT count(*) FROM emails WHERE template = 'review_asked'", 2).await;

    let written = bob.put(&mine, five()).await.ok();
    let review = format!("/v1/reviews/{}", id(&written));
    let org = written["subject_org_id"].as_str().expect("whom it is about").to_owned();
    let (profile, public) = (format!("/v1/orgs/{org}/profile"), format!("/v1/orgs/{org}/reviews"));
    assert_eq!(ann.get(&all).await.ok()["items"], json!([]));
    assert_eq!(market.get(&public).await.ok()["items"], json!([]));
    assert_eq!(market.get(&profile).await.ok()["rating"], json!({"reviews": 0}));

    // Seven days later. The tables refuse to move a promised time.
    let mut tx = market.db.pool.begin().await.unwrap();
    for sql in [
        "SET LOCAL session_replication_role = replica",
        "UPDATE reviews SET written_at = written_at - interval '8 days', due_at = due_at - interval '8 days'",
        "SET LOCAL session_replication_role = origin",
        "UPDATE jobs SET run_at = clock_timestamp() WHERE kind = 'reviews.show'",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mail = market.mail_to(&ann.email, "has reviewed you").await;
    assert!(mail.contains("5 of 5") && mail.contains("As described."), "{mail}");
    bob.put(&mine, json!({"stars": 1, "text": "No."})).await.refused(409, "review_shown");
    let rating = json!({"reviews": 1, "average_hundredths": 500});
    assert_eq!(market.get(&profile).await.ok()["rating"], rating);
    assert_eq!(market.get(&format!("/v1/listings/{goods}")).await.ok()["seller_rating"], rating);
    let _ = ann.post(&format!("{review}/answer"), json!({"text": "Thank you."})).await.ok();
    let shown = market.get(&public).await.ok();
    assert_eq!((&shown["items"][0]["stars"], &shown["items"][0]["answer"]["text"]), (&json!(5), &json!("Thank you.")));

    let report = eve.post(&format!("{review}/reports"), json!({"reason": "untrue"})).await.ok();
    let decide = format!("/v1/admin/review-reports/{}/decide", id(&report));
    let upheld = json!({"outcome": "upheld", "reason": "They know each other."});
    let _ = admin.post(&decide, upheld).await.ok();
    assert_eq!(market.get(&public).await.ok()["items"], json!([]));
    assert_eq!(market.get(&profile).await.ok()["rating"], json!({"reviews": 0}));
    assert_eq!(market.get(&format!("/v1/listings/{goods}")).await.ok().get("seller_rating"), None);
    assert_eq!(bob.get(&all).await.ok()["items"][0]["hidden"]["reason"], "They know each other.");
    until_sql(&market.db.pool, "SELECT count(*) FROM audit_entries WHERE action = 'review.hide'", 1).await;
    market.until_quiet().await;
    market.close().await;
}
