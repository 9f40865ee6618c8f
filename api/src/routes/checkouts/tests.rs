use std::time::Duration;

use market::identity::PlatformRole;
use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::testing::{Person, TestApi, with_token};

/// A published listing at 12.50 EUR; its id.
pub(in crate::routes) async fn offered(api: &TestApi, seller: &Person, quantity: i64) -> String {
    let item = json!({"category_id": CONSOLES, "sku": uuid::Uuid::now_v7(), "title": "Console"});
    let item = api.post(Some(seller), "/v1/items", item).await.ok();
    let new = json!({"item_id": item["id"], "title": "A console", "sale_mode": "fixed", "currency": "EUR",
        "price": {"amount": "12.50", "currency": "EUR"}, "quantity": quantity});
    let listing = api.post(Some(seller), "/v1/listings", new).await.ok();
    let id = listing["id"].as_str().unwrap().to_owned();
    api.post(Some(seller), &format!("/v1/listings/{id}/publish"), json!({})).await.ok();
    id
}

pub(in crate::routes) fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

pub(in crate::routes) async fn keyed(api: &TestApi, who: &Person, path: &str, body: &Value) -> crate::testing::Answer {
    let request =
        api.request(Method::POST, path).header("idempotency-key", uuid::Uuid::now_v7().to_string()).json(body);
    api.send(with_token(request, Some(who))).await
}

#[tokio::test]
async fn several_sellers_in_one_basket_are_one_payment_and_an_order_each() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, eve, bob) = (api.person("Ann").await, api.person("Eve").await, api.person("Bob").await);
    for (person, name) in [(&ann, "Ann Farm"), (&eve, "Eve Farm"), (&bob, "Bob Farm")] {
        api.org(person, name, &moderator).await;
    }
    let (first, second) = (offered(&api, &ann, 5).await, offered(&api, &eve, 5).await);
    let lines = json!({"lines": [
        {"listing": first, "quantity": 2, "price": eur("12.50")},
        {"listing": second, "quantity": 1, "price": eur("12.50")},
    ]});
    api.post(Some(&bob), "/v1/checkouts", lines.clone()).await.refused(400, "idempotency_key_required");
    let placed = keyed(&api, &bob, "/v1/checkouts", &lines).await;
    let location = placed.headers["location"].to_str().unwrap().to_owned();
    let placed = placed.ok();
    assert_eq!((&placed["status"], &placed["payable"]), (&json!("open"), &eur("37.50")));
    assert_eq!(placed["orders"].as_array().unwrap().len(), 2);
    assert_eq!(api.get(Some(&bob), &location).await.ok(), placed);
    assert_eq!(api.get(Some(&bob), "/v1/checkouts").await.ok()["items"][0]["id"], placed["id"]);
    api.get(Some(&ann), &location).await.refused(404, "not_found");
    let sold = api.get(Some(&ann), "/v1/orders?side=seller").await.ok();
    assert_eq!((&sold["items"][0]["total"], &sold["items"][0]["status"]), (&eur("25.00"), &json!("pending_payment")));
    let jobs: (i64,) =
        sqlx::query_as("SELECT count(*) FROM jobs WHERE kind = 'checkout.expire' AND state = 'scheduled'")
            .fetch_one(&api.db.pool)
            .await
            .unwrap();
    assert_eq!(jobs.0, 1);

    let cancel = format!("{location}/cancel");
    api.post(Some(&ann), &cancel, json!({})).await.refused(404, "not_found");
    assert_eq!(api.post(Some(&bob), &cancel, json!({})).await.ok()["status"], "cancelled");
    api.post(Some(&bob), &cancel, json!({})).await.refused(409, "checkout_ended");
    for (body, status, code, pointer) in [
        (json!({"lines": []}), 422, "invalid_value", "/lines"),
        (
            json!({"lines": [{"listing": first, "quantity": 6, "price": eur("12.50")}]}),
            422,
            "invalid_value",
            "/lines/0/quantity",
        ),
        (
            json!({"lines": [{"listing": first, "quantity": 0, "price": eur("12.50")}]}),
            422,
            "invalid_value",
            "/lines/0/quantity",
        ),
        (
            json!({"lines": [{"listing": first, "quantity": 1, "price": eur("12.49")}]}),
            409,
            "price_changed",
            "/lines/0/price",
        ),
        (
            json!({"lines": [{"listing": uuid::Uuid::now_v7(), "quantity": 1, "price": eur("12.50")}]}),
            409,
            "not_on_offer",
            "/lines/0/listing",
        ),
    ] {
        let answer = keyed(&api, &bob, "/v1/checkouts", &body).await.refused(status, code);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }
    let own = json!({"quantity": 1, "price": eur("12.50")});
    keyed(&api, &ann, &format!("/v1/listings/{first}/buy"), &own).await.refused(403, "own_lot");
    let (buy, most) = (format!("/v1/listings/{first}/buy"), json!({"quantity": 6, "price": eur("12.50")}));
    let answer = keyed(&api, &bob, &buy, &most).await.refused(422, "invalid_value");
    assert_eq!(answer.body["errors"][0]["pointer"], "/quantity", "{answer:?}");
    api.close().await;
}

#[tokio::test]
async fn a_hundred_buyers_of_one_unit_make_one_order_and_99_refusals() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    for (person, name) in [(&ann, "Ann Farm"), (&bob, "Bob Farm")] {
        api.org(person, name, &moderator).await;
    }
    let listing = offered(&api, &ann, 1).await;
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let body = json!({"quantity": 1, "price": eur("12.50")});
        let request = api
            .request(Method::POST, &format!("/v1/listings/{listing}/buy"))
            .header("idempotency-key", uuid::Uuid::now_v7().to_string())
            .json(&body);
        let request = with_token(request, Some(&bob));
        tasks.spawn(async move {
            // Whoever is told that the API is busy asks again after a while, with the same key.
            let mut status = 503;
            for _ in 0..60 {
                status = request.try_clone().unwrap().send().await.unwrap().status().as_u16();
                if status != 503 {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            status
        });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1..].iter().all(|status| *status == 409)), (201, true), "{statuses:?}");
    assert_eq!(api.get(Some(&bob), "/v1/orders?side=buyer").await.ok()["items"].as_array().unwrap().len(), 1);
    api.close().await;
}
