use std::net::SocketAddr;

use market::identity::PlatformRole;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::ids::OrgId;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::testing::{Person, TestApi, with_token};

struct TestOffice {
    api: TestApi,
    moderator: Person,
    /// Owns an organisation that waits for approval.
    ann: Person,
    eve: Person,
    /// Where its documents are.
    path: String,
    _dir: TempDir,
    _stop: DropGuard,
}

impl TestOffice {
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
        let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
        let org = api.pending_org(&ann, "Ann Farm").await;
        api.org(&eve, "Eve Farm", &moderator).await;
        let path = format!("/v1/orgs/{org}/documents");
        Self { api, moderator, ann, eve, path, _dir: dir, _stop: stop.drop_guard() }
    }

    /// Announces a file and, if `sends`, sends it.
    async fn file(&self, sends: bool) -> Value {
        let announced = json!({"content_type": "application/pdf", "size": 5});
        let path = self.path.replace("/documents", "/document-uploads");
        let upload = self.api.post(Some(&self.ann), &path, announced).await.ok();
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

    async fn one(&self, who: &Person, method: Method, id: &Value, what: &str, body: Value) -> crate::testing::Answer {
        self.api.call(Some(who), method, &format!("{}/{}{what}", self.path, id.as_str().unwrap()), body).await
    }
}

fn licence(upload: &Value) -> Value {
    json!({"kind": "licence", "number": "4711", "issued_on": "2024-01-01", "expires_on": "2199-12-31", "upload": upload})
}

