#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use reqwest::Client;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, id};
use tests::until::until_sql;

const PDF: &[u8] = b"%PDF-1.4 an insurance";

/// Announces a file of a document and sends it; its upload.
async fn sent(by: &Person) -> String {
    let announced = json!({"content_type": "application/pdf", "size": PDF.len()});
    let upload = by.post(&format!("/v1/orgs/{}/document-uploads", by.org), announced).await.ok();
    let mut request = Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    assert_eq!(request.body(PDF.to_vec()).send().await.unwrap().status(), 200);
    id(&upload)
}

fn insurance(upload: &str) -> Value {
    json!({"kind": "insurance", "number": "HV 4711", "issued_on": "2024-01-01", "expires_on": "2199-12-31", "upload": upload})
}

/// Has so many days left of every document.
async fn left(market: &TestInstallation, days: i32) {
    let sql = "UPDATE org_documents SET expires_on = current_date + $1, status = 'pending', decided_by = NULL, decided_at = NULL";
    sqlx::query(sql).bind(days).execute(&market.db.pool).await.unwrap();
}

/// An owner hands in an insurance, a moderator verifies it, and 30 days before it expires, 7 days before and on its last day the owner
/// gets one mail and one notice each. A day later it has expired by itself. Replaced by the next one it waits for a moderator again, and
/// the old file goes; removed, it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn row_documents_of_organisations_expire_with_reminders() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, eve) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Eve").await);
    let path = format!("/v1/orgs/{}/documents", ann.org);
    let document = ann.post(&path, insurance(&sent(&ann).await)).await.ok();
    let one = format!("{path}/{}", id(&document));
    eve.get(&one).await.refused(404, "not_found");
    eve.post(&format!("{one}/verify"), json!({})).await.refused(403, "role_too_low");
    let _ = admin.post(&format!("{one}/verify"), json!({})).await.ok();
    assert_eq!(ann.get(&one).await.ok()["status"], "verified");
    until_sql(&market.db.pool, "SELECT count(*) FROM audit_entries WHERE action = 'document.verify'", 1).await;
    let file = ann.get(&format!("{one}/file")).await.ok();
    let bytes = Client::new().get(file["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(&bytes[..], PDF);

    let mut runs = 0;
    for (days, subject) in [(30, "expires in 30 days"), (7, "expires in 7 days"), (0, "expires today")] {
        left(&market, days).await;
        // Asked for twice: the second run finds nothing.
        for _ in 0..2 {
            let _ = admin.post("/v1/schedules/documents.remind/run-now", json!({})).await.ok();
            runs += 1;
            let done = "SELECT count(*) FROM jobs WHERE kind = 'documents.remind' AND state = 'succeeded'";
            until_sql(&market.db.pool, done, runs).await;
        }
        let mail = market.mail_to(&ann.email, subject).await;
        assert!(mail.contains("HV 4711") && mail.contains("Ann Ltd"), "{mail}");
    }
    let mails = "SELECT count(*) FROM emails WHERE template = 'document_expiring'";
    until_sql(&market.db.pool, mails, 3).await;
    let notices = ann.get("/v1/me/notices").await.ok();
    let about = notices["items"].as_array().unwrap().iter();
    assert_eq!(about.filter(|notice| notice.to_string().contains("document_expiring")).count(), 3, "{notices}");

    left(&market, -1).await;
    assert_eq!(ann.get(&one).await.ok()["status"], "expired");
    admin.post(&format!("{one}/verify"), json!({})).await.refused(409, "document_status");

    let next = ann.put(&one, insurance(&sent(&ann).await)).await.ok();
    assert_eq!(next["status"], "pending");
    assert_eq!(admin.get("/v1/admin/org-documents").await.ok()["items"], json!([next]));
    let rejected = admin.post(&format!("{one}/reject"), json!({"reason": "Not readable."})).await.ok();
    assert_eq!((&rejected["status"], &rejected["reason"]), (&json!("rejected"), &json!("Not readable.")));
    assert_eq!(ann.delete(&one).await.status, 204);
    ann.get(&one).await.refused(404, "not_found");
    // Nothing can be sent to their addresses any more.
    let aged = "UPDATE uploads SET expires_at = expires_at - interval '2 hours'";
    sqlx::query(aged).execute(&market.db.pool).await.unwrap();
    let _ = admin.post("/v1/schedules/documents.sweep/run-now", json!({})).await.ok();
    until_sql(&market.db.pool, "SELECT count(*) FROM uploads", 0).await;
    market.until_quiet().await;
    market.close().await;
}
