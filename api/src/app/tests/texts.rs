//! What people type and others see: nothing invisible, nothing that turns the direction of reading, no control characters.

use market::identity::PlatformRole;
use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::TestApi;

#[tokio::test]
async fn texts_show_what_they_are() {
    let api = TestApi::new().await;
    let (admin, moderator) = (api.admin().await, api.staff(PlatformRole::Moderator).await);
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Farm", &moderator).await;
    let item = json!({"category_id": CONSOLES, "sku": "s", "title": "Console", "unit": "piece", "compatibility": ["A"],
        "attributes": {"make": "A"}});
    let made = api.post(Some(&ann), "/v1/items", item.clone()).await.ok();
    let (item_id, item_path) = (&made["id"], format!("/v1/items/{}", made["id"].as_str().unwrap()));
    let listing =
        json!({"item_id": item_id, "title": "A", "description": "B", "sale_mode": "auction", "currency": "EUR"});
    let org = json!({"legal_name": "New", "kinds": ["buyer"], "time_zone": "UTC"});
    let category = json!({"slug": "texts", "name": "Texts"});
    let person = json!({"email": "new@example.com", "name": "New", "password": "long enough to pass"});
    for (who, method, path, body, field) in [
        (&ann, Method::POST, "/v1/items", &item, "/sku"),
        (&ann, Method::POST, "/v1/items", &item, "/title"),
        (&ann, Method::POST, "/v1/items", &item, "/unit"),
        (&ann, Method::POST, "/v1/items", &item, "/compatibility/0"),
        (&ann, Method::POST, "/v1/items", &item, "/attributes/make"),
        (&ann, Method::PATCH, item_path.as_str(), &json!({"title": "Console"}), "/title"),
        (&ann, Method::PATCH, item_path.as_str(), &json!({"compatibility": ["A"]}), "/compatibility/0"),
        (&ann, Method::PATCH, item_path.as_str(), &json!({"attributes": {"make": "A"}}), "/attributes/make"),
        (&ann, Method::POST, "/v1/listings", &listing, "/title"),
        (&ann, Method::POST, "/v1/listings", &listing, "/description"),
        (&ann, Method::POST, "/v1/orgs", &org, "/legal_name"),
        (&ann, Method::PATCH, "/v1/me", &json!({"name": "Ann"}), "/name"),
        (&ann, Method::POST, "/v1/auth/register", &person, "/name"),
        (&admin, Method::POST, "/v1/categories", &category, "/name"),
    ] {
        let send = async |text: &str| {
            let mut body = body.clone();
            if body["sku"].is_string() {
                body["sku"] = json!(uuid::Uuid::now_v7());
            }
            *body.pointer_mut(field).unwrap() = json!(text);
            api.call(Some(who), method.clone(), path, body).await
        };
        // What a category says of attributes is known later than the body is read.
        let refusal = if field.starts_with("/attributes") { 422 } else { 400 };
        for bad in ["a\u{1}b", "a\u{85}b"] {
            let refused = send(bad).await;
            assert_eq!(refused.status, refusal, "{path} {field} {bad:?}");
            if refusal == 422 {
                assert_eq!(refused.body["errors"][0]["pointer"], field);
            }
        }
        let invisible = send("\u{200b}\u{3164}").await;
        if field == "/description" {
            // It may be empty.
            assert_eq!(invisible.ok()["description"], "");
        } else {
            assert!(invisible.status.is_client_error(), "{path} {field}: {invisible:?}");
        }
        let hidden = send("a\u{202e}b\u{200b}c").await;
        assert!(hidden.status.is_success(), "{path} {field}: {hidden:?}");
        // What is answered is what is stored.
        match hidden.body.pointer(field) {
            Some(Value::String(stored)) => assert_eq!(stored, "abc", "{path} {field}"),
            _ => assert!(!hidden.body.is_object(), "{path} {field}: {hidden:?}"),
        }
    }
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["name"], "abc");
    api.close().await;
}
