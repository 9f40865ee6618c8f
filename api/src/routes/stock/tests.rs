use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Person, TestApi, with_token};

const CONSOLES: market::ids::CategoryId = market::testing::CONSOLES;
const EARTH: &str = "01900000-0000-7000-8001-000000000001";

async fn seller(api: &TestApi, name: &str) -> Person {
    let (person, moderator) = (api.person(name).await, api.staff(PlatformRole::Moderator).await);
    api.org(&person, &format!("{name} Farm"), &moderator).await;
    person
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

async fn item(api: &TestApi, owner: &Person, sku: &str) -> String {
    let new = json!({"category_id": CONSOLES, "sku": sku, "title": "Console <1>"});
    id(&api.post(Some(owner), "/v1/items", new).await.ok())
}

async fn site(api: &TestApi, owner: &Person, capacity: Option<i64>) -> String {
    let new = json!({"region_id": EARTH, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10,
        "capacity": capacity});
    id(&api.post(Some(owner), "/v1/sites", new).await.ok())
}

/// The path of the level of a new item at a new site, with this many units.
async fn level(api: &TestApi, owner: &Person, on_hand: i64) -> String {
    let path = format!("/v1/items/{}/stock/{}", item(api, owner, "sku").await, site(api, owner, None).await);
    adjust(api, owner, &path, json!({"to": on_hand})).await.ok();
    path
}

async fn adjust(api: &TestApi, who: &Person, level: &str, body: Value) -> Answer {
    api.post(Some(who), &format!("{level}/adjust"), body).await
}

async fn transfer(api: &TestApi, who: &Person, key: &str, body: &Value) -> Answer {
    let request = api.request(Method::POST, "/v1/stock/transfer").header("idempotency-key", key).json(body);
    api.send(with_token(request, Some(who))).await
}

#[tokio::test]
async fn of_two_removals_of_the_last_unit_one_is_refused() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let path = level(&api, &ann, 0).await;
    for round in 0..20 {
        adjust(&api, &ann, &path, json!({"to": 1})).await.ok();
        let remove = || adjust(&api, &ann, &path, json!({"by": -1, "reason": "sold over the counter"}));
        let (a, b) = tokio::join!(remove(), remove());
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}");
        let refused = if a.status == 409 { a } else { b }.refused(409, "out_of_stock");
        assert_eq!(refused.body["detail"], "only 0 units are available");
        assert_eq!(api.get(Some(&ann), &path).await.ok()["available"], 0);
    }
    // Each of the twenty came and went once.
    let movements = api.get(Some(&ann), &format!("{path}/movements?limit=100")).await.ok();
    let deltas: Vec<_> = movements["items"].as_array().unwrap().iter().map(|it| it["on_hand_delta"].as_i64()).collect();
    assert_eq!(deltas, [Some(-1), Some(1)].repeat(20));
    api.close().await;
}

#[tokio::test]
async fn a_capacity_is_respected_and_a_count_changes_nothing_twice() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let (thing, depot) = (item(&api, &ann, "a").await, site(&api, &ann, Some(10)).await);
    let path = format!("/v1/items/{thing}/stock/{depot}");
    api.get(Some(&ann), &path).await.refused(404, "not_found");
    adjust(&api, &ann, &path, json!({"to": 11})).await.refused(409, "site_full");
    adjust(&api, &ann, &path, json!({"to": 8})).await.ok();
    let again = adjust(&api, &ann, &path, json!({"to": 8})).await.ok();
    assert_eq!((&again["on_hand"], &again["version"]), (&json!(8), &json!(2)));
    let patch = async |body: Value| api.call(Some(&ann), Method::PATCH, &path, body).await;
    patch(json!({"capacity": 7})).await.refused(409, "level_full");
    patch(json!({"capacity": 9})).await.ok();
    adjust(&api, &ann, &path, json!({"by": 2})).await.refused(409, "level_full");
    let depot = format!("/v1/sites/{depot}");
    let of_depot = async |body: Value| api.call(Some(&ann), Method::PATCH, &depot, body).await;
    of_depot(json!({"capacity": 7})).await.refused(409, "site_full");
    of_depot(json!({"capacity": null})).await.refused(409, "site_capacity_settled");
    api.call(Some(&ann), Method::DELETE, &depot, json!({})).await.refused(409, "site_in_use");
    assert_eq!(api.get(Some(&ann), &depot).await.ok()["stored"], 8);
    api.close().await;
}

