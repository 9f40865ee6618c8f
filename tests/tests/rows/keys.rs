use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Answer, eur, id};

/// A dealer's system, which has nothing but a key.
struct System<'a> {
    market: &'a TestInstallation,
    key: String,
}

#[expect(clippy::unwrap_used, reason = "a test without an answer ends here")]
impl System<'_> {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Client::new().request(method, format!("{}{path}", self.market.base)).bearer_auth(&self.key);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = request.send().await.unwrap();
        let status = response.status();
        let bytes = response.bytes().await.unwrap();
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }
}

/// A dealer's system lists what its key allows and reads no orders; the key is replaced while it works, with a day in which both do, and
/// one that was revoked is worth nothing at once.
#[tokio::test(flavor = "multi_thread")]
async fn row_api_keys_with_scopes() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let new = json!({"name": "Dealer system", "scopes": ["items:write", "listings:write", "listings:read"]});
    let made = ann.post("/v1/api-keys", new).await.ok();
    let text = |made: &Value| made["secret"].as_str().unwrap_or_default().to_owned();
    let path = format!("/v1/api-keys/{}", id(&made));
    let system = System { market: &market, key: text(&made) };
    assert!(ann.get(&path).await.ok()["last_used_at"].is_null());

    let item = json!({"category_id": market::testing::CONSOLES, "sku": "k-1", "title": "Console"});
    let item = id(&system.call(Method::POST, "/v1/items", Some(item)).await.ok());
    let listing = json!({"item_id": item, "title": "A console", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("12.50"), "quantity": 3});
    let listing = id(&system.call(Method::POST, "/v1/listings", Some(listing)).await.ok());
    let publish = format!("/v1/listings/{listing}/publish");
    let _ = system.call(Method::POST, &publish, Some(json!({}))).await.ok();
    assert_eq!(ann.get(&format!("/v1/listings/{listing}")).await.ok()["status"], "published");
    system.get("/v1/orders?side=seller").await.refused(403, "scope_missing");
    system.get("/v1/me").await.refused(403, "key_not_allowed");
    system.call(Method::POST, "/v1/api-keys", Some(json!({}))).await.refused(403, "key_not_allowed");
    assert!(ann.get(&path).await.ok()["last_used_at"].is_string());

    let next = ann.post(&format!("{path}/rotate"), json!({})).await.ok();
    let renewed = System { market: &market, key: text(&next) };
    for system in [&system, &renewed] {
        assert_eq!(system.get("/v1/listings/mine").await.status, StatusCode::OK);
    }
    assert_eq!(ann.delete(&path).await.status, StatusCode::NO_CONTENT);
    system.get("/v1/listings/mine").await.refused(401, "key_invalid");
    assert_eq!(renewed.get("/v1/listings/mine").await.status, StatusCode::OK);

    // A suspension of the organisation counts for its systems from the next request on.
    let suspend = format!("/v1/orgs/{}/suspend", ann.org);
    let _ = admin.post(&suspend, json!({"reason": "fraud"})).await.ok();
    renewed.get("/v1/listings/mine").await.refused(401, "key_invalid");
    market.close().await;
}
