use reqwest::Method;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};
use shared::crypto::totp;

use crate::testing::{Answer, PASSWORD, Person, TestApi};

/// What a secret stands for that is typed.
fn bytes(base32: &str) -> SecretSlice<u8> {
    let letters = base32.bytes().map(|it| if it.is_ascii_digit() { it - b'2' + 26 } else { it - b'A' });
    let bits: Vec<u8> = letters.flat_map(|letter| (0..5).rev().map(move |place| (letter >> place) & 1)).collect();
    let whole = bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| (byte << 1) | bit));
    SecretSlice::from(whole.collect::<Vec<u8>>())
}

/// An app.
struct App(SecretSlice<u8>);

impl App {
    /// The code that it shows so many steps after the present one.
    async fn code(&self, api: &TestApi, ahead: i64) -> String {
        let now = "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint";
        let now: i64 = sqlx::query_scalar(now).fetch_one(&api.db.pool).await.unwrap();
        totp::code(self.0.expose_secret(), totp::step_at(now) + ahead)
    }
}

async fn enrol(api: &TestApi, person: &Person) -> App {
    let shown = api.post(Some(person), "/v1/me/second-factor/enrol", json!({"password": PASSWORD})).await.ok();
    let secret = shown["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    let uri = shown["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/Tradeyard:") && uri.contains(&format!("secret={secret}&")), "{uri}");
    assert!(shown["qr_svg"].as_str().unwrap().contains("<svg "), "{shown}");
    App(bytes(secret))
}

async fn confirm(api: &TestApi, person: &Person, code: &str) -> Answer {
    api.post(Some(person), "/v1/me/second-factor/confirm", json!({"code": code})).await
}

/// Turns it on; the present code is used. The recovery codes.
async fn turned_on(api: &TestApi, person: &Person) -> (App, Vec<String>) {
    let app = enrol(api, person).await;
    let code = app.code(api, 0).await;
    let codes = confirm(api, person, &code).await.ok();
    (app, serde_json::from_value(codes["recovery_codes"].clone()).unwrap())
}

/// The first step of a login: the token for the second.
async fn first_step(api: &TestApi, person: &Person) -> String {
    let body = json!({"email": person.email, "password": PASSWORD});
    let answer = api.post(None, "/v1/auth/login", body).await.refused(401, "mfa_required");
    answer.body["mfa_token"].as_str().unwrap().to_owned()
}

async fn second_step(api: &TestApi, token: &str, code: &str) -> Answer {
    api.post(None, "/v1/auth/login/second-factor", json!({"mfa_token": token, "code": code})).await
}

async fn both(api: &TestApi, person: &Person, what: &str, password: &str, code: &str) -> Answer {
    let body = json!({"password": password, "code": code});
    api.post(Some(person), &format!("/v1/me/second-factor/{what}"), body).await
}

async fn mails(api: &TestApi, person: &Person) -> Vec<String> {
    let sql = "SELECT template FROM emails WHERE user_id = $1 AND template <> 'verify_address' ORDER BY id";
    sqlx::query_scalar(sql).bind(person.id).fetch_all(&api.db.pool).await.unwrap()
}

#[tokio::test]
async fn a_login_takes_two_steps_once_an_app_has_confirmed_it() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let state = async || api.get(Some(&ann), "/v1/me/second-factor").await.ok();
    assert_eq!(state().await, json!({"recovery_codes_left": 0}));
    confirm(&api, &ann, "123456").await.refused(409, "second_factor_off");
    let wrong = json!({"password": "wrong password"});
    api.post(Some(&ann), "/v1/me/second-factor/enrol", wrong).await.refused(403, "wrong_password");
    let app = enrol(&api, &ann).await;
    // Not yet: nobody is locked out by a code that was never scanned.
    api.login(&ann.email).await;
    confirm(&api, &ann, "000 000x").await.refused(403, "code_invalid");
    let code = app.code(&api, 0).await;
    let codes = confirm(&api, &ann, &code).await.ok();
    let codes: Vec<String> = serde_json::from_value(codes["recovery_codes"].clone()).unwrap();
    assert_eq!((codes.len(), state().await["recovery_codes_left"].clone()), (10, json!(10)));
    confirm(&api, &ann, &code).await.refused(409, "second_factor_on");
    let again = json!({"password": PASSWORD});
    api.post(Some(&ann), "/v1/me/second-factor/enrol", again).await.refused(409, "second_factor_on");
    // The open session goes on, and so do its refresh tokens.
    let refreshed = api.post(None, "/v1/auth/refresh", json!({"refresh_token": ann.refresh})).await.ok();
    assert!(refreshed["access_token"].is_string());

    let token = first_step(&api, &ann).await;
    second_step(&api, &token, &code).await.refused(401, "code_invalid");
    let tokens = second_step(&api, &token, &app.code(&api, 1).await).await.ok();
    assert_eq!(tokens["user"], json!(ann.id));
    let phone = Person { access: tokens["access_token"].as_str().unwrap().to_owned(), ..ann.clone() };
    api.get(Some(&phone), "/v1/me").await.ok();
    second_step(&api, &token, &codes[0]).await.refused(401, "mfa_token_invalid");
    second_step(&api, "made up", &codes[0]).await.refused(401, "mfa_token_invalid");
    assert_eq!(mails(&api, &ann).await, ["second_factor_on"]);
    api.close().await;
}