#[tokio::test]
async fn a_transfer_moves_once_for_each_key_and_all_or_nothing() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let thing = item(&api, &ann, "a").await;
    let (from, to) = (site(&api, &ann, None).await, site(&api, &ann, Some(5)).await);
    let body = json!({"item_id": thing, "from": from, "to": to, "quantity": 3, "reason": "nearer"});
    // Nothing was ever there.
    transfer(&api, &ann, "none", &body).await.refused(409, "out_of_stock");
    adjust(&api, &ann, &format!("/v1/items/{thing}/stock/{from}"), json!({"to": 9})).await.ok();
    api.post(Some(&ann), "/v1/stock/transfer", body.clone()).await.refused(400, "idempotency_key_required");
    let first = transfer(&api, &ann, "k", &body).await.ok();
    assert_eq!((&first["from"]["on_hand"], &first["to"]["on_hand"]), (&json!(6), &json!(3)));
    assert_eq!(transfer(&api, &ann, "k", &body).await.ok(), first);
    transfer(&api, &ann, "l", &body).await.refused(409, "site_full");
    let much = json!({"item_id": thing, "from": to, "to": from, "quantity": 4});
    transfer(&api, &ann, "m", &much).await.refused(409, "out_of_stock");
    let levels = api.get(Some(&ann), &format!("/v1/stock?item={thing}")).await.ok();
    let on_hand = |site: &str| {
        let levels = levels["items"].as_array().unwrap().iter();
        levels.filter(|level| level["site_id"] == site).map(|level| level["on_hand"].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!((on_hand(&from), on_hand(&to)), (6, 3));
    api.close().await;
}

#[tokio::test]
async fn anothers_stock_does_not_exist() {
    let api = TestApi::new().await;
    let (ann, eve) = (seller(&api, "Ann").await, api.person("Eve").await);
    api.pending_org(&eve, "Eve Farm").await;
    let path = level(&api, &ann, 5).await;
    let parts: Vec<_> = path.split('/').collect();
    let (thing, depot) = (parts[3], parts[5]);
    let (theirs, elsewhere) = (item(&api, &eve, "e").await, site(&api, &eve, None).await);
    for path in
        [path.clone(), format!("/v1/items/{theirs}/stock/{depot}"), format!("/v1/items/{thing}/stock/{elsewhere}")]
    {
        adjust(&api, &eve, &path, json!({"to": 0})).await.refused(404, "not_found");
        api.get(Some(&eve), &path).await.refused(404, "not_found");
        api.get(Some(&eve), &format!("{path}/movements")).await.refused(404, "not_found");
        api.call(Some(&eve), Method::PATCH, &path, json!({"low_at": 3})).await.refused(404, "not_found");
    }
    assert_eq!(api.get(Some(&eve), &format!("/v1/stock?site={depot}")).await.ok()["items"], json!([]));
    let good = json!({"item_id": theirs, "from": elsewhere, "to": site(&api, &eve, None).await, "quantity": 1});
    for (field, value) in [("item_id", thing), ("from", depot), ("to", depot)] {
        let mut body = good.clone();
        body[field] = json!(value);
        let answer = transfer(&api, &eve, field, &body).await.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], format!("/{field}"), "{answer:?}");
    }
    assert_eq!(api.get(Some(&ann), &path).await.ok()["on_hand"], 5);
    api.close().await;
}

