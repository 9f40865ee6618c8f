#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Value, json};
use shared::crypto::totp;
use tests::installation::TestInstallation;
use tests::installation::people::Answer;

const PASSWORD: &str = "correct horse battery";

/// What somebody without a session is answered.
async fn post(market: &TestInstallation, path: &str, body: Value) -> Answer {
    let answer = Client::new().post(format!("{}{path}", market.base)).json(&body).send().await.unwrap();
    let status = answer.status();
    Answer { status, body: serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default() }
}

/// What an app reads from the QR code's link.
fn secret(uri: &str) -> SecretSlice<u8> {
    let typed = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let letters = typed.bytes().map(|it| if it.is_ascii_digit() { it - b'2' + 26 } else { it - b'A' });
    let bits: Vec<u8> = letters.flat_map(|letter| (0..5).rev().map(move |place| (letter >> place) & 1)).collect();
    let whole = bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| (byte << 1) | bit));
    SecretSlice::from(whole.collect::<Vec<u8>>())
}

/// The code that the app shows so many steps after the present one.
async fn shown(market: &TestInstallation, app: &SecretSlice<u8>, ahead: i64) -> String {
    let now = "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint";
    let now: i64 = sqlx::query_scalar(now).fetch_one(&market.db.pool).await.unwrap();
    totp::code(app.expose_secret(), totp::step_at(now) + ahead)
}

/// Somebody scans the code, and logs in with two steps from then on: with the app, whose codes work once, and after losing it with a
/// recovery code, which works once as well and is told by mail. Nine are left, and one of them turns it off.
#[tokio::test(flavor = "multi_thread")]
async fn row_two_factors_and_recovery_codes() {
    let market = TestInstallation::new().await;
    let ann = market.person("Ann").await;
    let begun = ann.post("/v1/me/second-factor/enrol", json!({"password": PASSWORD})).await.ok();
    let app = secret(begun["uri"].as_str().unwrap());
    let code = shown(&market, &app, 0).await;
    let confirmed = ann.post("/v1/me/second-factor/confirm", json!({"code": code})).await.ok();
    let codes: Vec<String> = serde_json::from_value(confirmed["recovery_codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    market.mail_to(&ann.email, "Logging in takes two steps now").await;

    let first = async || {
        let refused = post(&market, "/v1/auth/login", json!({"email": ann.email, "password": PASSWORD})).await;
        refused.refused(401, "mfa_required");
        refused.body["mfa_token"].as_str().unwrap().to_owned()
    };
    let second = async |token: &str, code: &str| {
        post(&market, "/v1/auth/login/second-factor", json!({"mfa_token": token, "code": code})).await
    };
    let token = first().await;
    second(&token, &code).await.refused(401, "code_invalid");
    let next = shown(&market, &app, 1).await;
    let (one, other) = tokio::join!(second(&token, &next), second(&token, &next));
    let mut answers = [one.status.as_u16(), other.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [200, 401], "{one:?} {other:?}");

    // The telephone is lost.
    let token = first().await;
    assert!(second(&token, &codes[0]).await.ok()["access_token"].is_string());
    second(&first().await, &codes[0]).await.refused(401, "code_invalid");
    let mail = market.mail_to(&ann.email, "A recovery code was used").await;
    assert!(mail.contains("9 are left"), "{mail}");
    let left = ann.get("/v1/me/second-factor").await.ok();
    assert_eq!(left["recovery_codes_left"], 9, "{left}");
    let off = json!({"password": PASSWORD, "code": codes[1]});
    assert_eq!(ann.post("/v1/me/second-factor/disable", off).await.status, 204);
    market.mail_to(&ann.email, "Logging in takes only your password again").await;
    let _ = post(&market, "/v1/auth/login", json!({"email": ann.email, "password": PASSWORD})).await.ok();
    market.close().await;
}
