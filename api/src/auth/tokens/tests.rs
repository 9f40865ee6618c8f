use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://tradeyard.example";

fn tokens(clock: Clock) -> Tokens {
    Tokens::new(&"k".repeat(32).into(), ISSUER, clock)
}

fn signed(claims: &Value, algorithm: Algorithm, key: &str) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

fn claims() -> Value {
    let token = tokens(Clock::SYSTEM).sign(UserId::generate(), SessionId::generate(), 3).unwrap();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_token_says_what_was_signed() {
    let tokens = tokens(Clock::SYSTEM);
    let (user, session) = (UserId::generate(), SessionId::generate());
    let claims = tokens.check(&tokens.sign(user, session, 3).unwrap()).unwrap();
    assert_eq!((claims.sub, claims.sid, claims.ver), (user, session, 3));
    assert_eq!(claims.exp - claims.nbf, 15 * 60);
}

#[test]
fn times_are_checked_with_five_seconds_of_leeway() {
    let now = Clock::SYSTEM.now();
    let minted = |ago: i64| {
        let token = tokens(Clock::manual(now - TimeDelta::seconds(ago)));
        token.sign(UserId::generate(), SessionId::generate(), 1).unwrap()
    };
    let check = |token: &str| tokens(Clock::SYSTEM).check(token).map(|_| ());
    assert_eq!(check(&minted(15 * 60 + 60)), Err(TokenError::Expired));
    assert_eq!(check(&minted(15 * 60 + 10)), Err(TokenError::Expired));
    assert_eq!(check(&minted(15 * 60 - 60)), Ok(()));
    assert_eq!(check(&minted(-60)), Err(TokenError::Invalid));
}

#[test]
fn every_claim_is_required() {
    let tokens = tokens(Clock::SYSTEM);
    let key = "k".repeat(32);
    assert!(tokens.check(&signed(&claims(), Algorithm::HS256, &key)).is_ok());
    for claim in ["exp", "iss", "aud", "sub", "nbf", "sid", "ver"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(
            tokens.check(&signed(&claims, Algorithm::HS256, &key)).map(|_| ()),
            Err(TokenError::Invalid),
            "{claim}"
        );
    }
    for (claim, value) in [("iss", json!("https://evil.example")), ("aud", json!("other")), ("sub", json!("x"))] {
        let mut claims = claims();
        claims[claim] = value;
        assert!(tokens.check(&signed(&claims, Algorithm::HS256, &key)).is_err(), "{claim}");
    }
}

#[test]
fn other_keys_and_algorithms_are_refused() {
    let tokens = tokens(Clock::SYSTEM);
    let key = "k".repeat(32);
    assert!(tokens.check(&signed(&claims(), Algorithm::HS256, "another key of at least 32 bytes")).is_err());
    assert!(tokens.check(&signed(&claims(), Algorithm::HS384, &key)).is_err());
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    let payload = URL_SAFE_NO_PAD.encode(claims().to_string());
    for token in [format!("{header}.{payload}."), format!("{header}.{payload}"), String::new(), "a.b.c".to_owned()] {
        assert!(tokens.check(&token).is_err(), "{token}");
    }
}
