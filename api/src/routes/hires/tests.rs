use market::identity::PlatformRole;
use market::testing::{Trader, pay};
use reqwest::Method;
use serde_json::{Value, json};

use crate::routes::checkouts::tests::{eur, keyed};
use crate::testing::socket::Client;
use crate::testing::{Person, TestApi};

const OPERATORS: &str = "01900000-0000-7000-8000-000000000031";

/// Lists somebody who works for 300 euros a day; the listing and the item.
async fn operator(api: &TestApi, seller: &Person, name: &str) -> (String, String) {
    let item = json!({"category_id": OPERATORS, "sku": name, "title": name, "unit": "day",
        "attributes": {"certificates": ["tractor"], "rate_per": "day"}});
    let item = api.post(Some(seller), "/v1/items", item).await.ok();
    let new = json!({"item_id": item["id"], "title": name, "sale_mode": "fixed", "currency": "EUR",
        "price": eur("300.00"), "quantity": 100});
    let listing = api.post(Some(seller), "/v1/listings", new).await.ok();
    let text = |body: &Value| body["id"].as_str().unwrap().to_owned();
    let listing = text(&listing);
    api.post(Some(seller), &format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    (listing, text(&item))
}

#[tokio::test]
async fn days_are_hired_with_the_purchase_or_after_it_and_by_one_order_only() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
    for (person, name) in [(&ann, "Ann Operators"), (&bob, "Bob Farm"), (&eve, "Eve Farm")] {
        api.org(person, name, &moderator).await;
    }
    let (listing, item) = operator(&api, &ann, "Kim").await;
    let buy = format!("/v1/listings/{listing}/buy");
    let wanted = |days: &[&str]| json!({"quantity": 2, "price": eur("300.00"), "days": days});
    let days_of = |placed: &Value| format!("/v1/orders/{}/lines/1/days", placed["orders"][0]["id"].as_str().unwrap());
    let first = keyed(&api, &bob, &buy, &wanted(&["2099-03-02", "2099-03-01"])).await.ok();
    let days = days_of(&first);
    for who in [&ann, &bob] {
        assert_eq!(api.get(Some(who), &days).await.ok()["days"], json!(["2099-03-01", "2099-03-02"]));
    }
    let taken = api.get(None, &format!("/v1/listings/{listing}/calendar/2099")).await.ok();
    assert_eq!(taken["taken"], json!(["2099-03-01", "2099-03-02"]));

    // Nothing is bought without its days.
    for (days, status, code, pointer) in [
        (["2099-03-03", "2099-03-02"], 409, "days_taken", "/days/1"),
        (["2099-03-03", "2001-03-03"], 422, "invalid_value", "/days/1"),
        (["2099-03-03", "2099-03-03"], 422, "invalid_value", "/days/1"),
    ] {
        let refused = keyed(&api, &eve, &buy, &wanted(&days)).await.refused(status, code);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let refused = keyed(&api, &eve, &buy, &wanted(&["2099-03-03"])).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/days", "{refused:?}");
    let bought = api.get(Some(&eve), "/v1/orders?side=buyer").await.ok();
    assert_eq!(bought["items"], json!([]));

    // Days may follow, and are the buyer's to choose.
    let second = keyed(&api, &eve, &buy, &wanted(&[])).await.ok();
    let later = days_of(&second);
    assert_eq!(api.get(Some(&eve), &later).await.ok()["days"], json!([]));
    let put = |who, path: &str, days: &[&str]| {
        let (path, body) = (path.to_owned(), json!({"days": days}));
        let api = &api;
        async move { api.call(Some(who), Method::PUT, &path, body).await }
    };
    put(&ann, &later, &["2099-03-03", "2099-03-04"]).await.refused(404, "not_found");
    let refused = put(&eve, &later, &["2099-03-01", "2099-03-02"]).await.refused(409, "days_taken");
    assert_eq!(refused.body["errors"].as_array().map(Vec::len), Some(2), "{refused:?}");
    put(&eve, &later, &["2099-03-03", "2099-03-04"]).await.ok();
    let moved = put(&bob, &days, &["2099-03-06", "2099-03-05"]).await.ok();
    assert_eq!(moved["days"], json!(["2099-03-05", "2099-03-06"]));
    put(&eve, &later.replace("/lines/1/", "/lines/2/"), &[]).await.refused(404, "not_found");
    // The seller frees none of them.
    let none = json!({"taken": []});
    let calendar = api.call(Some(&ann), Method::PUT, &format!("/v1/items/{item}/calendar/2099"), none).await.ok();
    assert_eq!(calendar["taken"], json!(["2099-03-03", "2099-03-04", "2099-03-05", "2099-03-06"]));
    let cancel = format!("/v1/checkouts/{}/cancel", first["id"].as_str().unwrap());
    api.post(Some(&bob), &cancel, json!({})).await.ok();
    put(&bob, &days, &["2099-03-05", "2099-03-06"]).await.refused(409, "order_status");
    assert_eq!(api.get(Some(&bob), &days).await.ok()["days"], json!([]));
    api.close().await;
}

/// Who was mailed that an order has these days.
async fn mailed(api: &TestApi, days: &Value) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT u.name
         FROM emails AS e
         JOIN users AS u ON u.id = e.user_id
         WHERE e.template = 'days_hired'
           AND e.data -> 'days' = $1
         ORDER BY u.name",
    )
    .bind(days)
    .fetch_all(&api.db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn both_sides_get_a_mail_for_each_change_of_days_and_see_them_in_the_order() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    api.org(&ann, "Ann Operators", &moderator).await;
    let farm = api.org(&bob, "Bob Farm", &moderator).await;
    let (listing, _) = operator(&api, &ann, "Kim").await;
    let (first, second, none) = (json!(["2099-03-01", "2099-03-02"]), json!(["2099-03-02", "2099-03-09"]), json!([]));
    let buy = json!({"quantity": 2, "price": eur("300.00"), "days": &first});
    let placed = keyed(&api, &bob, &format!("/v1/listings/{listing}/buy"), &buy).await.ok();
    let id = placed["orders"][0]["id"].as_str().unwrap();
    let order = format!("/v1/orders/{id}");
    let put = async |days: &Value| {
        let path = format!("{order}/lines/1/days");
        api.call(Some(&bob), Method::PUT, &path, json!({ "days": days })).await
    };
    let shown = async || api.get(Some(&ann), &order).await.ok()["lines"][0]["days"].clone();

    // Chosen with the purchase.
    assert_eq!((mailed(&api, &first).await, shown().await), (vec!["Ann".to_owned(), "Bob".to_owned()], first.clone()));
    // The same, in another order.
    put(&json!(["2099-03-02", "2099-03-01"])).await.ok();
    assert_eq!(mailed(&api, &first).await.len(), 2);
    put(&json!(["2099-03-09"])).await.refused(422, "invalid_value");
    put(&second).await.ok();
    assert_eq!((mailed(&api, &second).await.len(), shown().await), (2, second.clone()));
    // Back again: that is news, too.
    put(&first).await.ok();
    assert_eq!(mailed(&api, &first).await, ["Ann", "Ann", "Bob", "Bob"]);
    put(&none).await.ok();
    assert_eq!((mailed(&api, &none).await.len(), shown().await), (2, Value::Null));
    put(&second).await.ok();
    let sent: i64 = sqlx::query_scalar("SELECT count(*) FROM emails WHERE template = 'days_hired'")
        .fetch_one(&api.db.pool)
        .await
        .unwrap();
    assert_eq!(sent, 10, "two for each change");

    // Whoever follows the order sees them, and lists do not.
    let mut client = Client::open(&api, &ann).await;
    let snapshot = client.subscribe(&format!("order:{id}")).await;
    assert_eq!(snapshot["data"], api.get(Some(&ann), &order).await.ok());
    assert_eq!(snapshot["data"]["lines"][0]["days"], second);
    let checkout = placed["id"].as_str().unwrap().parse().unwrap();
    let mut conn = api.db.pool.acquire().await.unwrap();
    pay(&mut conn, Trader { org: farm, user: bob.id }, checkout).await;
    drop(conn);
    let heard = client.hear().await;
    assert_eq!((&heard["data"]["status"], &heard["data"]["lines"][0]["days"]), (&json!("paid"), &second), "{heard}");
    let listed = api.get(Some(&bob), "/v1/orders?side=buyer").await.ok();
    assert_eq!(listed["items"][0]["lines"][0]["days"], Value::Null);
    // So does whoever acts on it.
    let shipped = api.post(Some(&ann), &format!("{order}/ship"), json!({})).await.ok();
    assert_eq!((&shipped["status"], &shipped["lines"][0]["days"]), (&json!("in_fulfilment"), &second));
    api.close().await;
}