#[tokio::test]
async fn every_wrong_field_of_an_act_on_stock_is_named() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let path = level(&api, &ann, 5).await;
    let of = |answer: &Answer| answer.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned();
    for (body, status, pointer) in [
        (json!({}), 422, "/by"),
        (json!({"by": 1, "to": 1}), 422, "/to"),
        (json!({"by": 1_000_000_001}), 422, "/by"),
        (json!({"by": 999_999_999}), 422, "/by"),
        (json!({"to": -1}), 422, "/to"),
        (json!({"to": 1_000_000_001}), 422, "/to"),
        (json!({"to": 1.5}), 400, "/to"),
        (json!({"to": 4, "reason": ""}), 422, "/reason"),
        (json!({"to": 4, "reason": "x".repeat(501)}), 422, "/reason"),
    ] {
        let code = if status == 400 { "invalid_body" } else { "invalid_value" };
        let answer = adjust(&api, &ann, &path, body.clone()).await.refused(status, code);
        assert_eq!(of(&answer), pointer, "{body}: {answer:?}");
    }
    for (body, status, pointer) in [
        (json!({"capacity": 0}), 422, "/capacity"),
        (json!({"low_at": -1}), 422, "/low_at"),
        (json!({"low_at": 1_000_000_001}), 422, "/low_at"),
        (json!({"low_at": "few"}), 400, "/low_at"),
    ] {
        let code = if status == 400 { "invalid_body" } else { "invalid_value" };
        let answer = api.call(Some(&ann), Method::PATCH, &path, body.clone()).await.refused(status, code);
        assert_eq!(of(&answer), pointer, "{body}: {answer:?}");
    }
    let parts: Vec<_> = path.split('/').collect();
    let good = json!({"item_id": parts[3], "from": parts[5], "to": site(&api, &ann, None).await, "quantity": 1});
    for (field, value, status) in [
        ("quantity", json!(0), 422),
        ("quantity", json!(1_000_000_001), 422),
        ("to", json!(parts[5]), 422),
        ("from", json!("here"), 400),
        ("reason", json!("x".repeat(501)), 422),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let code = if status == 400 { "invalid_body" } else { "invalid_value" };
        let answer = transfer(&api, &ann, field, &body).await.refused(status, code);
        assert_eq!(of(&answer), format!("/{field}"), "{body}: {answer:?}");
    }
    for query in ["after=x", "low=maybe", "item=1"] {
        let answer = api.get(Some(&ann), &format!("/v1/stock?{query}")).await.refused(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["parameter"], query.split('=').next().unwrap(), "{answer:?}");
    }
    api.get(Some(&ann), &format!("{path}/movements?after=0")).await.refused(400, "invalid_query");
    assert_eq!(api.get(Some(&ann), &path).await.ok()["on_hand"], 5);
    api.close().await;
}

#[tokio::test]
async fn stock_is_listed_page_by_page_and_by_what_is_low() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let (depot, store) = (site(&api, &ann, None).await, site(&api, &ann, None).await);
    let mut expected = Vec::new();
    for sku in ["a", "b", "c"] {
        let thing = item(&api, &ann, sku).await;
        for place in [&depot, &store] {
            let path = format!("/v1/items/{thing}/stock/{place}");
            adjust(&api, &ann, &path, json!({"to": 5})).await.ok();
            expected.push((thing.clone(), place.clone()));
        }
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(Some(&ann), &format!("/v1/stock?limit=4{after}")).await.ok();
        for level in page["items"].as_array().unwrap() {
            let text = |field: &str| level[field].as_str().unwrap().to_owned();
            seen.push((text("item_id"), text("site_id")));
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, expected);
    let (thing, place) = &expected[3];
    let path = format!("/v1/items/{thing}/stock/{place}");
    api.call(Some(&ann), Method::PATCH, &path, json!({"low_at": 5})).await.ok();
    let low = api.get(Some(&ann), "/v1/stock?low=true").await.ok();
    assert_eq!(low["items"].as_array().unwrap().len(), 1);
    assert_eq!((&low["items"][0]["item_id"], &low["items"][0]["site_id"]), (&json!(thing), &json!(place)));
    let latest = format!("{path}/movements?limit=1");
    adjust(&api, &ann, &path, json!({"by": 3, "reason": "found"})).await.ok();
    let page = api.get(Some(&ann), &latest).await.ok();
    assert_eq!((&page["items"][0]["reason"], &page["items"][0]["actor"]), (&json!("found"), &json!(ann.id)));
    let before = format!("{latest}&after={}", page["next"].as_str().unwrap());
    assert_eq!(api.get(Some(&ann), &before).await.ok()["items"][0]["on_hand_delta"], 5);
    api.close().await;
}

