//! Sessions: refreshed, listed, ended, and what is no token of one.

use market::identity::store;
use reqwest::Method;
use serde_json::json;
use shared::testing::TestDb;

use crate::testing::{PASSWORD, Person, TestApi};

/// Makes every token that was used one that was used so long ago.
async fn used_before(api: &TestApi, seconds: i32) {
    sqlx::query("UPDATE refresh_tokens SET used_at = used_at - $1 * interval '1 second'")
        .bind(f64::from(seconds))
        .execute(&api.db.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let refresh = async |token: &str| api.post(None, "/v1/auth/refresh", json!({"refresh_token": token})).await;
    let next = refresh(&ann.refresh).await.ok();
    let access = next["access_token"].as_str().unwrap().to_owned();
    let renewed = Person { access, ..ann.clone() };
    api.get(Some(&renewed), "/v1/me").await.ok();
    used_before(&api, store::REFRESH_GRACE_SECONDS).await;
    refresh(&ann.refresh).await.refused(401, "refresh_reused");
    // The whole family is gone: the new refresh token and both access tokens.
    refresh(next["refresh_token"].as_str().unwrap()).await.refused(401, "refresh_invalid");
    refresh(&ann.refresh).await.refused(401, "refresh_invalid");
    api.get(Some(&renewed), "/v1/me").await.refused(401, "session_ended");
    api.get(Some(&ann), "/v1/me").await.refused(401, "session_ended");
    refresh("nonsense").await.refused(401, "refresh_invalid");
    // Ann is told, and it stands in the log.
    let sql = "SELECT count(*) FROM emails WHERE template = 'session_ended' AND user_id = $1";
    let mails: i64 = sqlx::query_scalar(sql).bind(ann.id.0).fetch_one(&api.db.pool).await.unwrap();
    assert_eq!(mails, 1);
    let admin = api.admin().await;
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=user&subject_id={}", ann.id)).await.ok();
    assert_eq!(log["items"][0]["action"], "user.end_reused_session", "{log}");
    // Another login is another session.
    let again = api.login(&ann.email).await;
    api.get(Some(&again), "/v1/me").await.ok();
    api.close().await;
}

#[tokio::test]
async fn tabs_that_refresh_at_once_get_the_same_next_token() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let refresh = async |token: &str| api.post(None, "/v1/auth/refresh", json!({"refresh_token": token})).await;
    let answers = futures::future::join_all((0..10).map(|_| refresh(&ann.refresh))).await;
    let next: Vec<_> =
        answers.into_iter().map(|answer| answer.ok()["refresh_token"].as_str().unwrap().to_owned()).collect();
    assert!(next.iter().all(|token| *token == next[0] && *token != ann.refresh), "{next:?}");
    api.get(Some(&ann), "/v1/me").await.ok();
    // The chain goes on, and a late repeat within the grace still finds its place in it.
    let third = refresh(&next[0]).await.ok()["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(refresh(&ann.refresh).await.ok()["refresh_token"], json!(next[0]));
    assert_eq!(refresh(&next[0]).await.ok()["refresh_token"], json!(third));
    // What is kept of a successor is of no use without the token, and does not stay.
    let kept = async || -> Vec<(Vec<u8>, Vec<u8>)> {
        let sql = "SELECT token_hash, successor FROM refresh_tokens WHERE successor IS NOT NULL";
        sqlx::query_as(sql).fetch_all(&api.db.pool).await.unwrap()
    };
    let plain = |token: &str| base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, token).unwrap();
    let seals = kept().await;
    assert_eq!(seals.len(), 2);
    for (hash, seal) in seals {
        assert!(seal != hash && seal != plain(&next[0]) && seal != plain(&third));
    }
    used_before(&api, store::REFRESH_GRACE_SECONDS).await;
    refresh(&third).await.ok();
    assert_eq!(kept().await.len(), 1);
    api.close().await;
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them() {
    let api = TestApi::new().await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let (phone, tablet) = (api.login(&ann.email).await, api.login(&ann.email).await);
    let list = async |person| {
        let sessions = api.get(Some(person), "/v1/me/sessions").await.ok();
        let items = sessions["items"].as_array().unwrap().clone();
        assert_eq!(items.iter().filter(|session| session["current"] == true).count(), 1, "{items:?}");
        items
    };
    let sessions = list(&ann).await;
    assert_eq!(sessions.len(), 3);
    let newest = format!("/v1/me/sessions/{}", sessions[0]["id"].as_str().unwrap());
    api.call(Some(&eve), Method::DELETE, &newest, json!({})).await.refused(404, "not_found");
    assert_eq!(api.call(Some(&ann), Method::DELETE, &newest, json!({})).await.status, 204);
    api.call(Some(&ann), Method::DELETE, &newest, json!({})).await.refused(404, "not_found");
    api.get(Some(&tablet), "/v1/me").await.refused(401, "session_ended");
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": tablet.refresh})).await.refused(401, "refresh_invalid");
    api.get(Some(&phone), "/v1/me").await.ok();
    assert_eq!(api.call(Some(&ann), Method::DELETE, "/v1/me/sessions", json!({})).await.status, 204);
    api.get(Some(&phone), "/v1/me").await.refused(401, "session_ended");
    assert_eq!(list(&ann).await.len(), 1);
    assert_eq!(list(&eve).await.len(), 1);
    api.close().await;
}

#[tokio::test]
async fn a_person_has_so_many_sessions() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    for _ in 0..100 {
        store::open_session(&mut conn, ann.id, None).await.unwrap();
    }
    // The longest unused went.
    api.get(Some(&ann), "/v1/me").await.refused(401, "session_ended");
    assert_eq!(store::sessions_of(&mut conn, ann.id).await.unwrap().len(), 100);
    drop(conn);
    api.close().await;
}

