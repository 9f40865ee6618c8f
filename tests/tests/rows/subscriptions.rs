#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{eur, id};

use super::escrow::offered;
use super::mails::header;

/// Lets every subscription have begun a week ago.
async fn backdate(market: &TestInstallation) {
    sqlx::query("UPDATE report_subscriptions SET created_at = created_at - interval '7 days'")
        .execute(&market.db.pool)
        .await
        .unwrap();
}

/// A seller gets the report of each day as a PDF, and hears when sales halve; twice the schedule, one report a day and one mail. With one
/// click they get no more such mails; a report that they ask for themselves still comes, and has no such link.
#[tokio::test(flavor = "multi_thread")]
async fn row_report_subscriptions() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let listing = offered(&ann).await;
    // Two consoles the day before yesterday, and one yesterday.
    for (quantity, days) in [(2, 2), (1, 1)] {
        let line = json!({"listing": listing, "quantity": quantity, "price": eur("100.00")});
        let placed = bob.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
        let pay = format!("/v1/checkouts/{}/pay", id(&placed));
        let payment = id(&bob.post(&pay, json!({"method": "card"})).await.ok());
        bob.until(&format!("/v1/payments/{payment}"), "status", "held").await;
        let mut tx = market.db.pool.begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query("UPDATE orders SET created_at = created_at - make_interval(days => $1) WHERE id = $2::uuid")
            .bind(days)
            .bind(id(&placed["orders"][0]))
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    for (format, falls_by) in [("pdf", Value::Null), ("csv", json!(50)), ("csv", json!(51))] {
        let ask = json!({"kind": "sales", "format": format, "cadence": "daily", "falls_by": falls_by});
        assert_eq!(ann.post("/v1/report-subscriptions", ask).await.status, 201);
    }
    backdate(&market).await;
    for _ in 0..2 {
        let _ = admin.post("/v1/schedules/reports.subscribed/run-now", json!({})).await.ok();
        market.until_quiet().await;
    }
    let reports = ann.get("/v1/reports").await.ok();
    let reports = reports["items"].as_array().unwrap();
    assert_eq!(reports.len(), 3, "{reports:?}");
    assert!(reports.iter().all(|report| report["totals"][0]["amount"] == eur("100.00")), "{reports:?}");
    let told: Vec<String> =
        market.mail.list().iter().filter(|mail| mail.is_to(&ann.email)).map(|mail| mail.subject.clone()).collect();
    let about = |start: &str| told.iter().filter(|subject| subject.starts_with(start)).count();
    assert_eq!((about("Sales report "), about("Sales fell by 50 %, ")), (1, 1), "{told:?}");

    let pdf = reports.iter().find(|report| report["format"] == "pdf").unwrap();
    let file = reqwest::get(pdf["download"]["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(file.headers()["content-type"], "application/pdf");
    assert!(file.bytes().await.unwrap().starts_with(b"%PDF-"));

    let ask = json!({"kind": "sales", "format": "json", "cadence": "daily"});
    assert_eq!(ann.post("/v1/report-subscriptions", ask.clone()).await.status, 201);
    let link = header(&market, &ann, "Sales report ", "List-Unsubscribe").await.unwrap();
    let path = link.trim_matches(['<', '>']).strip_prefix(&market.base).unwrap();
    assert_eq!(market.post_form(path, "List-Unsubscribe=One-Click").await.status, 200);
    let wanted = ann.get("/v1/me/notifications").await.ok();
    assert_eq!((&wanted["reports"], &wanted["saved_searches"]), (&json!(false), &json!(true)));
    backdate(&market).await;
    let _ = admin.post("/v1/schedules/reports.subscribed/run-now", json!({})).await.ok();
    market.until_quiet().await;
    let unwanted: i64 =
        sqlx::query_scalar("SELECT count(*) FROM emails WHERE template = 'report_ready' AND status = 'unwanted'")
            .fetch_one(&market.db.pool)
            .await
            .unwrap();
    assert_eq!(unwanted, 1);
    let day = &pdf["last_day"];
    let once = json!({"kind": "sales", "format": "xlsx", "first_day": day, "last_day": day});
    assert_eq!(ann.post("/v1/reports", once).await.status, 202);
    market.until_quiet().await;
    let mails = market.mail.list().into_iter();
    assert_eq!(mails.filter(|mail| mail.is_to(&ann.email) && mail.subject.starts_with("Sales report ")).count(), 2);
    assert_eq!(header(&market, &ann, "Sales report ", "List-Unsubscribe").await, None);

    // Whoever has ended a subscription is left alone.
    let subscriptions = ann.get("/v1/report-subscriptions").await.ok();
    for subscription in subscriptions["items"].as_array().unwrap() {
        assert_eq!(ann.delete(&format!("/v1/report-subscriptions/{}", id(subscription))).await.status, 204);
    }
    let _ = admin.post("/v1/schedules/reports.subscribed/run-now", json!({})).await.ok();
    market.until_quiet().await;
    assert_eq!(ann.get("/v1/reports").await.ok()["items"].as_array().unwrap().len(), 5);

    // Whoever subscribes again wants the mails again.
    assert_eq!(ann.post("/v1/report-subscriptions", ask).await.status, 201);
    assert_eq!(ann.get("/v1/me/notifications").await.ok()["reports"], json!(true));
    market.close().await;
}
