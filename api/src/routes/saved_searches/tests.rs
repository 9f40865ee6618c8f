use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::{Value, json};

use crate::testing::{TestApi, with_token};

#[tokio::test]
async fn people_keep_searches_of_their_own() {
    let api = TestApi::new().await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let query = json!({"q": "tractor", "category": "machinery/tractors", "where": ["make:Fendt", "horsepower:80.."],
        "price_to": "30000", "near": "53.55,9.99", "within_km": 50.0});
    let made = api.post(Some(&ann), "/v1/saved-searches", json!({"name": "Near me", "query": query})).await;
    let path = made.headers["location"].to_str().unwrap().to_owned();
    let saved = made.ok();
    assert_eq!((&saved["query"], &saved["alerts"]), (&query, &json!(true)));
    let read = api.get(Some(&ann), &path).await;
    let tag = read.headers["etag"].clone();
    assert_eq!(read.ok(), saved);
    assert_eq!(api.get(Some(&ann), "/v1/saved-searches").await.ok()["items"], json!([saved]));
    assert_eq!(api.get(Some(&eve), "/v1/saved-searches").await.ok()["items"], json!([]));
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        api.call(Some(&eve), method, &path, json!({})).await.refused(404, "not_found");
    }
    let change = json!({"name": "Far away", "alerts": false, "query": {"mode": "auction"}});
    let changed = api.call(Some(&ann), Method::PATCH, &path, change).await.ok();
    assert_eq!(
        (&changed["name"], &changed["alerts"], &changed["query"]),
        (&json!("Far away"), &json!(false), &json!({"mode": "auction"}))
    );
    for method in [Method::PATCH, Method::DELETE] {
        let request = with_token(api.request(method, &path), Some(&ann)).header(IF_MATCH, tag.clone());
        api.send(request.json(&json!({"name": "Lost"}))).await.refused(412, "changed_meanwhile");
    }
    assert_eq!(api.call(Some(&ann), Method::DELETE, &path, json!({})).await.status, 204);
    api.get(Some(&ann), &path).await.refused(404, "not_found");
    api.close().await;
}

#[tokio::test]
async fn a_search_that_finds_nothing_is_refused_by_the_rules_of_every_search() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    for (query, status, code, pointer) in [
        (json!({}), 422, "invalid_search", "/query"),
        (json!({"q": "x".repeat(201)}), 400, "invalid_query", "/query/q"),
        (json!({"where": ["wings:2"]}), 422, "unknown_filter", "/query/where"),
        (
            json!({"where": ["horsepower:much"], "category": "machinery/tractors"}),
            422,
            "invalid_search",
            "/query/where",
        ),
        (json!({"within_km": 5}), 422, "invalid_search", "/query/within_km"),
        (json!({"near": "53.5,10"}), 422, "invalid_search", "/query/near"),
        (json!({"near": "53.5,10,vulcan", "within_km": 5}), 422, "invalid_search", "/query/near"),
        (json!({"price_from": "2", "price_to": "1"}), 422, "invalid_search", "/query/price_from"),
        (json!({"fits": "nothing"}), 422, "invalid_search", "/query/fits"),
        (json!({"q": ""}), 422, "invalid_value", "/query/q"),
        (json!({"q": "x", "category": ""}), 422, "invalid_value", "/query/category"),
        (json!({"category": "x".repeat(201)}), 422, "invalid_value", "/query/category"),
        (json!({"sort": "newest"}), 400, "invalid_body", "/query/sort"),
    ] {
        let refused = api.post(Some(&ann), "/v1/saved-searches", json!({"name": "A", "query": query})).await;
        assert_eq!(refused.refused(status, code).body["errors"][0]["pointer"], pointer, "{query}");
    }
    for name in [String::new(), "x".repeat(101)] {
        let named = api.post(Some(&ann), "/v1/saved-searches", json!({"name": name, "query": {"q": "a"}})).await;
        assert_eq!(named.refused(422, "invalid_value").body["errors"][0]["pointer"], "/name");
    }
    assert_eq!(api.get(Some(&ann), "/v1/saved-searches").await.ok()["items"], json!([]));
    api.close().await;
}

#[tokio::test]
async fn a_person_keeps_fifty_searches_also_when_several_are_saved_at_once() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let save = async || api.post(Some(&ann), "/v1/saved-searches", json!({"name": "A", "query": {"q": "a"}})).await;
    for _ in 0..48 {
        save().await.ok();
    }
    let answers = futures::future::join_all((0..5).map(|_| save())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 2, "{answers:?}");
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.refused(409, "too_many_saved_searches");
    }
    let kept: Value = api.get(Some(&ann), "/v1/saved-searches").await.ok();
    assert_eq!(kept["items"].as_array().unwrap().len(), 50);
    api.close().await;
}
