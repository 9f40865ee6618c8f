use chrono::TimeDelta;
use serde_json::json;
use tests::installation::TestInstallation;
use tests::installation::people::{eur, id};
use tests::until::until_sql;

/// A better bid is taken back, and whoever leads again hears of it; a day before the end the leader hears that they are winning, and the
/// other bidder that they are not. An hour before it the leader wants no reminders any more.
#[tokio::test(flavor = "multi_thread")]
async fn row_leaders_hear_before_the_end_and_when_a_lead_comes_back() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let (bob, cid) = (market.trader(&admin, "Bob").await, market.trader(&admin, "Cid").await);
    let auction = market.auction(&ann, TimeDelta::days(3), json!({}), json!({})).await;
    let bids = format!("/v1/auctions/{auction}/bids");
    let bid = |amount: &str| json!({"maximum": eur(amount)});
    let run = async |kind: &str, reminder: Option<&str>| {
        let job: i64 = sqlx::query_scalar(
            "SELECT id
             FROM jobs
             WHERE kind = $1
               AND payload ->> 'auction' = $2
               AND payload ->> 'reminder' IS NOT DISTINCT FROM $3",
        )
        .bind(kind)
        .bind(auction.as_str())
        .bind(reminder)
        .fetch_one(&market.db.pool)
        .await
        .expect("a job for later");
        let _ = admin.post(&format!("/v1/jobs/{job}/run-now"), json!({})).await.ok();
    };

    assert_eq!(bob.post(&bids, bid("34.56")).await.ok()["outcome"], "leads");
    let better = id(&cid.post(&bids, bid("50.00")).await.ok());
    let _ = cid.post(&format!("{bids}/{better}/retract"), json!({})).await.ok();
    run("auctions.notify_leader", None).await;
    let mail = market.mail_to(&bob.email, "You are winning").await;
    assert!(mail.contains("was taken back") && mail.contains("10.00 EUR"), "{mail}");
    assert!(!mail.contains("34.56") && !mail.contains("Unsubscribe: "), "{mail}");

    let outbid = cid.post(&bids, bid("20.00")).await.ok();
    assert_eq!(outbid["outcome"], "outbid");
    market.pass(&auction, TimeDelta::hours(70)).await;
    run("auctions.ending_soon", Some("day")).await;
    let sent = "SELECT count(*) FROM emails WHERE template = 'winning' AND status = 'sent'";
    until_sql(&market.db.pool, sent, 2).await;
    let mail = market.mail_to(&bob.email, "You are winning").await;
    assert!(mail.contains("is about to end") && mail.contains("Unsubscribe: ") && !mail.contains("34.56"), "{mail}");
    let mail = market.mail_to(&cid.email, "Ending soon").await;
    assert!(mail.contains("You are not the highest bidder."), "{mail}");

    let _ = bob.patch("/v1/me/notifications", json!({"auction_reminders": false})).await.ok();
    market.pass(&auction, TimeDelta::minutes(90)).await;
    run("auctions.ending_soon", Some("hour")).await;
    let unwanted = "SELECT count(*) FROM emails WHERE template = 'winning' AND status = 'unwanted'";
    until_sql(&market.db.pool, unwanted, 1).await;
    market.close().await;
}