#[tokio::test]
async fn an_organisation_hands_in_documents_and_moderators_decide() {
    let office = TestOffice::new().await;
    let (ann, moderator) = (&office.ann, &office.moderator);
    let file = office.file(true).await;
    let document = office.api.post(Some(ann), &office.path, licence(&file)).await.ok();
    let id = &document["id"];
    assert_eq!((&document["status"], &document["number"]), (&json!("pending"), &json!("4711")));
    assert_eq!(office.api.get(Some(ann), &office.path).await.ok()["items"], json!([document]));
    let waiting = office.api.get(Some(moderator), "/v1/admin/org-documents").await.ok();
    assert_eq!(waiting["items"], json!([document]));
    let there = office.one(moderator, Method::GET, id, "/file", json!({})).await.ok();
    assert_eq!(there["name"], "licence.pdf");
    let bytes = reqwest::get(there["url"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert_eq!(&bytes[..], b"%PDF-");

    office.one(ann, Method::POST, id, "/verify", json!({})).await.refused(403, "role_too_low");
    let verified = office.one(moderator, Method::POST, id, "/verify", json!({})).await.ok();
    assert_eq!(verified["status"], "verified");
    office.one(moderator, Method::POST, id, "/verify", json!({})).await.refused(409, "document_status");
    office.one(moderator, Method::POST, id, "/reject", json!({"reason": ""})).await.refused(422, "reason_length");
    let rejected = office.one(moderator, Method::POST, id, "/reject", json!({"reason": "Forged."})).await.ok();
    assert_eq!((&rejected["status"], &rejected["reason"]), (&json!("rejected"), &json!("Forged.")));

    // Replaced, from what was read before.
    let mut newer = licence(&office.file(true).await);
    newer["number"] = json!("4712");
    let path = format!("{}/{}", office.path, id.as_str().unwrap());
    let put = office.api.request(Method::PUT, &path).header("if-match", "\"old\"").json(&newer);
    office.api.send(with_token(put, Some(ann))).await.refused(412, "changed_meanwhile");
    let tag = office.api.get(Some(ann), &path).await.headers["etag"].clone();
    let put = office.api.request(Method::PUT, &path).header("if-match", tag).json(&newer);
    let replaced = office.api.send(with_token(put, Some(ann))).await.ok();
    assert_eq!((&replaced["status"], &replaced["number"]), (&json!("pending"), &json!("4712")));
    assert!(replaced.get("reason").is_none(), "{replaced}");
    // The file before is nobody's any more.
    let reused = office.api.post(Some(ann), &office.path, licence(&file)).await.refused(422, "invalid_value");
    assert_eq!(reused.body["errors"][0]["pointer"], "/upload");

    assert_eq!(office.one(ann, Method::DELETE, id, "", json!({})).await.status, 204);
    office.one(ann, Method::GET, id, "", json!({})).await.refused(404, "not_found");
    let acts: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_entries WHERE subject_kind = 'org_document' ORDER BY seq")
            .fetch_all(&office.api.db.pool)
            .await
            .unwrap();
    assert_eq!(acts, ["document.create", "document.verify", "document.reject", "document.replace", "document.delete"]);
    office.api.close().await;
}

/// Between a moderator's look at a document and the verdict, its owner sends another file to the same address, or replaces it.
#[tokio::test]
async fn a_verdict_is_about_what_the_moderator_has_read() {
    let office = TestOffice::new().await;
    let (ann, moderator) = (&office.ann, &office.moderator);
    let path = office.path.replace("/documents", "/document-uploads");
    let announced = json!({"content_type": "application/pdf", "size": 5});
    let upload = office.api.post(Some(ann), &path, announced).await.ok();
    let send = async |bytes: &'static [u8]| {
        let mut request = reqwest::Client::new().put(upload["url"].as_str().unwrap());
        for (name, value) in upload["headers"].as_object().unwrap() {
            if name != "content-length" {
                request = request.header(name, value.as_str().unwrap());
            }
        }
        request.body(bytes).send().await.unwrap().status().as_u16()
    };
    assert_eq!(send(b"%PDF-").await, 200);
    let id = office.api.post(Some(ann), &office.path, licence(&upload["id"])).await.ok()["id"].clone();
    assert_eq!(send(b"forged").await, 403, "another length");
    assert_eq!(send(b"FORGE").await, 412);
    let file = office.one(moderator, Method::GET, &id, "/file", json!({})).await.ok();
    let bytes = reqwest::get(file["url"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert_eq!(&bytes[..], b"%PDF-");

    let document = format!("{}/{}", office.path, id.as_str().unwrap());
    let read = office.api.get(Some(moderator), &document).await.headers["etag"].clone();
    office.one(ann, Method::PUT, &id, "", licence(&office.file(true).await)).await.ok();
    for (act, body) in [("verify", json!({})), ("reject", json!({"reason": "Forged."}))] {
        let request =
            office.api.request(Method::POST, &format!("{document}/{act}")).header("if-match", &read).json(&body);
        office.api.send(with_token(request, Some(moderator))).await.refused(412, "changed_meanwhile");
    }
    let now = office.api.get(Some(moderator), &document).await.headers["etag"].clone();
    let request = office.api.request(Method::POST, &format!("{document}/verify")).header("if-match", now);
    let verified = office.api.send(with_token(request, Some(moderator))).await.ok();
    assert_eq!(verified["status"], "verified");
    office.api.close().await;
}

#[tokio::test]
async fn documents_are_refused_with_what_is_wrong_and_where() {
    let office = TestOffice::new().await;
    let file = office.file(true).await;
    for (field, value, pointer) in [
        ("expires_on", json!("2024-01-02"), "/expires_on"),
        ("expires_on", json!("2023-01-01"), "/expires_on"),
        ("expires_on", json!("2200-01-01"), "/expires_on"),
        ("issued_on", json!("2199-01-01"), "/issued_on"),
        ("number", json!(""), "/number"),
        ("upload", json!(uuid::Uuid::nil()), "/upload"),
    ] {
        let mut body = licence(&file);
        body[field] = value;
        let refused = office.api.post(Some(&office.ann), &office.path, body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let announced = office.file(false).await;
    office.api.post(Some(&office.ann), &office.path, licence(&announced)).await.refused(409, "upload_missing");
    let uploads = office.path.replace("/documents", "/document-uploads");
    let csv = json!({"content_type": "text/csv", "size": 5});
    office.api.post(Some(&office.ann), &uploads, csv).await.refused(422, "upload_type");
    office.api.close().await;
}

#[tokio::test]
async fn documents_are_read_by_members_and_written_by_owners() {
    let office = TestOffice::new().await;
    let (ann, eve) = (&office.ann, &office.eve);
    let tom = office.api.person("Tom").await;
    let org: OrgId = office.path.split('/').nth(3).unwrap().parse().unwrap();
    office.api.post(Some(&office.moderator), &format!("/v1/orgs/{org}/approve"), json!({})).await.ok();
    office.api.join(ann, org, &tom, "trader").await;
    let id = office.api.post(Some(ann), &office.path, licence(&office.file(true).await)).await.ok()["id"].clone();
    office.api.get(Some(&tom), &office.path).await.ok();
    office.one(&tom, Method::GET, &id, "/file", json!({})).await.ok();
    let body = licence(&json!(uuid::Uuid::nil()));
    office.api.post(Some(&tom), &office.path, body.clone()).await.refused(403, "role_too_low");
    office.one(&tom, Method::PUT, &id, "", body.clone()).await.refused(403, "role_too_low");
    office.one(&tom, Method::DELETE, &id, "", json!({})).await.refused(403, "role_too_low");
    for what in ["", "/file"] {
        office.one(eve, Method::GET, &id, what, json!({})).await.refused(404, "not_found");
    }
    office.api.post(Some(eve), &office.path, body).await.refused(404, "not_found");
    office.one(eve, Method::DELETE, &id, "", json!({})).await.refused(404, "not_found");
    office.api.close().await;
}
