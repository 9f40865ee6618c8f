use market::identity::PlatformRole;
use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Person, TestApi};

async fn draft(api: &TestApi, seller: &Person, title: &str) -> Value {
    let item = json!({"category_id": CONSOLES, "sku": uuid::Uuid::now_v7(), "title": "Console"});
    let item = api.post(Some(seller), "/v1/items", item).await.ok();
    json!({"item_id": item["id"], "title": title, "sale_mode": "fixed", "currency": "EUR",
        "price": {"amount": "12.50", "currency": "EUR"}})
}

#[tokio::test]
async fn drafts_are_their_sellers_own_until_they_are_published() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let org = api.pending_org(&ann, "Ann Farm").await;
    api.org(&eve, "Eve Farm", &moderator).await;
    let new = draft(&api, &ann, "A console").await;
    api.post(Some(&ann), "/v1/listings", new.clone()).await.refused(403, "org_not_approved");
    api.post(Some(&moderator), &format!("/v1/orgs/{org}/approve"), json!({})).await.ok();
    // Somebody else's item is none of Eve's.
    let answer = api.post(Some(&eve), "/v1/listings", new.clone()).await.refused(422, "invalid_value");
    assert_eq!(answer.body["errors"][0]["pointer"], "/item_id");
    for (field, value, status, pointer) in [
        ("price", json!({"amount": "0.00", "currency": "EUR"}), 422, "/price"),
        ("price", json!({"amount": "1.00", "currency": "USD"}), 422, "/price/currency"),
        ("price", json!({"amount": 1, "currency": "EUR"}), 400, "/price/amount"),
        ("currency", json!("eur"), 400, "/currency"),
        ("quantity", json!(1_000_000_001), 422, "/quantity"),
        ("quantity", json!(0), 422, "/quantity"),
        ("quantity", json!(-1), 422, "/quantity"),
        ("min_quantity", json!(0), 422, "/min_quantity"),
        ("min_quantity", json!(2), 422, "/min_quantity"),
        ("delivery_options", json!(["teleport"]), 422, "/delivery_options"),
        ("sale_mode", json!("raffle"), 400, "/sale_mode"),
    ] {
        let mut body = new.clone();
        body[field] = value;
        let answer = api.post(Some(&ann), "/v1/listings", body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }

    let answer = api.post(Some(&ann), "/v1/listings", new).await;
    let path = answer.headers["location"].to_str().unwrap().to_owned();
    let listing = answer.ok();
    assert_eq!((&listing["status"], &listing["price"]["amount"]), (&json!("draft"), &json!("12.50")));
    for stranger in [None, Some(&eve)] {
        api.get(stranger, &path).await.refused(404, "not_found");
    }
    let mut read = api.get(Some(&ann), &path).await.ok();
    assert_eq!(read.as_object_mut().unwrap().remove("pictures"), Some(json!([])));
    assert_eq!(read, listing);
    for act in ["publish", "withdraw"] {
        api.post(Some(&eve), &format!("{path}/{act}"), json!({})).await.refused(404, "not_found");
    }
    api.post(Some(&ann), &format!("{path}/publish"), json!({})).await.ok();
    api.post(Some(&ann), &format!("{path}/publish"), json!({})).await.refused(409, "listing_status");
    assert_eq!(api.get(None, &path).await.ok()["status"], "published");
    api.post(Some(&eve), &format!("{path}/withdraw"), json!({})).await.refused(404, "not_found");
    assert_eq!(api.post(Some(&ann), &format!("{path}/withdraw"), json!({})).await.ok()["status"], "withdrawn");
    api.get(Some(&eve), &path).await.refused(404, "not_found");
    let mine = api.get(Some(&ann), "/v1/listings/mine").await.ok();
    assert_eq!(mine["items"][0]["status"], "withdrawn");
    assert_eq!(api.get(Some(&eve), "/v1/listings/mine").await.ok()["items"], json!([]));
    // A token that is sent must be good, even where none is needed.
    let bad = api.request(reqwest::Method::GET, &path).bearer_auth("nonsense");
    api.send(bad).await.refused(401, "token_invalid");
    api.close().await;
}

