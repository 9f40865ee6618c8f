use reqwest::Method;
use serde_json::json;

use crate::testing::{PASSWORD, TestApi};

mod links;
mod sessions;

#[tokio::test]
async fn people_register_log_in_and_see_themselves() {
    let api = TestApi::new().await;
    let ann = api.unverified("Ann").await;
    let me = api.get(Some(&ann), "/v1/me").await.ok();
    assert_eq!(me["email"], "ann@example.com");
    assert_eq!(me["email_verified"], false);
    let ann = api.person("Bob").await;
    let change = json!({"name": "Ann Lee", "time_zone": "Asia/Kolkata"});
    assert_eq!(api.call(Some(&ann), Method::PATCH, "/v1/me", change).await.status, 200);
    let me = api.get(Some(&ann), "/v1/me").await.ok();
    assert_eq!((me["name"].as_str(), me["time_zone"].as_str()), (Some("Ann Lee"), Some("Asia/Kolkata")));
    api.close().await;
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
    api.close().await;
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
    api.close().await;
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
    api.close().await;
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
    api.close().await;
}