#[tokio::test]
async fn recovery_codes_stand_in_for_the_app_once_each() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let (_, codes) = turned_on(&api, &ann).await;
    let token = first_step(&api, &ann).await;
    second_step(&api, &token, &codes[0].to_lowercase().replace('-', " ")).await.ok();
    let token = first_step(&api, &ann).await;
    second_step(&api, &token, &codes[0]).await.refused(401, "code_invalid");
    assert_eq!(mails(&api, &ann).await, ["second_factor_on", "recovery_code_used"]);

    both(&api, &ann, "recovery-codes", "wrong password", &codes[1]).await.refused(403, "wrong_password");
    both(&api, &ann, "recovery-codes", PASSWORD, &codes[0]).await.refused(403, "code_invalid");
    let renewed = both(&api, &ann, "recovery-codes", PASSWORD, &codes[1]).await.ok();
    second_step(&api, &token, &codes[2]).await.refused(401, "code_invalid");
    second_step(&api, &token, renewed["recovery_codes"][0].as_str().unwrap()).await.ok();
    assert_eq!(api.get(Some(&ann), "/v1/me/second-factor").await.ok()["recovery_codes_left"], 9);

    let code = renewed["recovery_codes"][1].as_str().unwrap();
    both(&api, &ann, "disable", "wrong password", code).await.refused(403, "wrong_password");
    both(&api, &ann, "disable", PASSWORD, &codes[2]).await.refused(403, "code_invalid");
    assert_eq!(both(&api, &ann, "disable", PASSWORD, code).await.status, 204);
    both(&api, &ann, "disable", PASSWORD, code).await.refused(409, "second_factor_off");
    api.login(&ann.email).await;
    let mails = mails(&api, &ann).await;
    assert_eq!(mails.last().map(String::as_str), Some("second_factor_off"), "{mails:?}");
    api.close().await;
}

#[tokio::test]
async fn guesses_of_codes_are_throttled_whatever_asks_for_them() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let (_, codes) = turned_on(&api, &ann).await;
    let token = first_step(&api, &ann).await;
    for _ in 0..5 {
        second_step(&api, &token, "000000").await.refused(401, "code_invalid");
    }
    // However slow the test is.
    let hold = "UPDATE login_throttle SET blocked_until = now() + interval '1 hour' WHERE blocked_until IS NOT NULL";
    sqlx::query(hold).execute(&api.db.pool).await.unwrap();
    // The right code has to wait as well, and so has everything else that asks for one; the password is still judged.
    let answer = second_step(&api, &token, &codes[0]).await.refused(429, "too_many_attempts");
    assert!(answer.headers.contains_key("retry-after"));
    both(&api, &ann, "disable", PASSWORD, &codes[0]).await.refused(429, "too_many_attempts");
    both(&api, &ann, "recovery-codes", PASSWORD, &codes[0]).await.refused(429, "too_many_attempts");
    first_step(&api, &ann).await;
    sqlx::query("UPDATE login_throttle SET blocked_until = NULL").execute(&api.db.pool).await.unwrap();
    second_step(&api, &token, &codes[0]).await.ok();
    api.close().await;
}

