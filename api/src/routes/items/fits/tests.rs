use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Person, TestApi};

const TRACTORS: &str = "01900000-0000-7000-8000-000000000011";
const PARTS: &str = "01900000-0000-7000-8000-000000000002";

/// A published part, as item and listing.
async fn part(api: &TestApi, seller: &Person, sku: &str) -> (String, String) {
    let item = json!({"category_id": PARTS, "sku": sku, "title": "Filter"});
    let item = api.post(Some(seller), "/v1/items", item).await.ok();
    let price = json!({"amount": "9.00", "currency": "EUR"});
    let new = json!({"item_id": item["id"], "title": sku, "sale_mode": "fixed", "currency": "EUR", "price": price});
    let listing = api.post(Some(seller), "/v1/listings", new).await.ok();
    let listing = format!("/v1/listings/{}", listing["id"].as_str().unwrap());
    api.post(Some(seller), &format!("{listing}/publish"), json!({})).await.ok();
    (format!("/v1/items/{}", item["id"].as_str().unwrap()), listing)
}

#[tokio::test]
async fn a_models_page_shows_the_parts_that_sellers_say_fit_it() {
    let api = TestApi::new().await;
    let (admin, moderator) = (api.admin().await, api.staff(PlatformRole::Moderator).await);
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Parts", &moderator).await;
    let model = json!({"category_id": TRACTORS, "make": "John Deere", "name": "6130R", "year_from": 2011});
    let made = api.post(Some(&admin), "/v1/models", model.clone()).await;
    assert_eq!(made.headers["location"], "/v1/models/john-deere-6130r");
    let made = made.ok();
    assert_eq!(api.get(None, "/v1/models/john-deere-6130r").await.ok(), made);
    api.post(Some(&admin), "/v1/models", model.clone()).await.refused(409, "model_exists");
    for (field, value, pointer) in [
        ("year_to", json!(2010), "/year_to"),
        ("make", json!(""), "/make"),
        ("category_id", json!(uuid::Uuid::nil()), "/category_id"),
    ] {
        let mut body = model.clone();
        body["name"] = json!("6150R");
        body[field] = value;
        let answer = api.post(Some(&admin), "/v1/models", body).await.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }
    api.get(None, "/v1/models/fendt-313").await.refused(404, "not_found");
    api.get(None, "/v1/models/fendt-313/parts").await.refused(404, "not_found");
    for (query, parameter) in [
        ("/v1/models?make=", "make"),
        ("/v1/models?after=A", "after"),
        ("/v1/models?after=a--b", "after"),
        ("/v1/models/john-deere-6130r/parts?year=0", "year"),
    ] {
        let answer = api.get(None, query).await.refused(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["parameter"], parameter, "{answer:?}");
    }
    let models = api.get(None, "/v1/models?make=john%20deere").await.ok();
    assert_eq!(models["items"], json!([made]));

    let (filter, listing) = part(&api, &ann, "A filter").await;
    part(&api, &ann, "A tyre").await;
    let fits = json!({"fits": [{"model": "john-deere-6130r", "year_from": 2015}, {"make": "Claas"}]});
    let set = api.call(Some(&ann), Method::PUT, &format!("{filter}/fits"), fits).await.ok();
    assert_eq!(set["fits"][0]["make"], "John Deere");
    assert_eq!(api.get(Some(&ann), &format!("{filter}/fits")).await.ok(), set);
    assert_eq!(api.get(None, &format!("{listing}/fits")).await.ok(), set);
    for (year, expected) in [("", vec!["A filter"]), ("?year=2016", vec!["A filter"]), ("?year=2014", vec![])] {
        let page = api.get(None, &format!("/v1/models/john-deere-6130r/parts{year}")).await.ok();
        let titles: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|listing| &listing["title"]).collect();
        assert_eq!(titles, expected, "{year}");
    }
    let wrong = json!({"fits": [{"model": "fendt-313"}, {}]});
    let answer =
        api.call(Some(&ann), Method::PUT, &format!("{filter}/fits"), wrong).await.refused(422, "invalid_value");
    let pointers: Vec<&Value> = answer.body["errors"].as_array().unwrap().iter().map(|it| &it["pointer"]).collect();
    assert_eq!(pointers, ["/fits/0/model", "/fits/1/make"]);
    api.call(Some(&ann), Method::PUT, &format!("{filter}/fits"), json!({"fits": [], "x": 1}))
        .await
        .refused(400, "invalid_body");
    api.close().await;
}