#[tokio::test]
async fn services_are_found_that_are_free_on_every_day() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Operators", &moderator).await;
    for (name, taken) in
        [("Kim", json!(["2099-03-02"])), ("Lou", json!(["2099-02-28", "2099-03-04"])), ("Max", json!([]))]
    {
        let (_, item) = operator(&api, &ann, name).await;
        let calendar = format!("/v1/items/{item}/calendar/2099");
        api.call(Some(&ann), Method::PUT, &calendar, json!({"taken": taken})).await.ok();
    }
    let services = "/v1/listings?category=services/operators";
    for (days, found) in [
        ("", vec!["Max", "Lou", "Kim"]),
        ("&free_from=2099-03-01&free_to=2099-03-03", vec!["Max", "Lou"]),
        ("&free_from=2099-03-03&free_to=2099-03-03", vec!["Max", "Lou", "Kim"]),
        ("&free_from=2099-03-02&free_to=2099-03-04", vec!["Max"]),
        ("&free_from=2099-02-28&free_to=2099-03-01&sort=price", vec!["Kim", "Max"]),
    ] {
        let page = api.get(None, &format!("{services}{days}&facets=true")).await.ok();
        let titles: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
        assert_eq!(titles, found, "{days}");
        let facets = page["facets"].as_array().unwrap();
        let rates = facets.iter().find(|facet| facet["name"] == "rate_per").unwrap();
        assert_eq!(rates["values"][0]["count"], found.len(), "{days}: {rates}");
    }
    let days = "free_from=2099-03-01&free_to=2099-03-03";
    for (query, parameter) in [
        (days.to_owned(), "free_from"),
        (format!("category=machinery&{days}"), "free_from"),
        (format!("category=nowhere&{days}"), "free_from"),
        ("category=services&free_from=2099-03-01".to_owned(), "free_from"),
        ("category=services&free_to=2099-03-01".to_owned(), "free_to"),
        ("category=services&free_from=2099-03-02&free_to=2099-03-01".to_owned(), "free_to"),
        ("category=services&free_from=2098-03-01&free_to=2099-03-02".to_owned(), "free_to"),
        ("category=services&free_from=1999-12-31&free_to=2000-01-01".to_owned(), "free_from"),
    ] {
        let answer = api.get(None, &format!("/v1/listings?{query}")).await.refused(422, "invalid_search");
        assert_eq!(answer.body["errors"][0]["parameter"], parameter, "{query}");
    }
    api.get(None, "/v1/listings?category=services&free_from=x&free_to=y").await.refused(400, "invalid_query");
    api.close().await;
}
