use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::routes::checkouts::tests::{eur, keyed, offered};
use crate::testing::{Answer, Person, TestApi, with_token};

async fn put(api: &TestApi, who: &Person, listing: &str, quantity: i64) -> Answer {
    let request = api.request(Method::PUT, &format!("/v1/basket/{listing}")).json(&json!({"quantity": quantity}));
    api.send(with_token(request, Some(who))).await
}

#[tokio::test]
async fn a_basket_is_one_persons_keeps_nothing_back_and_is_bought_as_it_was_shown() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
    for (person, name) in [(&ann, "Ann Farm"), (&bob, "Bob Farm"), (&eve, "Eve Farm")] {
        api.org(person, name, &moderator).await;
    }
    let (first, second) = (offered(&api, &ann, 5).await, offered(&api, &ann, 5).await);
    put(&api, &bob, &first, 1).await.ok();
    put(&api, &bob, &second, 2).await.ok();
    let basket = put(&api, &bob, &first, 3).await.ok();
    let shown = |basket: &Value| -> Vec<(Value, Value)> {
        let lines = basket["lines"].as_array().unwrap();
        lines.iter().map(|line| (line["listing"].clone(), line["amount"].clone())).collect()
    };
    assert_eq!(shown(&basket), [(json!(first), eur("37.50")), (json!(second), eur("25.00"))]);
    assert_eq!(basket["totals"], json!([eur("62.50")]));
    assert_eq!(api.get(Some(&eve), "/v1/basket").await.ok()["lines"], json!([]));

    for (listing, quantity, status, code) in [
        (uuid::Uuid::now_v7().to_string(), 1, 404, "not_found"),
        (first.clone(), 6, 422, "invalid_value"),
        (first.clone(), 0, 422, "invalid_value"),
    ] {
        put(&api, &bob, &listing, quantity).await.refused(status, code);
    }
    put(&api, &ann, &first, 1).await.refused(403, "own_lot");
    // Nothing was reserved by all this.
    let all = json!({"quantity": 3, "price": eur("12.50")});
    keyed(&api, &eve, &format!("/v1/listings/{first}/buy"), &all).await.ok();

    let buy = async |body: Value| keyed(&api, &bob, "/v1/checkouts", &body).await;
    let answer = buy(json!({"total": eur("62.49")})).await.refused(409, "price_changed");
    assert_eq!(answer.body["errors"][0], json!({"pointer": "/total", "detail": "the goods come to 62.50 EUR now"}));
    buy(json!({"total": {"amount": "1", "currency": "JPY"}})).await.refused(422, "invalid_value");
    buy(json!({})).await.refused(422, "invalid_value");
    buy(json!({"total": eur("62.50")})).await.refused(409, "out_of_stock");
    api.post(Some(&ann), &format!("/v1/listings/{first}/withdraw"), json!({})).await.ok();
    let basket = api.get(Some(&bob), "/v1/basket").await.ok();
    assert_eq!(shown(&basket), [(json!(first), json!(null)), (json!(second), eur("25.00"))]);
    let placed = buy(json!({"total": basket["totals"][0]})).await.ok();
    assert_eq!(placed["payable"], eur("25.00"));
    // What was not bought stays.
    assert_eq!(shown(&api.get(Some(&bob), "/v1/basket").await.ok()), [(json!(first), json!(null))]);
    let delete = async |path: &str| api.send(with_token(api.request(Method::DELETE, path), Some(&bob))).await;
    for path in [format!("/v1/basket/{first}"), format!("/v1/basket/{first}"), "/v1/basket".to_owned()] {
        assert_eq!(delete(&path).await.status, 204);
    }
    assert_eq!(api.get(Some(&bob), "/v1/basket").await.ok(), json!({"lines": [], "totals": []}));
    api.close().await;
}