#[tokio::test]
async fn a_new_password_leaves_the_second_factor_on_and_ends_the_login_that_waits() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let (_, codes) = turned_on(&api, &ann).await;
    let token = first_step(&api, &ann).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let reset = market::identity::store::mint_password_reset(&mut conn, &ann.email).await.unwrap().unwrap();
    drop(conn);
    let body = json!({"token": reset, "password": PASSWORD});
    assert_eq!(api.post(None, "/v1/auth/password-reset/confirm", body).await.status, 204);
    second_step(&api, &token, &codes[0]).await.refused(401, "mfa_token_invalid");
    let token = first_step(&api, &ann).await;
    second_step(&api, &token, &codes[0]).await.ok();
    api.close().await;
}

#[tokio::test]
async fn an_administrator_helps_whoever_has_lost_everything() {
    let api = TestApi::new().await;
    let (ann, admin) = (api.person("Ann").await, api.admin().await);
    let remove = |user: String| format!("/v1/admin/users/{user}/remove-second-factor");
    let because = || json!({"reason": "She came with her passport."});
    let path = remove(ann.id.to_string());
    api.post(Some(&admin), &path, because()).await.refused(409, "second_factor_off");
    turned_on(&api, &ann).await;
    api.post(Some(&ann), &path, because()).await.refused(403, "role_too_low");
    api.post(Some(&admin), &remove(admin.id.to_string()), because()).await.refused(403, "not_yourself");
    let nobody = remove(uuid::Uuid::nil().to_string());
    api.post(Some(&admin), &nobody, because()).await.refused(404, "not_found");
    api.post(Some(&admin), &path, json!({"reason": " "})).await.refused(422, "reason_length");
    assert_eq!(api.post(Some(&admin), &path, because()).await.status, 204);
    api.login(&ann.email).await;
    assert_eq!(mails(&api, &ann).await, ["second_factor_on", "second_factor_off"]);
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=user&subject_id={}", ann.id)).await.ok();
    assert_eq!(log["items"][0]["action"], "user.remove_second_factor", "{log}");
    api.close().await;
}

#[tokio::test]
async fn where_it_is_asked_for_a_role_counts_only_with_a_second_factor() {
    let api = TestApi::with(&[("STAFF_SECOND_FACTOR", "true")]).await;
    let (ann, admin) = (api.person("Ann").await, api.admin().await);
    let refused = api.get(Some(&admin), "/v1/admin/users").await.refused(403, "role_too_low");
    assert!(refused.body["detail"].as_str().unwrap().contains("second factor"), "{refused:?}");
    let others = api.get(Some(&ann), "/v1/admin/users").await.refused(403, "role_too_low");
    assert!(!others.body["detail"].as_str().unwrap().contains("second factor"), "{others:?}");
    // Everything else is theirs, and from the next request on the role is.
    assert_eq!(api.get(Some(&admin), "/v1/me").await.ok()["platform_role"], "admin");
    let (_, codes) = turned_on(&api, &admin).await;
    api.get(Some(&admin), "/v1/admin/users").await.ok();
    assert_eq!(both(&api, &admin, "disable", PASSWORD, &codes[0]).await.status, 204);
    api.get(Some(&admin), "/v1/admin/users").await.refused(403, "role_too_low");
    api.close().await;
}

#[tokio::test]
async fn what_is_shown_once_is_shown_nowhere_else() {
    let api = TestApi::new().await;
    let (ann, admin) = (api.person("Ann").await, api.admin().await);
    let (app, codes) = turned_on(&api, &ann).await;
    let typed = totp::base32(app.0.expose_secret());
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=user&subject_id={}", ann.id)).await.ok();
    assert_eq!(log["items"][0]["action"], "user.enable_second_factor", "{log}");
    let shown: Vec<Value> = vec![
        log,
        api.get(Some(&ann), "/v1/me/second-factor").await.ok(),
        api.get(Some(&ann), "/v1/me").await.ok(),
        api.call(Some(&ann), Method::GET, "/v1/me/sessions", json!({})).await.ok(),
    ];
    for answer in shown {
        let text = answer.to_string();
        assert!(!text.contains(&typed) && codes.iter().all(|code| !text.contains(code.as_str())), "{text}");
    }
    api.close().await;
}