#[tokio::test]
async fn published_listings_are_found() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    for title in ["Red console", "Blue console", "Green joystick", "Hidden console"] {
        let new = draft(&api, &ann, title).await;
        let listing = api.post(Some(&ann), "/v1/listings", new).await.ok();
        if title != "Hidden console" {
            let path = format!("/v1/listings/{}/publish", listing["id"].as_str().unwrap());
            api.post(Some(&ann), &path, json!({})).await.ok();
        }
    }
    let found = async |query: &str| {
        let (mut titles, mut after) = (Vec::new(), String::new());
        loop {
            let page = api.get(None, &format!("/v1/listings?limit=1&{query}{after}")).await.ok();
            let items = page["items"].as_array().unwrap();
            titles.extend(items.iter().map(|listing| listing["title"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { return titles };
            after = format!("&after={next}");
        }
    };
    assert_eq!(found("").await, ["Green joystick", "Blue console", "Red console"]);
    assert_eq!(found("q=console%20-red").await, ["Blue console"]);
    assert_eq!(found("q=%20").await.len(), 3);
    assert_eq!(found("category=electronics").await.len(), 3);
    assert_eq!(found("category=electro").await, [""; 0]);
    assert_eq!(found(&format!("seller={org}&q=joystick")).await, ["Green joystick"]);
    assert_eq!(found(&format!("seller={}", uuid::Uuid::now_v7())).await, [""; 0]);
    for (query, name) in [
        (format!("q={}", "x".repeat(201)), "q"),
        ("after=1".to_owned(), "after"),
        ("seller=x".to_owned(), "seller"),
        ("limit=0".to_owned(), "limit"),
    ] {
        let answer = api.get(None, &format!("/v1/listings?{query}")).await.refused(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["parameter"], name, "{answer:?}");
    }
    api.close().await;
}

#[tokio::test]
async fn sellers_list_what_they_sell_and_buyers_what_they_want() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let become_only = async |kind: &str| {
        api.call(Some(&moderator), Method::PATCH, &format!("/v1/orgs/{org}"), json!({"kinds": [kind]})).await.ok();
    };
    let offer = draft(&api, &ann, "A console").await;
    let mut wish = offer.clone();
    wish["sale_mode"] = json!("wanted");
    let path = |listing: Value| format!("/v1/listings/{}/publish", listing["id"].as_str().unwrap());
    let (drafted_offer, drafted_wish) = (
        path(api.post(Some(&ann), "/v1/listings", offer.clone()).await.ok()),
        path(api.post(Some(&ann), "/v1/listings", wish.clone()).await.ok()),
    );
    for (kind, refused, drafted, allowed, published, missing) in [
        ("buyer", &offer, &drafted_offer, &wish, &drafted_wish, "seller"),
        ("seller", &wish, &drafted_wish, &offer, &drafted_offer, "buyer"),
    ] {
        become_only(kind).await;
        let answer = api.post(Some(&ann), "/v1/listings", refused.clone()).await.refused(403, "org_kind");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("not a {missing}")) && detail.contains(&format!("PATCH /v1/orgs/{org}")),
            "{detail}"
        );
        if kind == "buyer" {
            api.post(Some(&ann), drafted, json!({})).await.refused(403, "org_kind");
        }
        api.post(Some(&ann), "/v1/listings", allowed.clone()).await.ok();
        api.post(Some(&ann), published, json!({})).await.ok();
    }
    // What is on offer may be taken back by whatever the organisation is now.
    become_only("carrier").await;
    api.post(Some(&ann), &drafted_offer.replace("publish", "withdraw"), json!({})).await.ok();
    api.close().await;
}
