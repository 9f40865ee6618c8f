//! What mails lead to: verified addresses and new passwords.

use market::identity::store;
use reqwest::Method;
use serde_json::json;

use crate::testing::{Answer, PASSWORD, Person, TestApi};

#[tokio::test]
async fn a_link_verifies_its_address_once() {
    let api = TestApi::new().await;
    let ann = api.unverified("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (email, token) = store::mint_email_verification(&mut conn, ann.id).await.unwrap().unwrap();
    assert_eq!(email, ann.email);
    let verify = async |password: &str| {
        api.post(None, "/v1/auth/verify-email", json!({"token": token, "password": password})).await
    };
    verify("guessed it").await.refused(401, "invalid_credentials");
    assert_eq!(verify(PASSWORD).await.status, 204);
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["email_verified"], true);
    verify(PASSWORD).await.refused(422, "token_invalid");
    // Nothing is left to verify.
    assert_eq!(store::mint_email_verification(&mut conn, ann.id).await.unwrap(), None);
    drop(conn);
    api.close().await;
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
    api.close().await;
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
    let confirm = json!({"token": old_link, "password": "a password of Ann's"});
    api.post(None, "/v1/auth/verify-email", confirm).await.refused(422, "token_invalid");
    api.get(Some(&stranger), "/v1/me").await.refused(401, "session_ended");
    api.post(None, "/v1/auth/refresh", json!({"refresh_token": stranger.refresh}))
        .await
        .refused(401, "refresh_invalid");
    let login = json!({"email": stranger.email, "password": PASSWORD});
    api.post(None, "/v1/auth/login", login).await.refused(401, "invalid_credentials");
    let login = json!({"email": stranger.email, "password": "a password of Ann's"});
    let tokens = api.post(None, "/v1/auth/login", login).await.ok();
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    let ann = Person { access, ..stranger.clone() };
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["email_verified"], true);
    // She is told of it, and it stands in the log.
    let sql = "SELECT count(*) FROM emails WHERE template = 'password_changed' AND user_id = $1";
    let told: i64 = sqlx::query_scalar(sql).bind(ann.id.0).fetch_one(&mut *conn).await.unwrap();
    assert_eq!(told, 1);
    let subject = ann.id.to_string();
    let log = shared::audit::page(&mut conn, Some(("user", &subject)), None, 10).await.unwrap();
    assert_eq!((log[0].action.as_str(), log[0].actor), ("user.reset_password", Some(ann.id)));
    drop(conn);
    api.close().await;
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
    api.close().await;
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
    api.close().await;
}

/// Sends a form of a page.
async fn send_form(api: &TestApi, path: &str, form: &str) -> Answer {
    let request = api.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    api.send(request.body(form.to_owned())).await
}

/// Asserts the status of a page and what it says.
#[track_caller]
fn says(page: &Answer, status: u16, words: &str) {
    assert!(page.status == status && page.body.as_str().unwrap().contains(words), "{words}: {page:?}");
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("form-action 'self'"));
}

#[tokio::test]
async fn the_page_of_the_link_verifies_with_the_password_only() {
    let api = TestApi::new().await;
    let ann = api.unverified("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (_, token) = store::mint_email_verification(&mut conn, ann.id).await.unwrap().unwrap();
    drop(conn);
    let path = format!("/verify-email?token={token}");
    let verified = async || api.get(Some(&ann), "/v1/me").await.ok()["email_verified"] == true;
    for _ in 0..2 {
        says(&api.get(None, &path).await, 200, &format!("action=\"{path}\""));
    }
    says(&send_form(&api, &path, "password=guessed+it").await, 401, "the password is wrong");
    send_form(&api, &path, "").await.refused(400, "invalid_body");
    assert!(!verified().await);
    let form = format!("password={}", PASSWORD.replace(' ', "+"));
    says(&send_form(&api, &path, &form).await, 200, "Thank you");
    assert!(verified().await);
    says(&send_form(&api, &path, &form).await, 422, "This link does not work");
    let page = api.get(None, "/verify-email?token=%22%3E%3Cscript%3E").await;
    assert_eq!(page.status, 422);
    assert!(!page.body.as_str().unwrap().contains("script"), "{page:?}");
    api.close().await;
}

#[tokio::test]
async fn the_true_owners_click_does_not_confirm_a_strangers_account() {
    let api = TestApi::new().await;
    let stranger = api.unverified("Ann").await;
    // A mail with the link reaches Ann, whatever asked for it, and she clicks.
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (_, token) = store::mint_email_verification(&mut conn, stranger.id).await.unwrap().unwrap();
    let path = format!("/verify-email?token={token}");
    let looked = api.get(None, &path).await;
    says(&looked, 200, "It was not you who registered");
    // All that she can do without the stranger's password is to ask for one of her own.
    says(&send_form(&api, &path, "password=a+password+of+Anns").await, 401, "the password is wrong");
    let body = json!({"token": token, "password": "a password of Anns"});
    api.post(None, "/v1/auth/verify-email", body).await.refused(401, "invalid_credentials");
    assert_eq!(api.get(Some(&stranger), "/v1/me").await.ok()["email_verified"], false);
    let asked = format!("/verify-email/new-password?token={token}");
    assert!(looked.body.as_str().unwrap().contains(&format!("action=\"{asked}\"")));
    for _ in 0..2 {
        says(&send_form(&api, &asked, "").await, 200, "A mail is on its way");
    }
    assert!((1..=2).contains(&mails_to(&api, "reset_password", &stranger.email).await), "one, or the hour has turned");
    let unknown = send_form(&api, "/verify-email/new-password?token=unknown", "").await;
    says(&unknown, 422, "This link does not work");
    // What that mail leads to confirms the address, and leaves the stranger nothing.
    let reset = store::mint_password_reset(&mut conn, &stranger.email).await.unwrap().unwrap();
    let set = send_form(&api, &format!("/reset-password?token={reset}"), "password=a+password+of+Anns").await;
    says(&set, 200, "Thank you");
    api.get(Some(&stranger), "/v1/me").await.refused(401, "session_ended");
    let login = async |password: &str| {
        api.post(None, "/v1/auth/login", json!({"email": stranger.email, "password": password})).await
    };
    login(PASSWORD).await.refused(401, "invalid_credentials");
    let access = login("a password of Anns").await.ok()["access_token"].as_str().unwrap().to_owned();
    let ann = Person { access, ..stranger.clone() };
    assert_eq!(api.get(Some(&ann), "/v1/me").await.ok()["email_verified"], true);
    drop(conn);
    api.close().await;
}

#[tokio::test]
async fn guesses_at_the_link_are_counted_as_logins() {
    let api = TestApi::new().await;
    let ann = api.unverified("Ann").await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let (_, token) = store::mint_email_verification(&mut conn, ann.id).await.unwrap().unwrap();
    drop(conn);
    let path = format!("/verify-email?token={token}");
    for _ in 0..5 {
        says(&send_form(&api, &path, "password=guessed+it").await, 401, "the password is wrong");
    }
    let form = format!("password={}", PASSWORD.replace(' ', "+"));
    says(&send_form(&api, &path, &form).await, 429, "too many failed logins");
    api.close().await;
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
    let confirm = json!({"token": token, "password": PASSWORD});
    api.post(None, "/v1/auth/verify-email", confirm).await.refused(422, "token_invalid");
    drop(conn);
    api.close().await;
}
