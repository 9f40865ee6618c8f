use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Person, TestApi};

/// A person as a system that has their key: the same organisation, and no session.
fn holding(key: &Value) -> Person {
    let secret = key["secret"].as_str().unwrap().to_owned();
    Person {
        id: key["created_by"].as_str().unwrap().parse().unwrap(),
        email: String::new(),
        access: secret,
        refresh: String::new(),
        org: None,
    }
}

struct Kit {
    api: TestApi,
    admin: Person,
    ann: Person,
}

impl Kit {
    async fn with(settings: &[(&str, &str)]) -> Self {
        let api = TestApi::with(settings).await;
        let (admin, ann) = (api.admin().await, api.person("Ann").await);
        api.org(&ann, "Ann Farm", &admin).await;
        Self { api, admin, ann }
    }

    async fn key(&self, scopes: &[&str]) -> Value {
        self.api.post(Some(&self.ann), "/v1/api-keys", json!({"name": "Shop", "scopes": scopes})).await.ok()
    }

    async fn get(&self, key: &Value, path: &str) -> Answer {
        self.api.get(Some(&holding(key)), path).await
    }
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let kit = Kit::with(&[]).await;
    let key = kit.key(&["listings:write", "items:write", "stock:read"]).await;
    kit.get(&key, "/v1/orders?side=seller").await.refused(403, "scope_missing");
    kit.get(&key, "/v1/listings/mine").await.refused(403, "scope_missing");
    kit.get(&key, "/v1/stock").await.ok();
    let item = json!({"category_id": market::testing::CONSOLES, "sku": "k", "title": "Console"});
    let item = kit.api.post(Some(&holding(&key)), "/v1/items", item).await.ok();
    kit.get(&key, &format!("/v1/items/{}", item["id"].as_str().unwrap())).await.refused(403, "scope_missing");
    // What is of people, and of those who look after the platform, no key does, whoever has made it.
    let of_root = json!({"legal_name": "Root Ltd", "kinds": ["buyer"], "time_zone": "UTC"});
    kit.api.post(Some(&kit.admin), "/v1/orgs", of_root).await.ok();
    let made = json!({"name": "Root", "scopes": market::keys::model::SCOPES});
    let roots = kit.api.post(Some(&kit.admin), "/v1/api-keys", made).await.ok();
    for path in [
        "/v1/me",
        "/v1/me/sessions",
        "/v1/orgs",
        "/v1/jobs",
        "/v1/admin/users",
        "/v1/api-keys",
        "/v1/webhook-endpoints",
    ] {
        kit.get(&key, path).await.refused(403, "key_not_allowed");
        kit.get(&roots, path).await.refused(403, "key_not_allowed");
    }
    kit.get(&roots, "/v1/admin/commission-rates").await.refused_with(&["role_too_low", "key_not_allowed"]);
    let moderate = kit.api.post(Some(&holding(&roots)), "/v1/categories", json!({"slug": "x", "name": "X"})).await;
    moderate.refused_with(&["role_too_low", "key_not_allowed"]);
    // An owner's own are done by people.
    let account = kit.api.post(Some(&holding(&roots)), "/v1/payout-accounts", json!({})).await;
    account.refused_with(&["role_too_low", "org_not_approved", "org_kind"]);
    let logout = kit.api.post(Some(&holding(&key)), "/v1/auth/logout", json!({})).await;
    logout.refused(403, "key_not_allowed");
    kit.api.close().await;
}

