use market::identity::store;
use reqwest::Method;
use serde_json::json;

use crate::testing::{PASSWORD, TestApi};

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
    let renewed = crate::testing::Person { access, ..ann.clone() };
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
    api.db.close().await;
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
    api.db.close().await;
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
    api.db.close().await;
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
    let ann = api.unverified("Ann").await;
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
    let ann = api.unverified("Ann").await;
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

/// How many mails of a template were posted to an address.
async fn mails_to(api: &TestApi, template: &str, address: &str) -> i64 {
    let sql = "SELECT count(*) FROM emails WHERE template = $1 AND address = $2";
    sqlx::query_scalar(sql).bind(template).bind(address).fetch_one(&api.db.pool).await.unwrap()
}

#[tokio::test]
async fn the_true_owner_of_an_address_gets_in_and_a_stranger_out() {
    let api = TestApi::new().await;
    // A stranger has registered Ann's address, and waits for her to click.
    let stranger = api.unverified("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (_, old_link) = store::mint_email_verification(&mut conn, stranger.id).await.unwrap().unwrap();
    let body = json!({"email": stranger.email, "name": "Ann Lee", "password": "a password of Ann's"});
    let answer = api.post(None, "/v1/auth/register", body).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (202, Some("")));
    let mails = mails_to(&api, "already_registered", &stranger.email).await;
    assert_eq!(mails, 1);
    let token = store::mint_password_reset(&mut conn, &stranger.email).await.unwrap().unwrap();
    let other = store::mint_password_reset(&mut conn, &stranger.email).await.unwrap().unwrap();
    let reset = async |token: &str, password: &str| {
        let body = json!({"token": token, "password": password});
        api.post(None, "/v1/auth/password-reset/confirm", body).await
    };
    reset(&token, "short").await.refused(422, "weak_password");
    reset("made up", "a password of Ann's").await.refused(422, "token_invalid");
    assert_eq!(reset(&token, "a password of Ann's").await.status, 204);
    // Each link worked once, and all that the stranger had is gone.
    reset(&token, "another password").await.refused(422, "token_invalid");
    reset(&other, "another password").await.refused(422, "token_invalid");
    api.post(None, "/v1/auth/verify-email", json!({"token": old_link})).await.refused(422, "token_invalid");
    api.get(Some(&stranger), "/v1/me").await.refused(401, "session_ended");
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": stranger.refresh}))
        .await
        .refused(401, "refresh_invalid");
    let login = json!({"email": stranger.email, "password": PASSWORD});
    api.post(None, "/v1/auth/login", login).await.refused(401, "invalid_credentials");
    let login = json!({"email": stranger.email, "password": "a password of Ann's"});
    let tokens = api.post(None, "/v1/auth/login", login).await.ok();
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    let ann = crate::testing::Person { access, ..stranger.clone() };
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["email_verified"], true);
    // She is told of it, and it stands in the log.
    let sql = "SELECT count(*) FROM emails WHERE template = 'password_changed' AND user_id = $1";
    let told: i64 = sqlx::query_scalar(sql).bind(ann.id.0).fetch_one(&mut *conn).await.unwrap();
    assert_eq!(told, 1);
    let subject = ann.id.to_string();
    let log = shared::audit::page(&mut conn, Some(("user", &subject)), None, 10).await.unwrap();
    assert_eq!((log[0].action.as_str(), log[0].actor), ("user.reset_password", Some(ann.id)));
    drop(conn);
    api.db.close().await;
}

#[tokio::test]
async fn a_reset_shows_nothing_of_who_is_registered() {
    let api = TestApi::with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let ann = api.person("Ann").await;
    let ask = async |email: &str| {
        let request = api.request(Method::POST, "/v1/auth/password-reset").header("x-forwarded-for", "203.0.113.7");
        api.send(request.json(&json!({"email": email}))).await
    };
    for email in [ann.email.as_str(), "nobody@example.com"] {
        for _ in 0..3 {
            let answer = ask(email).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (202, Some("")));
        }
        // The same is done for both: whether there is an account shows when the mail is sent. One an hour, which may have turned.
        assert!((1..=2).contains(&mails_to(&api, "reset_password", email).await), "{email}");
    }
    let mut conn = api.db.pool.acquire().await.unwrap();
    assert_eq!(store::mint_password_reset(&mut conn, "nobody@example.com").await.unwrap(), None);
    // An hour has room for so many from one place.
    for number in 6..20 {
        assert_eq!(ask(&format!("p{number}@example.com")).await.status, 202);
    }
    // However slow the test is.
    let hold = "UPDATE login_throttle SET blocked_until = now() + interval '1 hour' WHERE blocked_until IS NOT NULL";
    sqlx::query(hold).execute(&mut *conn).await.unwrap();
    ask("p20@example.com").await.refused(429, "too_many_attempts");
    drop(conn);
    api.db.close().await;
}

#[tokio::test]
async fn a_reset_link_expires_and_is_nothing_to_the_suspended() {
    let api = TestApi::new().await;
    let (ann, admin) = (api.person("Ann").await, api.admin().await);
    let mut conn = api.db.pool.acquire().await.unwrap();
    let token = store::mint_password_reset(&mut conn, &ann.email).await.unwrap().unwrap();
    let page = format!("/reset-password?token={token}");
    let form = async |password: &str| {
        let request = api.request(Method::POST, &page).header("content-type", "application/x-www-form-urlencoded");
        api.send(request.body(format!("password={password}"))).await
    };
    sqlx::query("UPDATE password_resets SET expires_at = now() - interval '1 second'")
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(form("another+password").await.status, 422);
    sqlx::query("UPDATE password_resets SET expires_at = now() + interval '1 hour'").execute(&mut *conn).await.unwrap();
    let path = format!("/v1/admin/users/{}", ann.id);
    let reason = json!({"reason": "fraud"});
    assert_eq!(api.post(Some(&admin), &format!("{path}/suspend"), reason.clone()).await.status, 204);
    assert_eq!(form("another+password").await.status, 422);
    assert_eq!(store::mint_password_reset(&mut conn, &ann.email).await.unwrap(), None);
    assert_eq!(api.post(Some(&admin), &format!("{path}/reinstate"), reason).await.status, 204);
    // By the page of the link, whose look changes nothing.
    for _ in 0..2 {
        let shown = api.get(None, &page).await.ok();
        assert!(shown.as_str().unwrap().contains(&format!("action=\"{page}\"")), "{shown}");
    }
    assert_eq!(form("short").await.status, 422);
    assert!(form("another+password").await.ok().as_str().unwrap().contains("Thank you"));
    let login = json!({"email": ann.email, "password": "another password"});
    api.post(None, "/v1/auth/login", login).await.ok();
    drop(conn);
    api.db.close().await;
}

#[tokio::test]
async fn the_page_of_the_link_verifies_by_its_button_only() {
    let api = TestApi::new().await;
    let ann = api.unverified("Ann").await;
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
    let ann = api.unverified("Ann").await;
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
