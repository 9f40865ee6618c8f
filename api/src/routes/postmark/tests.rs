use market::emails::store;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, TestApi};

const KEY: &str = "postmark:a password of some length";

async fn report(api: &TestApi, key: Option<&str>, body: &Value) -> Answer {
    let request = api.request(Method::POST, "/v1/webhooks/postmark").json(body);
    let request = match key.map(|key| key.split_once(':').unwrap()) {
        Some((user, password)) => request.basic_auth(user, Some(password)),
        None => request,
    };
    api.send(request).await
}

async fn is_suppressed(api: &TestApi, address: &str) -> bool {
    store::is_suppressed(&mut api.db.pool.acquire().await.unwrap(), address).await.unwrap()
}

#[tokio::test]
async fn a_bounce_and_a_complaint_end_all_mail_to_the_address() {
    let api = TestApi::with(&[("SMTP_WEBHOOK_KEY", KEY)]).await;
    let bounce = json!({"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "Email": "Ann@Example.com", "Inactive": true,
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found)."});
    for key in [None, Some("postmark:another password of length"), Some("other:a password of some length")] {
        report(&api, key, &bounce).await.refused(401, "wrong_credentials");
    }
    assert!(!is_suppressed(&api, "ann@example.com").await);
    // The second one is the same report, sent again.
    for _ in 0..2 {
        assert_eq!(report(&api, Some(KEY), &bounce).await.status, 204);
        assert!(is_suppressed(&api, "ann@example.com").await);
    }
    let complaint = json!({"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": "bob@example.com"});
    assert_eq!(report(&api, Some(KEY), &complaint).await.status, 204);
    let refused = store::refused(&mut api.db.pool.acquire().await.unwrap(), 10).await.unwrap();
    let mut reasons: Vec<_> = refused.iter().map(|it| (it.address.as_str(), format!("{:?}", it.suppressed))).collect();
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [("ann@example.com", "Some(Bounced)".to_owned()), ("bob@example.com", "Some(Complained)".to_owned())]
    );
    // A full mailbox is not for good, and who opened a mail is nothing to us.
    let soft = json!({"RecordType": "Bounce", "Type": "SoftBounce", "Email": "eve@example.com", "Inactive": false});
    for of_no_use in [soft, json!({"RecordType": "Open", "Recipient": "eve@example.com"})] {
        assert_eq!(report(&api, Some(KEY), &of_no_use).await.status, 204);
    }
    assert!(!is_suppressed(&api, "eve@example.com").await);
    report(&api, Some(KEY), &json!({"RecordType": 7})).await.refused(400, "invalid_body");
    api.close().await;
}

#[tokio::test]
async fn without_credentials_no_report_is_believed() {
    let api = TestApi::new().await;
    let bounce = json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": "ann@example.com", "Inactive": true});
    report(&api, None, &bounce).await.refused(401, "wrong_credentials");
    report(&api, Some(":"), &bounce).await.refused(401, "wrong_credentials");
    assert!(!is_suppressed(&api, "ann@example.com").await);
    api.close().await;
}