#[tokio::test]
async fn logout_ends_this_session_only() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let phone = api.login(&ann.email).await;
    assert_eq!(api.post(Some(&phone), "/v1/auth/logout", json!({})).await.status, 204);
    api.get(Some(&phone), "/v1/me").await.refused(401, "session_ended");
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": phone.refresh})).await.refused(401, "refresh_invalid");
    api.get(Some(&ann), "/v1/me").await.ok();
    api.close().await;
}

#[tokio::test]
async fn a_suspended_person_is_out_at_once() {
    let api = TestApi::new().await;
    let (admin, ann) = (api.admin().await, api.person("Ann").await);
    let path = format!("/v1/admin/users/{}/suspend", ann.id);
    assert_eq!(api.post(Some(&admin), &path, json!({"reason": "fraud"})).await.status, 204);
    api.get(Some(&ann), "/v1/me").await.refused(401, "session_ended");
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": ann.refresh})).await.refused(401, "refresh_invalid");
    api.post(None, "/v1/auth/login", json!({"email": ann.email, "password": PASSWORD})).await.refused(403, "suspended");
    api.post(Some(&admin), &path, json!({"reason": "fraud"})).await.refused(409, "unchanged");
    let path = format!("/v1/admin/users/{}/reinstate", ann.id);
    assert_eq!(api.post(Some(&admin), &path, json!({"reason": "a mistake"})).await.status, 204);
    // The old session stays ended.
    api.get(Some(&ann), "/v1/me").await.refused(401, "session_ended");
    api.login(&ann.email).await;
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=user&subject_id={}", ann.id)).await.ok();
    let actions: Vec<_> =
        log["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["user.reinstate", "user.suspend"]);
    api.close().await;
}

#[tokio::test]
async fn broken_tokens_are_refused() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    for (header, code) in [
        (None, "unauthenticated"),
        (Some("Basic YTpi".to_owned()), "unauthenticated"),
        (Some("Bearer".to_owned()), "unauthenticated"),
        (Some("Bearer x.y.z".to_owned()), "token_invalid"),
        (Some(format!("Bearer {}x", ann.access)), "token_invalid"),
    ] {
        let mut request = api.request(Method::GET, "/v1/me");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = api.send(request).await.refused(401, code);
        let challenge = if code == "token_invalid" { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        assert_eq!(answer.headers["www-authenticate"], challenge);
    }
    api.close().await;
}

/// After a secret was lost or has leaked, nobody has to log in again.
#[tokio::test]
async fn another_secret_ends_access_tokens_at_once_and_no_session() {
    let (old, new) = ("a secret that everybody has read by now", "a secret that takes the place of the other one");
    let on = async |db: TestDb, secret: &str| {
        TestApi::on(db, &[("PUBLIC_URL", "https://tradeyard.example"), ("JWT_SECRET", secret)]).await
    };
    let first = on(TestDb::new().await, old).await;
    let ann = first.person("Ann").await;
    let restarted = on(first.db, old).await;
    restarted.get(Some(&ann), "/v1/me").await.ok();
    let api = on(restarted.db, new).await;
    api.get(Some(&ann), "/v1/me").await.refused(401, "token_invalid");
    let next = api.post(None, "/v1/auth/refresh", json!({"refresh_token": ann.refresh})).await.ok();
    let renewed = Person { access: next["access_token"].as_str().unwrap().to_owned(), ..ann };
    api.get(Some(&renewed), "/v1/me").await.ok();
    api.close().await;
}
