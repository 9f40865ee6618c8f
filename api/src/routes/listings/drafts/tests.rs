use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::{Person, TestApi, with_token};

const PLASTIC: &str = "01900000-0000-7000-8000-000000000042";

/// A draft of waste whose item lacks what its category requires, as paths of item and listing.
async fn bare(api: &TestApi, seller: &Person) -> (String, String) {
    let item = json!({"category_id": PLASTIC, "sku": uuid::Uuid::now_v7(), "title": "Film"});
    let item = api.post(Some(seller), "/v1/items", item).await.ok();
    let new = json!({"item_id": item["id"], "title": "Film", "sale_mode": "fixed", "currency": "EUR"});
    let draft = api.post(Some(seller), "/v1/listings", new).await.ok();
    (format!("/v1/items/{}", item["id"].as_str().unwrap()), format!("/v1/listings/{}", draft["id"].as_str().unwrap()))
}

fn pointers(faults: &Value) -> Vec<&str> {
    faults.as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
}

async fn patch(api: &TestApi, person: &Person, path: &str, body: Value) -> Value {
    api.call(Some(person), Method::PATCH, path, body).await.ok()
}

#[tokio::test]
async fn a_waste_draft_grows_is_refused_with_a_reason_and_approved() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Recycling", &moderator).await;
    let (item, listing) = bare(&api, &ann).await;
    let (missing, publish) = (format!("{listing}/missing"), format!("{listing}/publish"));
    let needed = ["/price", "/attributes/material", "/attributes/ewc_code", "/attributes/origin"];
    assert_eq!(pointers(&api.get(Some(&ann), &missing).await.ok()["missing"]), needed);
    let answer = api.post(Some(&ann), &publish, json!({})).await.refused(422, "listing_incomplete");
    assert_eq!(pointers(&answer.body["errors"]), needed);
    let attributes = json!({"material": "LDPE", "ewc_code": "15 01 02", "origin": "post_consumer"});
    patch(&api, &ann, &item, json!({"attributes": attributes})).await;
    let draft = patch(&api, &ann, &listing, json!({"price": {"amount": "99.00", "currency": "EUR"}})).await;
    assert_eq!((&draft["price"]["amount"], &draft["pictures"]), (&json!("99.00"), &json!([])));
    assert_eq!(api.get(Some(&ann), &missing).await.ok()["missing"], json!([]));

    let submitted = api.post(Some(&ann), &publish, json!({})).await.ok();
    assert_eq!(submitted["status"], "in_review");
    api.get(Some(&ann), &missing).await.refused(409, "listing_status");
    api.call(Some(&ann), Method::PATCH, &listing, json!({"title": "x"})).await.refused(409, "listing_status");
    api.get(None, &listing).await.refused(404, "not_found");
    let queue = api.get(Some(&moderator), "/v1/listings/review?limit=1").await.ok();
    assert_eq!(queue["items"][0]["id"], submitted["id"]);
    let refuse = format!("{listing}/refuse");
    api.post(Some(&moderator), &refuse, json!({"reason": " "})).await.refused(422, "reason_length");
    let refused = api.post(Some(&moderator), &refuse, json!({"reason": "The code is for paper."})).await.ok();
    assert_eq!((&refused["status"], &refused["status_reason"]), (&json!("draft"), &json!("The code is for paper.")));
    api.post(Some(&moderator), &refuse, json!({"reason": "again"})).await.refused(409, "listing_status");

    api.post(Some(&ann), &publish, json!({})).await.ok();
    let shown = api.post(Some(&moderator), &format!("{listing}/approve"), json!({})).await.ok();
    assert_eq!((&shown["status"], &shown["status_reason"]), (&json!("published"), &Value::Null));
    api.get(None, &listing).await.ok();
    let mails: Vec<(String,)> = sqlx::query_as(
        "SELECT template FROM emails WHERE user_id = $1 AND template LIKE 'listing%' ORDER BY created_at",
    )
    .bind(ann.id)
    .fetch_all(&api.db.pool)
    .await
    .unwrap();
    assert_eq!(mails.iter().map(|mail| mail.0.as_str()).collect::<Vec<_>>(), ["listing_refused", "listing_approved"]);
    api.close().await;
}

#[tokio::test]
async fn a_change_from_an_old_draft_is_refused() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Recycling", &moderator).await;
    let (_, listing) = bare(&api, &ann).await;
    let read = api.get(Some(&ann), &listing).await;
    let change = async |tag: &str, title: &str| {
        let request = api.request(Method::PATCH, &listing).header("if-match", tag).json(&json!({"title": title}));
        api.send(with_token(request, Some(&ann))).await
    };
    let tag = read.headers["etag"].to_str().unwrap();
    let changed = change(tag, "First").await;
    let next = changed.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(changed.ok()["title"], "First");
    change(tag, "Second").await.refused(412, "changed_meanwhile");
    assert_eq!(change(&next, "Third").await.ok()["title"], "Third");
    let unknown = api.call(Some(&ann), Method::PATCH, &listing, json!({"colour": "red"})).await;
    unknown.refused_with(&["invalid_body"]);
    api.close().await;
}

#[tokio::test]
async fn what_was_withdrawn_is_listed_again_once() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Farm", &moderator).await;
    let item = json!({"category_id": market::testing::CONSOLES, "sku": "C-1", "title": "Console"});
    let item = api.post(Some(&ann), "/v1/items", item).await.ok();
    let price = json!({"amount": "9.00", "currency": "EUR"});
    let new = json!({"item_id": item["id"], "title": "A", "sale_mode": "fixed", "currency": "EUR", "price": price});
    let first = api.post(Some(&ann), "/v1/listings", new).await.ok();
    let path = format!("/v1/listings/{}", first["id"].as_str().unwrap());
    let relist = format!("{path}/relist");
    api.post(Some(&ann), &relist, json!({})).await.refused(409, "listing_status");
    for act in ["publish", "withdraw"] {
        api.post(Some(&ann), &format!("{path}/{act}"), json!({})).await.ok();
    }
    let request = || api.request(Method::POST, &relist).header("idempotency-key", "once");
    let again = api.send(with_token(request(), Some(&ann))).await;
    let location = again.headers["location"].to_str().unwrap().to_owned();
    let again = again.ok();
    assert_eq!((&again["status"], &again["relist_of"], &again["title"]), (&json!("draft"), &first["id"], &json!("A")));
    let same = api.send(with_token(request(), Some(&ann))).await.ok();
    assert_eq!(same["id"], again["id"]);
    api.post(Some(&ann), &relist, json!({})).await.refused(409, "already_relisted");
    patch(&api, &ann, &location, json!({"price": {"amount": "8.00", "currency": "EUR"}})).await;
    api.post(Some(&ann), &format!("{location}/publish"), json!({})).await.ok();
    assert_eq!(api.get(None, &location).await.ok()["price"]["amount"], "8.00");
    api.close().await;
}
