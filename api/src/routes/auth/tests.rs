use market::identity::store;
use reqwest::Method;
use serde_json::json;

use crate::testing::{PASSWORD, TestApi};

#[tokio::test]
async fn people_register_log_in_and_see_themselves() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let me = api.get(Some(&ann), "/v1/me").await.ok();
    assert_eq!(me["email"], "ann@example.com");
    assert_eq!(me["email_verified"], false);
    let change = json!({"name": "Ann Lee", "time_zone": "Asia/Kolkata"});
    assert_eq!(api.call(Some(&ann), Method::PATCH, "/v1/me", change).await.status, 200);
    let me = api.get(Some(&ann), "/v1/me").await.ok();
    assert_eq!((me["name"].as_str(), me["time_zone"].as_str()), (Some("Ann Lee"), Some("Asia/Kolkata")));
    api.db.close().await;
}

#[tokio::test]
async fn a_taken_address_gets_the_same_answer_and_changes_nothing() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let body = json!({"email": "ANN@example.com", "name": "Mallory", "password": "another password"});
    let answer = api.post(None, "/v1/auth/register", body).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (202, Some("")));
    let answer = api.post(None, "/v1/auth/login", json!({"email": ann.email, "password": "another password"})).await;
    answer.refused(401, "invalid_credentials");
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["name"], "Ann");
    api.db.close().await;
}

#[tokio::test]
async fn bad_registrations_say_what_is_wrong() {
    let api = TestApi::new().await;
    for (body, status, code, pointer) in [
        (json!({"email": "ann", "name": "Ann", "password": PASSWORD}), 400, "invalid_body", "/email"),
        (json!({"email": "a@example.com", "name": "A\r\nBcc: x", "password": PASSWORD}), 400, "invalid_body", "/name"),
        (json!({"email": "a@example.com", "name": "A", "password": "short"}), 422, "weak_password", "/password"),
        (json!({"email": "a@example.com", "name": "A", "password": PASSWORD, "x": 1}), 400, "invalid_body", "/x"),
        (json!({"email": 3, "name": "A", "password": PASSWORD}), 400, "invalid_body", "/email"),
    ] {
        let answer = api.post(None, "/v1/auth/register", body).await.refused(status, code);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }
    api.db.close().await;
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_look_alike_and_are_throttled() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let try_login =
        |email: &'static str| api.post(None, "/v1/auth/login", json!({"email": email, "password": "wrong password"}));
    let known = try_login("ann@example.com").await.refused(401, "invalid_credentials");
    let unknown = try_login("nobody@example.com").await.refused(401, "invalid_credentials");
    assert_eq!(known.body["detail"], unknown.body["detail"]);
    for _ in 0..4 {
        try_login("ann@example.com").await.refused(401, "invalid_credentials");
    }
    let answer = try_login("ann@example.com").await.refused(429, "too_many_attempts");
    assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    // The right password has to wait as well, the session that is there has not.
    let answer = api.post(None, "/v1/auth/login", json!({"email": ann.email, "password": PASSWORD})).await;
    answer.refused(429, "too_many_attempts");
    api.get(Some(&ann), "/v1/me").await.ok();
    api.db.close().await;
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let next = api.post(None, "/v1/auth/refresh", json!({"refresh_token": ann.refresh})).await.ok();
    let access = next["access_token"].as_str().unwrap().to_owned();
    let renewed = crate::testing::Person { access, ..ann.clone() };
    api.get(Some(&renewed), "/v1/me").await.ok();
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": ann.refresh})).await.refused(401, "refresh_reused");
    // The whole family is gone: the new refresh token and both access tokens.
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": next["refresh_token"]}))
        .await
        .refused(401, "refresh_invalid");
    api.get(Some(&renewed), "/v1/me").await.refused(401, "session_ended");
    api.get(Some(&ann), "/v1/me").await.refused(401, "session_ended");
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": "nonsense"})).await.refused(401, "refresh_invalid");
    // Another login is another session.
    let again = api.login(&ann.email).await;
    api.get(Some(&again), "/v1/me").await.ok();
    api.db.close().await;
}

#[tokio::test]
async fn concurrent_uses_of_one_refresh_token_end_its_session() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let refresh = || api.post(None, "/v1/auth/refresh", json!({"refresh_token": ann.refresh}));
    let answers = futures::future::join_all((0..8).map(|_| refresh())).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status.is_success());
    assert_eq!(won.len(), 1, "{lost:?}");
    assert!(lost.iter().any(|answer| answer.code() == "refresh_reused"), "{lost:?}");
    let next = &won[0].body["refresh_token"];
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": next})).await.refused(401, "refresh_invalid");
    api.get(Some(&ann), "/v1/me").await.refused(401, "session_ended");
    api.db.close().await;
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
    api.db.close().await;
}

