use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::TestApi;

#[tokio::test]
async fn a_schema_binds_items_and_listings() {
    let api = TestApi::new().await;
    let (admin, moderator) = (api.admin().await, api.staff(PlatformRole::Moderator).await);
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Farm", &moderator).await;
    let schema = |most: i64| {
        json!({"type": "object", "required": ["hours"], "properties": {
            "hours": {"type": "integer", "minimum": 0, "maximum": most, "unit": "h"},
            "state": {"type": "string", "enum": ["new", "used"]}}})
    };
    let new = json!({"slug": "drones", "name": "Drones", "attribute_schema": schema(100)});
    api.post(Some(&moderator), "/v1/categories", new.clone()).await.refused(403, "role_too_low");
    let drones = api.post(Some(&admin), "/v1/categories", new.clone()).await;
    assert_eq!(drones.status, 201, "{drones:?}");
    let drones = drones.ok();
    assert_eq!((&drones["path"], &drones["fee_bps"]), (&json!("drones"), &json!(500)));
    api.post(Some(&admin), "/v1/categories", new.clone()).await.refused(409, "category_exists");
    let below = json!({"slug": "sprayers", "name": "Sprayers", "parent_id": drones["id"]});
    assert_eq!(api.post(Some(&admin), "/v1/categories", below).await.ok()["path"], "drones/sprayers");
    let nowhere = json!({"slug": "x", "name": "X", "parent_id": uuid::Uuid::now_v7()});
    api.post(Some(&admin), "/v1/categories", nowhere).await.refused(404, "not_found");
    for (field, value, pointers) in [
        ("slug", json!("a/b"), vec!["/slug"]),
        ("slug", json!(""), vec!["/slug"]),
        ("name", json!(""), vec!["/name"]),
        ("flags", json!(["fun"]), vec!["/flags"]),
        ("fee_bps", json!(10_001), vec!["/fee_bps"]),
        (
            "attribute_schema",
            json!({"type": "object", "required": ["x"], "properties": {"y": {"type": "date"}}}),
            vec!["/attribute_schema/properties/y/type", "/attribute_schema/required/0"],
        ),
    ] {
        let mut body = new.clone();
        body["slug"] = json!("other");
        body[field] = value;
        let answer = api.post(Some(&admin), "/v1/categories", body).await.refused(422, "invalid_value");
        let errors = answer.body["errors"].as_array().unwrap();
        assert_eq!(errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect::<Vec<_>>(), pointers);
    }

    let item = |attributes: Value| json!({"category_id": drones["id"], "sku": "D-1", "title": "Drone", "attributes": attributes});
    let bad = item(json!({"hours": 101, "state": "wet", "colour": "red"}));
    let answer = api.post(Some(&ann), "/v1/items", bad).await.refused(422, "invalid_value");
    let errors: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(errors, ["/attributes/colour", "/attributes/hours", "/attributes/state"]);
    assert_eq!(answer.body["errors"][1]["detail"], "must be 0 to 100 h");
    let made = api.post(Some(&ann), "/v1/items", item(json!({"hours": 100, "state": "used"}))).await.ok();
    let draft = json!({"item_id": made["id"], "title": "A drone", "sale_mode": "auction", "currency": "EUR"});
    let listing = api.post(Some(&ann), "/v1/listings", draft).await.ok();
    let publish = format!("/v1/listings/{}/publish", listing["id"].as_str().unwrap());

    // Stricter from now on: what is published must fit.
    let path = format!("/v1/categories/{}", drones["id"].as_str().unwrap());
    let change = async |body: Value| api.call(Some(&admin), Method::PATCH, &path, body).await;
    change(json!({"attribute_schema": {"type": "array"}})).await.refused(422, "invalid_value");
    assert_eq!(change(json!({"attribute_schema": schema(99)})).await.ok()["name"], "Drones");
    let answer = api.post(Some(&ann), &publish, json!({})).await.refused(422, "listing_incomplete");
    assert_eq!(answer.body["errors"][0]["pointer"], "/attributes/hours");
    assert_eq!(answer.body["errors"][0]["detail"], "must be 0 to 99 h");
    let repair = json!({"attributes": {"hours": 99}});
    api.call(Some(&ann), Method::PATCH, &format!("/v1/items/{}", made["id"].as_str().unwrap()), repair).await.ok();
    api.post(Some(&ann), &publish, json!({})).await.ok();
    api.close().await;
}
