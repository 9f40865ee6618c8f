use std::net::SocketAddr;

use market::identity::PlatformRole;
use market::invoices::rules::proof::{Days, judge};
use market::listings::model::SaleMode;
use market::testing::{Trader, eur, listing, pay, placed};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::testing::{Answer, Person, TestApi};

/// A paid order of a German seller's and a Swiss buyer's.
struct TestExport {
    api: TestApi,
    ann: Person,
    bob: Person,
    eve: Person,
    /// Where its proof is.
    path: String,
    _dir: TempDir,
    _stop: DropGuard,
}

impl TestExport {
    async fn new() -> Self {
        let (dir, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let options = sinks::s3::Options {
            dir: dir.path().to_owned(),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
            buckets: vec!["tradeyard".to_owned()],
        };
        let server = sinks::s3::serve(options, stop.clone()).await.unwrap();
        let api = TestApi::with(&[
            ("S3_ENDPOINT", &server.endpoint()),
            ("S3_ACCESS_KEY_ID", "key"),
            ("S3_SECRET_ACCESS_KEY", "secret"),
        ])
        .await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
        let seller = Trader { org: api.org(&ann, "Ann Farm", &moderator).await, user: ann.id };
        let buyer = Trader { org: api.org(&bob, "Bob Farm", &moderator).await, user: bob.id };
        api.org(&eve, "Eve Farm", &moderator).await;
        let mut conn = api.db.pool.acquire().await.unwrap();
        for (org, country) in [(seller.org, "DE"), (buyer.org, "CH")] {
            let sql = "UPDATE orgs SET country = $2 WHERE id = $1";
            sqlx::query(sql).bind(org).bind(country).execute(&mut *conn).await.unwrap();
        }
        let goods = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
        let (checkout, order) = placed(&mut conn, buyer, goods, eur(10_000)).await;
        pay(&mut conn, buyer, checkout).await;
        drop(conn);
        let path = format!("/v1/orders/{order}/export-proof");
        Self { api, ann, bob, eve, path, _dir: dir, _stop: stop.drop_guard() }
    }

    /// Announces a file and, if `sends`, sends it.
    async fn file(&self, sends: bool) -> Value {
        let announced = json!({"content_type": "application/pdf", "size": 5});
        let upload = self.api.post(Some(&self.ann), "/v1/uploads", announced).await.ok();
        if sends {
            let mut request = reqwest::Client::new().put(upload["url"].as_str().unwrap());
            for (name, value) in upload["headers"].as_object().unwrap() {
                if name != "content-length" {
                    request = request.header(name, value.as_str().unwrap());
                }
            }
            assert!(request.body("%PDF-").send().await.unwrap().status().is_success());
        }
        upload["id"].clone()
    }

    /// Declared and gone today, where the seller is.
    fn proof(&self, upload: &Value) -> Value {
        let today = self.api.state.clock.now().with_timezone(&chrono_tz::Europe::Berlin).date_naive();
        let number = format!("{}DE586600006143E", today.format("%y"));
        let days = Days { ordered_on: today, today };
        let digit = (0..10).find(|digit| judge(&format!("{number}{digit}"), today, days).is_ok()).unwrap();
        json!({"mrn": format!("{number}{digit}"), "left_on": today, "upload": upload})
    }

    async fn hands_in(&self, who: &Person, proof: &Value) -> Answer {
        self.api.call(Some(who), Method::PUT, &self.path, proof.clone()).await
    }
}

#[tokio::test]
async fn a_seller_proves_an_export_and_corrects_it_and_its_buyer_reads_it() {
    let export = TestExport::new().await;
    let (api, ann, bob, eve) = (&export.api, &export.ann, &export.bob, &export.eve);
    let awaited = api.get(Some(ann), &export.path).await.ok();
    assert_eq!((&awaited["status"], awaited["due_at"].is_string()), (&json!("awaited"), true));
    assert_eq!(api.get(Some(bob), &export.path).await.ok(), awaited);
    api.get(Some(eve), &export.path).await.refused(404, "not_found");

    let file = export.file(true).await;
    let proof = export.proof(&file);
    for stranger in [bob, eve] {
        export.hands_in(stranger, &proof).await.refused(404, "not_found");
    }
    export.hands_in(ann, &export.proof(&export.file(false).await)).await.refused(409, "upload_missing");
    let wrong = proof["mrn"].as_str().unwrap();
    let digit = if wrong.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{digit}", &wrong[..17]);
    for (field, value) in [
        ("mrn", json!(wrong)),
        ("mrn", json!("07DE586600006143E")),
        ("left_on", json!("2001-01-01")),
        ("left_on", json!("2199-01-01")),
        ("upload", json!(uuid::Uuid::nil())),
    ] {
        let mut changed = proof.clone();
        changed[field] = value;
        let refused = export.hands_in(ann, &changed).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], format!("/{field}"), "{changed}");
    }
    assert_eq!(api.get(Some(ann), &export.path).await.ok()["status"], "awaited");

    let proved = export.hands_in(ann, &proof).await.ok();
    assert_eq!((&proved["status"], &proved["mrn"]), (&json!("proved"), &proof["mrn"]));
    let read = api.get(Some(bob), &export.path).await.ok();
    let bytes = reqwest::get(read["file"]["url"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert_eq!((&bytes[..], &read["file"]["file_name"]), (&b"%PDF-"[..], &json!("document.pdf")));

    // The same again, and with another file.
    assert_eq!(export.hands_in(ann, &proof).await.ok()["status"], "proved");
    let other = export.proof(&export.file(true).await);
    assert_eq!(export.hands_in(ann, &other).await.ok()["status"], "proved");
    let reused = export.hands_in(ann, &proof).await.refused(422, "invalid_value");
    assert_eq!(reused.body["errors"][0]["pointer"], "/upload", "the file before is nobody's any more");
    let acts: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_entries WHERE action = 'export_proof.hand_in'")
        .fetch_one(&api.db.pool)
        .await
        .unwrap();
    assert_eq!(acts, 3);
    export.api.close().await;
}