#[tokio::test]
async fn a_key_that_is_not_good_is_nobodys() {
    let kit = Kit::with(&[]).await;
    let key = kit.key(&["stock:read"]).await;
    kit.get(&key, "/v1/stock").await.ok();
    let mut other = key.clone();
    for bad in ["ty_", "ty_nonsense", &format!("ty_{}", "A".repeat(43))] {
        other["secret"] = json!(bad);
        let refused = kit.get(&other, "/v1/stock").await.refused(401, "key_invalid");
        assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
    // Where everybody may read, a key that is sent must be good, too.
    kit.get(&other, "/v1/auctions").await.refused(401, "key_invalid");
    kit.get(&key, "/v1/auctions").await.refused(403, "scope_missing");

    let org = key["org_id"].as_str().unwrap();
    kit.api.post(Some(&kit.admin), &format!("/v1/orgs/{org}/suspend"), json!({"reason": "fraud"})).await.ok();
    kit.get(&key, "/v1/stock").await.refused(401, "key_invalid");
    kit.api.post(Some(&kit.admin), &format!("/v1/orgs/{org}/reinstate"), json!({})).await.ok();
    kit.get(&key, "/v1/stock").await.ok();
    let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
    assert_eq!(kit.api.call(Some(&kit.ann), Method::DELETE, &path, json!({})).await.status, 204);
    kit.get(&key, "/v1/stock").await.refused(401, "key_invalid");
    kit.api.get(Some(&kit.ann), &path).await.refused(404, "not_found");
    kit.api.close().await;
}

#[tokio::test]
async fn a_key_is_shown_once_replaced_with_overlap_and_its_use_is_noted() {
    let kit = Kit::with(&[]).await;
    let key = kit.key(&["stock:read"]).await;
    let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
    let read = kit.api.get(Some(&kit.ann), &path).await.ok();
    assert!(read["secret"].is_null() && read["last_used_at"].is_null(), "{read}");
    assert!(key["secret"].as_str().unwrap().starts_with(read["prefix"].as_str().unwrap()));
    kit.get(&key, "/v1/stock").await.ok();
    assert!(kit.api.get(Some(&kit.ann), &path).await.ok()["last_used_at"].is_string());
    let next = kit.api.post(Some(&kit.ann), &format!("{path}/rotate"), json!({})).await.ok();
    assert_eq!((&next["name"], &next["scopes"]), (&key["name"], &key["scopes"]));
    kit.get(&key, "/v1/stock").await.ok();
    kit.get(&next, "/v1/stock").await.ok();
    let listed = kit.api.get(Some(&kit.ann), "/v1/api-keys").await.ok();
    let ends: Vec<_> = listed["items"].as_array().unwrap().iter().map(|one| one["expires_at"].is_string()).collect();
    assert_eq!(ends, [true, false]);
    kit.api.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_said() {
    let kit = Kit::with(&[]).await;
    let make = async |body: Value| kit.api.post(Some(&kit.ann), "/v1/api-keys", body).await;
    let past = kit.api.state.clock.now() - TimeDelta::hours(1);
    for (body, pointer) in [
        (json!({"name": "", "scopes": ["stock:read"]}), "/name"),
        (json!({"name": "x".repeat(101), "scopes": ["stock:read"]}), "/name"),
        (json!({"name": "Shop", "scopes": []}), "/scopes"),
        (json!({"name": "Shop", "scopes": vec!["stock:read"; 41]}), "/scopes"),
        (json!({"name": "Shop", "scopes": ["stock:read"], "expires_at": past}), "/expires_at"),
    ] {
        let refused = make(body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    make(json!({"name": "Shop", "scopes": ["stock:fly"]})).await.refused(400, "invalid_body");
    make(json!({"name": "Shop"})).await.refused(400, "invalid_body");
    kit.api.close().await;
}

/// All keys of an organisation share its limit, and one that nobody knows has its address's.
#[tokio::test]
async fn keys_are_counted_by_their_organisation() {
    let kit =
        Kit::with(&[("RATE_LIMIT_ANONYMOUS", "40"), ("RATE_LIMIT_USER", "6"), ("RATE_LIMIT_PARTNER", "100")]).await;
    let (one, two) = (kit.key(&["stock:read"]).await, kit.key(&["stock:read"]).await);
    let policy = |answer: &Answer| answer.headers["ratelimit-policy"].to_str().unwrap().to_owned();
    // Until a process has met it, it may be any word.
    assert!(policy(&kit.get(&one, "/v1/stock").await).starts_with("\"anonymous\""));
    assert!(policy(&kit.get(&two, "/v1/stock").await).starts_with("\"anonymous\""));
    for key in [&one, &two, &one, &two, &one, &two] {
        let answer = kit.get(key, "/v1/stock").await;
        assert!(answer.status.is_success() && policy(&answer) == "\"user\";q=6;w=3600", "{answer:?}");
    }
    kit.get(&one, "/v1/stock").await.refused(429, "rate_limited");
    kit.get(&two, "/v1/stock").await.refused(429, "rate_limited");
    kit.api.close().await;
}
