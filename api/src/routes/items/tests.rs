use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::json;

use crate::testing::TestApi;

const TRACTORS: &str = "01900000-0000-7000-8000-000000000011";

#[tokio::test]
async fn items_belong_to_their_organisation() {
    let api = TestApi::new().await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let categories = api.get(None, "/v1/categories").await.ok();
    let tractors = categories["items"].as_array().unwrap().iter().find(|category| category["id"] == TRACTORS).unwrap();
    assert_eq!((&tractors["path"], &tractors["flags"]), (&json!("machinery/tractors"), &json!(["vehicle"])));

    let new = json!({"category_id": TRACTORS, "sku": "T-1", "title": "Tractor", "attributes": {"make": "Fendt", "model": "724"}});
    api.post(Some(&ann), "/v1/items", new.clone()).await.refused(403, "no_org");
    api.pending_org(&ann, "Ann Farm").await;
    let eves = api.pending_org(&eve, "Eve Farm").await;
    let answer = api.post(Some(&ann), "/v1/items", new.clone()).await;
    let path = answer.headers["location"].to_str().unwrap().to_owned();
    let item = answer.ok();
    assert_eq!(api.get(Some(&ann), &path).await.ok(), item);
    api.post(Some(&ann), "/v1/items", new.clone()).await.refused(409, "sku_taken");
    for (field, value, pointer) in [
        ("attributes", json!({"make": "Fendt", "colour": "green"}), "/attributes/colour"),
        ("attributes", json!({"make": 7, "model": "724"}), "/attributes/make"),
        ("category_id", json!(eves), "/category_id"),
        ("title", json!(""), "/title"),
        ("sku", json!("x".repeat(65)), "/sku"),
    ] {
        let mut body = new.clone();
        body["sku"] = json!("T-2");
        body[field] = value;
        let answer = api.post(Some(&ann), "/v1/items", body).await.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }

    let change = json!({"title": "Big tractor", "attributes": {"make": "Fendt", "model": "728", "year": 2020}});
    let changed = api.call(Some(&ann), Method::PATCH, &path, change).await.ok();
    assert_eq!((&changed["title"], &changed["attributes"]["year"]), (&json!("Big tractor"), &json!(2020)));
    for (method, body) in
        [(Method::GET, json!({})), (Method::PATCH, json!({"title": "x"})), (Method::DELETE, json!({}))]
    {
        api.call(Some(&eve), method, &path, body).await.refused(404, "not_found");
    }
    assert_eq!(api.call(Some(&ann), Method::DELETE, &path, json!({})).await.status, 204);
    api.get(Some(&ann), &path).await.refused(404, "not_found");
    api.call(Some(&ann), Method::DELETE, &path, json!({})).await.refused(404, "not_found");
    api.close().await;
}

#[tokio::test]
async fn items_are_paged() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let org = api.pending_org(&ann, "Ann Farm").await;
    api.pending_org(&ann, "Ann Shop").await;
    let acting = ann.acting(org);
    let items = "/v1/items";
    for sku in ["1", "2", "3"] {
        let new = json!({"category_id": CONSOLES, "sku": sku, "title": "Console"});
        api.post(Some(&acting), items, new).await.ok();
    }
    let first = api.get(Some(&acting), &format!("{items}?limit=2")).await.ok();
    let next = first["next"].as_str().unwrap();
    let second = api.get(Some(&acting), &format!("{items}?limit=2&after={next}")).await.ok();
    let skus = first["items"].as_array().unwrap().iter().chain(second["items"].as_array().unwrap());
    assert_eq!(skus.map(|item| item["sku"].as_str().unwrap()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert!(second["next"].is_null());
    api.get(Some(&ann), "/v1/items").await.refused(400, "org_required");
    api.close().await;
}