#[tokio::test]
async fn a_link_verifies_its_address_once() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (email, token) = store::mint_email_verification(&mut conn, ann.id).await.unwrap().unwrap();
    assert_eq!(email, ann.email);
    assert_eq!(api.post(None, "/v1/auth/verify-email", json!({"token": token})).await.status, 204);
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["email_verified"], true);
    api.post(None, "/v1/auth/verify-email", json!({"token": token})).await.refused(422, "token_invalid");
    // Nothing is left to verify.
    assert_eq!(store::mint_email_verification(&mut conn, ann.id).await.unwrap(), None);
    drop(conn);
    api.db.close().await;
}

#[tokio::test]
async fn a_registration_posts_one_mail_and_its_job() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let again = json!({"email": ann.email, "name": "Ann", "password": PASSWORD});
    api.post(None, "/v1/auth/register", again).await;
    let mails = async || -> (i64, i64) {
        let sql = "SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM jobs WHERE kind = 'emails.send'
            AND payload ->> 'email' = emails.id::text)) FROM emails WHERE template = 'verify_address' AND user_id = $1";
        sqlx::query_as(sql).bind(ann.id.0).fetch_one(&api.db.pool).await.unwrap()
    };
    assert_eq!(mails().await, (1, 1));
    // Asked for again: one more, however often within the hour.
    for _ in 0..3 {
        assert_eq!(api.post(Some(&ann), "/v1/auth/verify-email/resend", json!({})).await.status, 202);
    }
    let (sent, jobs) = mails().await;
    assert!((2..=3).contains(&sent) && sent == jobs, "{sent} {jobs}: the hour may have turned");
    api.db.close().await;
}

#[tokio::test]
async fn the_page_of_the_link_verifies_by_its_button_only() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (_, token) = store::mint_email_verification(&mut conn, ann.id).await.unwrap().unwrap();
    drop(conn);
    let path = format!("/verify-email?token={token}");
    for _ in 0..2 {
        let page = api.get(None, &path).await.ok();
        assert!(page.as_str().unwrap().contains(&format!("action=\"{path}\"")), "{page}");
    }
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["email_verified"], false);
    let page = api.send(api.request(Method::POST, &path)).await;
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("form-action 'self'"));
    assert!(page.ok().as_str().unwrap().contains("Thank you"));
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["email_verified"], true);
    assert_eq!(api.send(api.request(Method::POST, &path)).await.status, 422);
    let page = api.get(None, "/verify-email?token=%22%3E%3Cscript%3E").await;
    assert_eq!(page.status, 422);
    assert!(!page.body.as_str().unwrap().contains("script"), "{page:?}");
    api.db.close().await;
}

#[tokio::test]
async fn an_expired_link_verifies_nothing() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (_, token) = store::mint_email_verification(&mut conn, ann.id).await.unwrap().unwrap();
    sqlx::query("UPDATE email_verifications SET expires_at = now() - interval '1 second'")
        .execute(&mut *conn)
        .await
        .unwrap();
    api.post(None, "/v1/auth/verify-email", json!({"token": token})).await.refused(422, "token_invalid");
    drop(conn);
    api.db.close().await;
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
    api.db.close().await;
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
    api.db.close().await;
}

#[tokio::test]
async fn registrations_and_logins_are_throttled_by_the_place_that_a_proxy_tells() {
    let api = TestApi::with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let register = async |number: usize, from: &str| {
        let body = json!({"email": format!("p{number}@example.com"), "name": "Ann", "password": PASSWORD});
        let request = api.request(Method::POST, "/v1/auth/register").header("x-forwarded-for", from);
        api.send(request.json(&body)).await
    };
    // What the client itself has put in front does not help it.
    for number in 0..20 {
        let from = format!("192.0.2.{number}, 203.0.113.7");
        assert_eq!(register(number, &from).await.status, 202);
    }
    let answer = register(20, "203.0.113.7").await.refused(429, "too_many_attempts");
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(register(20, "203.0.113.8").await.status, 202);

    let log_in = async |password: &str, from: &str| {
        let request = api.request(Method::POST, "/v1/auth/login").header("x-forwarded-for", from);
        api.send(request.json(&json!({"email": "p1@example.com", "password": password}))).await
    };
    for _ in 0..5 {
        log_in("wrong password", "203.0.113.9").await.refused(401, "invalid_credentials");
    }
    log_in(PASSWORD, "203.0.113.9").await.refused(429, "too_many_attempts");
    log_in(PASSWORD, "203.0.113.10").await.ok();
    api.db.close().await;
}
