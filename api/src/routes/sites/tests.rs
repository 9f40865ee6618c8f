use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Person, TestApi};

/// The first region below this one, or the first body.
async fn region(api: &TestApi, parent: &str) -> Value {
    api.get(None, &format!("/v1/regions?limit=1{parent}")).await.ok()["items"][0].clone()
}

async fn seller(api: &TestApi, name: &str) -> Person {
    let (person, moderator) = (api.person(name).await, api.staff(PlatformRole::Moderator).await);
    api.org(&person, &format!("{name} Farm"), &moderator).await;
    person
}

#[tokio::test]
async fn a_site_is_kept_by_its_organisation_until_it_is_archived() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let eve = api.person("Eve").await;
    api.pending_org(&eve, "Eve Farm").await;
    let earth = region(&api, "").await;
    let country = region(&api, &format!("&parent={}", earth["id"].as_str().unwrap())).await;
    assert_eq!((&earth["code"], &country["parent_id"]), (&json!("earth"), &earth["id"]));
    let body = json!({"region_id": country["id"], "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
    let made = api.post(Some(&ann), "/v1/sites", body).await;
    let path = made.headers["location"].to_str().unwrap().to_owned();
    let site = made.ok();
    assert_eq!((&site["body"], &site["stored"], &site["version"]), (&json!("earth"), &json!(0), &json!(1)));
    assert_eq!(api.get(Some(&ann), &path).await.ok(), site);
    assert_eq!(api.get(Some(&ann), "/v1/sites").await.ok()["items"], json!([site]));
    assert_eq!(api.get(Some(&eve), "/v1/sites").await.ok()["items"], json!([]));
    api.get(Some(&eve), &path).await.refused(404, "not_found");
    let change = json!({"name": "Store", "kind": "store", "capacity": 9});
    let changed = api.call(Some(&ann), Method::PATCH, &path, change).await.ok();
    assert_eq!((&changed["name"], &changed["capacity"], &changed["version"]), (&json!("Store"), &json!(9), &json!(2)));
    // What is left out stays, and null takes a capacity away.
    let changed = api.call(Some(&ann), Method::PATCH, &path, json!({"capacity": null})).await.ok();
    assert_eq!((&changed["name"], &changed["capacity"]), (&json!("Store"), &Value::Null));
    api.call(Some(&eve), Method::DELETE, &path, json!({})).await.refused(404, "not_found");
    assert_eq!(api.call(Some(&ann), Method::DELETE, &path, json!({})).await.status, 204);
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        api.call(Some(&ann), method, &path, json!({})).await.refused(404, "not_found");
    }
    assert_eq!(api.get(Some(&ann), "/v1/sites").await.ok()["items"], json!([]));
    api.close().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_site_is_named() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let earth = region(&api, "").await["id"].clone();
    let good = json!({"region_id": earth, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
    for (field, value, status) in [
        ("region_id", json!(uuid::Uuid::nil()), 422),
        ("region_id", json!("earth"), 400),
        ("name", json!(""), 422),
        ("name", json!("x".repeat(101)), 422),
        ("kind", json!("castle"), 400),
        ("latitude", json!(90.5), 422),
        ("longitude", json!(-180.5), 422),
        ("capacity", json!(0), 422),
        ("capacity", json!(1_000_000_000_001_i64), 422),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let code = if status == 400 { "invalid_body" } else { "invalid_value" };
        let answer = api.post(Some(&ann), "/v1/sites", body.clone()).await.refused(status, code);
        assert_eq!(answer.body["errors"][0]["pointer"], format!("/{field}"), "{body}: {answer:?}");
    }
    for query in ["after=EARTH", "after=earth//de", "parent=earth", "limit=0"] {
        let (parameter, _) = query.split_once('=').unwrap();
        let answer = api.get(None, &format!("/v1/regions?{query}")).await.refused(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["parameter"], parameter, "{answer:?}");
    }
    api.close().await;
}