#[tokio::test]
async fn low_stock_is_mailed_once_when_it_is_reached_and_once_when_it_recovers() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let path = level(&api, &ann, 9).await;
    let parts: Vec<_> = path.split('/').collect();
    api.call(Some(&ann), Method::PATCH, &path, json!({"low_at": 3})).await.ok();
    for count in [4, 3, 2, 0, 3, 4, 5, 3] {
        adjust(&api, &ann, &path, json!({"to": count})).await.ok();
    }
    // What moves without a crossing says nothing.
    let body = json!({"item_id": parts[3], "from": parts[5], "to": site(&api, &ann, None).await, "quantity": 1});
    transfer(&api, &ann, "out", &body).await.ok();
    let back = json!({"item_id": parts[3], "from": body["to"], "to": parts[5], "quantity": 1});
    transfer(&api, &ann, "back", &back).await.ok();
    // And so does what is set.
    api.call(Some(&ann), Method::PATCH, &path, json!({"low_at": 0})).await.ok();
    // A refused act says nothing.
    adjust(&api, &ann, &path, json!({"by": -4})).await.refused(409, "out_of_stock");
    let mails: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT template, reference, (data->>'on_hand')::bigint FROM emails WHERE template LIKE 'stock_%' ORDER BY id",
    )
    .fetch_all(&api.db.pool)
    .await
    .unwrap();
    let reference = |number: i32| format!("{}:{}:{number}", parts[3], parts[5]);
    let expected = [("stock_low", 1, 3), ("stock_recovered", 2, 4), ("stock_low", 3, 3), ("stock_recovered", 4, 3)]
        .map(|(template, number, on_hand)| (template.to_owned(), reference(number), on_hand));
    assert_eq!(mails, expected);
    api.close().await;
}

#[tokio::test]
async fn a_listing_with_a_site_shows_what_is_available_there_and_its_auction_keeps_the_lot() {
    let api = TestApi::new().await;
    let ann = seller(&api, "Ann").await;
    let path = level(&api, &ann, 5).await;
    let parts: Vec<_> = path.split('/').collect();
    let (thing, depot) = (parts[3], parts[5]);
    let new = json!({"item_id": thing, "title": "Console", "sale_mode": "auction", "currency": "EUR", "quantity": 3});
    let draft = api.post(Some(&ann), "/v1/listings", new).await.ok();
    assert_eq!((&draft["site_id"], &draft["available"]), (&Value::Null, &json!(3)));
    let listing = format!("/v1/listings/{}", id(&draft));
    let patch = async |site: Value| api.call(Some(&ann), Method::PATCH, &listing, json!({"site_id": site})).await;
    let unknown = patch(json!(uuid::Uuid::nil())).await.refused(422, "invalid_value");
    assert_eq!(unknown.body["errors"][0]["pointer"], "/site_id");
    let closed = site(&api, &ann, None).await;
    assert_eq!(api.call(Some(&ann), Method::DELETE, &format!("/v1/sites/{closed}"), json!({})).await.status, 204);
    let archived = patch(json!(closed)).await.refused(422, "invalid_value");
    assert_eq!(archived.body["errors"][0]["pointer"], "/site_id");
    assert_eq!(patch(json!(depot)).await.ok()["available"], 5);
    // Absent stays, null takes it away.
    assert_eq!(api.call(Some(&ann), Method::PATCH, &listing, json!({"title": "A"})).await.ok()["site_id"], depot);
    assert_eq!(patch(Value::Null).await.ok()["available"], 3);
    patch(json!(depot)).await.ok();
    api.post(Some(&ann), &format!("{listing}/publish"), json!({})).await.ok();

    let ends_at = api.state.clock.now() + chrono::TimeDelta::days(9);
    let terms = json!({"ends_at": ends_at, "opening": {"amount": "10.00", "currency": "EUR"}});
    let auctions = format!("{listing}/auctions");
    adjust(&api, &ann, &path, json!({"to": 2})).await.ok();
    api.post(Some(&ann), &auctions, terms.clone()).await.refused(409, "out_of_stock");
    adjust(&api, &ann, &path, json!({"to": 5})).await.ok();
    let auction = id(&api.post(Some(&ann), &auctions, terms).await.ok());
    assert_eq!(api.get(None, &listing).await.ok()["available"], 2);
    adjust(&api, &ann, &path, json!({"to": 2})).await.refused(409, "out_of_stock");
    api.post(Some(&ann), &format!("/v1/auctions/{auction}/cancel"), json!({})).await.ok();
    let level = api.get(Some(&ann), &path).await.ok();
    assert_eq!((&level["on_hand"], &level["reserved"], &level["available"]), (&json!(5), &json!(0), &json!(5)));
    api.close().await;
}
