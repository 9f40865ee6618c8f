#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use chrono::NaiveDate;
use market::invoices::rules::proof::{Days, judge};
use reqwest::Client;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;

const PDF: &[u8] = b"%PDF-1.4 a confirmation of exit";

/// The owner of an approved organisation in this country.
async fn trader_in(market: &TestInstallation, admin: &Person, name: &str, country: &str, vat: Option<&str>) -> Person {
    let mut owner = market.person(name).await;
    let org = json!({"legal_name": format!("{name} Ltd"), "kinds": ["seller", "buyer"], "time_zone": "UTC",
        "country": country, "vat_number": vat});
    owner.org = id(&owner.post("/v1/orgs", org).await.ok());
    let _ = admin.post(&format!("/v1/orgs/{}/approve", owner.org), json!({})).await.ok();
    owner
}

/// A proof of this day, whose file was sent.
async fn proof(by: &Person, today: NaiveDate) -> Value {
    let upload = by.post("/v1/uploads", json!({"content_type": "application/pdf", "size": PDF.len()})).await.ok();
    let mut request = Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    assert_eq!(request.body(PDF.to_vec()).send().await.unwrap().status(), 200);
    let number = format!("{}DE586600006143E", today.format("%y"));
    let days = Days { ordered_on: today, today };
    let digit = (0..10).find(|digit| judge(&format!("{number}{digit}"), today, days).is_ok()).unwrap();
    json!({"mrn": format!("{number}{digit}"), "left_on": today, "upload": id(&upload)})
}

/// Lets so many days pass for every proof.
async fn pass(market: &TestInstallation, days: i32) {
    let mut tx = market.db.pool.begin().await.unwrap();
    // The table refuses this: a promised time does not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE export_proofs SET due_at = due_at - make_interval(days => $1)")
        .bind(days)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Has a schedule's job run twice: the second run finds nothing.
async fn run_twice(market: &TestInstallation, admin: &Person, schedule: &str) {
    for runs in 1..=2 {
        let _ = admin.post(&format!("/v1/schedules/{schedule}/run-now"), json!({})).await.ok();
        let done = format!("SELECT count(*) FROM jobs WHERE kind = '{schedule}' AND state = 'succeeded'");
        until_sql(&market.db.pool, &done, runs).await;
    }
}

/// A German seller exports to Switzerland three times without tax. One sale is proved in time and keeps its invoice. Of the others the
/// seller is reminded a week before, and after 30 days they are taxed: a credit note, an invoice with the tax in the price, and a mail.
/// The late proof of one takes that back. Every document is printed as Factur-X, and the books come to nothing.
#[tokio::test(flavor = "multi_thread")]
async fn row_export_proof_or_tax_after_30_days() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = trader_in(&market, &admin, "Ann", "DE", Some("DE123456788")).await;
    let bob = trader_in(&market, &admin, "Bob", "CH", None).await;
    let listing = ann.lists(json!({"sale_mode": "fixed", "price": eur("119.00"), "quantity": 5})).await;
    let [proved, late, never] = [
        bob.buys(&listing, 1, eur("119.00")).await,
        bob.buys(&listing, 1, eur("119.00")).await,
        bob.buys(&listing, 1, eur("119.00")).await,
    ];
    let path = |order: &str| format!("/v1/orders/{order}/export-proof");
    let documents = async |order: &str| {
        let all = bob.get(&format!("/v1/orders/{order}/invoices")).await.ok();
        all["items"].as_array().unwrap().clone()
    };
    let today = market.time().await.date_naive();
    for order in [&proved, &late, &never] {
        assert_eq!(ann.get(&path(order)).await.ok()["status"], "awaited");
        let first = documents(order).await.remove(0);
        assert_eq!((&first["vat_treatment"], &first["tax"]), (&json!("export"), &eur("0.00")));
    }
    let in_time = proof(&ann, today).await;
    assert_eq!(ann.put(&path(&proved), in_time).await.ok()["status"], "proved");

    pass(&market, 24).await;
    run_twice(&market, &admin, "invoices.remind_exports").await;
    market.mail_to(&ann.email, "Proof of export missing").await;
    let mails = "SELECT count(*) FROM emails WHERE template = 'export_proof_missing'";
    until_sql(&market.db.pool, mails, 2).await;

    pass(&market, 7).await;
    run_twice(&market, &admin, "invoices.tax_exports").await;
    let mail = market.mail_to(&ann.email, "VAT charged without proof of export").await;
    assert!(mail.contains("19.00 EUR"), "{mail}");
    until_sql(&market.db.pool, mails, 4).await;
    assert_eq!(documents(&proved).await.len(), 1);
    for order in [&late, &never] {
        assert_eq!(ann.get(&path(order)).await.ok()["status"], "taxed");
        let all = documents(order).await;
        let [first, note, second] = all.as_slice() else { panic!("not three: {all:?}") };
        assert_eq!((&note["refers_to"], &note["gross"]), (&first["id"], &eur("119.00")));
        assert_eq!((&second["replaces"], &second["vat_treatment"]), (&first["id"], &json!("sellers_rate")));
        assert_eq!((&second["net"], &second["tax"], &second["gross"]), (&eur("100.00"), &eur("19.00"), &eur("119.00")));
        assert_eq!(bob.get(&format!("/v1/orders/{order}")).await.ok()["included_tax"], eur("19.00"));
    }

    let after = proof(&ann, today).await;
    bob.put(&path(&late), after.clone()).await.refused(404, "not_found");
    assert_eq!(ann.put(&path(&late), after).await.ok()["status"], "proved");
    let all = documents(&late).await;
    assert_eq!((all.len(), &all[3]["refers_to"]), (5, &all[2]["id"]));
    assert_eq!(
        (&all[4]["tax"], &all[4]["gross"], &all[4]["vat_treatment"]),
        (&eur("0.00"), &eur("119.00"), &json!("export"))
    );
    let file = bob.get(&path(&late)).await.ok()["file"]["url"].as_str().unwrap().to_owned();
    assert_eq!(&Client::new().get(file).send().await.unwrap().bytes().await.unwrap()[..], PDF);

    // One, five and three documents.
    until_sql(&market.db.pool, "SELECT count(*) FROM invoice_files WHERE lacks IS NULL", 9).await;
    for action in [("export_proof.hand_in", 2), ("export_proof.tax", 2)] {
        let acts = format!("SELECT count(*) FROM audit_entries WHERE action = '{}'", action.0);
        until_sql(&market.db.pool, &acts, action.1).await;
    }
    market.until_quiet().await;
    assert_eq!(market.imbalance().await, 0);
    let gaps: i64 = sqlx::query_scalar("SELECT count(*) FROM invoice_gaps").fetch_one(&market.db.pool).await.unwrap();
    assert_eq!(gaps, 0);
    market.close().await;
}
