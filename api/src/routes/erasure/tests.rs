use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::json;

use crate::testing::{PASSWORD, TestApi};

#[tokio::test]
async fn an_erasure_is_asked_for_with_the_password_and_taken_back() {
    let api = TestApi::with(&[("ERASURE_DAYS", "3")]).await;
    let ann = api.person("Ann").await;
    let erase = async |password: &str| api.post(Some(&ann), "/v1/me/erase", json!({"password": password})).await;
    let take_back = async || api.call(Some(&ann), Method::DELETE, "/v1/me/erasure", json!({})).await;
    api.get(Some(&ann), "/v1/me/erasure").await.refused(404, "not_found");
    take_back().await.refused(404, "not_found");
    erase("guessed it").await.refused(403, "wrong_password");
    let asked = erase(PASSWORD).await.ok();
    let time = |name: &str| asked[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((time("due_at") - time("asked_at")).num_days(), 3);
    assert_eq!(erase(PASSWORD).await.ok(), asked, "the first time counts");
    assert_eq!(api.get(Some(&ann), "/v1/me/erasure").await.ok(), asked);
    let sql = "SELECT count(*) FROM emails WHERE template = 'erasure_asked' AND user_id = $1";
    let mails: i64 = sqlx::query_scalar(sql).bind(ann.id).fetch_one(&api.db.pool).await.unwrap();
    assert_eq!(mails, 1);
    // Nothing has happened yet.
    let again = api.login(&ann.email).await;
    assert_eq!(api.get(Some(&again), "/v1/me").await.ok()["name"], "Ann");
    assert_eq!(take_back().await.status, 204);
    api.get(Some(&ann), "/v1/me/erasure").await.refused(404, "not_found");

    let on = "INSERT INTO two_factors (id, user_id, sealed, enrolled_at, confirmed_at, last_step)
              VALUES (gen_random_uuid(), $1, decode(repeat('ab', 53), 'hex'), now(), now(), 1)";
    sqlx::query(on).bind(ann.id).execute(&api.db.pool).await.unwrap();
    erase(PASSWORD).await.refused(403, "code_required");
    let with_code = json!({"password": PASSWORD, "code": "nonsense"});
    api.post(Some(&ann), "/v1/me/erase", with_code).await.refused(403, "code_invalid");
    api.close().await;
}

#[tokio::test]
async fn what_an_only_owner_has_open_stands_in_the_way_and_is_named() {
    let api = TestApi::new().await;
    let (ann, admin) = (api.person("Ann").await, api.admin().await);
    let org = api.org(&ann, "Ann Farm", &admin).await;
    let item = json!({"category_id": CONSOLES, "sku": "e-1", "title": "Console"});
    let item = api.post(Some(&ann), "/v1/items", item).await.ok()["id"].clone();
    let listing = json!({"item_id": item, "title": "A console", "sale_mode": "auction", "currency": "EUR"});
    let listing = api.post(Some(&ann), "/v1/listings", listing).await.ok()["id"].as_str().unwrap().to_owned();
    api.post(Some(&ann), &format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    let ends_at = api.state.clock.now() + chrono::TimeDelta::days(3);
    let terms = json!({"ends_at": ends_at, "opening": {"amount": "10.00", "currency": "EUR"}});
    api.post(Some(&ann), &format!("/v1/listings/{listing}/auctions"), terms).await.ok();
    let body = json!({"password": PASSWORD});
    let refused = api.post(Some(&ann), "/v1/me/erase", body.clone()).await.refused(409, "erasure_hindered");
    assert!(refused.body["detail"].as_str().unwrap().contains(&format!("auction of {org}")), "{refused:?}");
    // Another owner answers for it.
    let bob = api.person("Bob").await;
    api.join(&ann, org, &bob, "owner").await;
    api.post(Some(&ann), "/v1/me/erase", body.clone()).await.ok();
    api.post(Some(&admin), "/v1/me/erase", body).await.refused(409, "role_on_platform");
    api.close().await;
}
