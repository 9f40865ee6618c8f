//! Access tokens: short-lived, signed, and worth nothing without their session (see [`super::caller`]).

use std::fmt;

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use market::ids::SessionId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::clock::Clock;
use shared::ids::UserId;

/// How long an access token works, in minutes.
pub const ACCESS_MINUTES: i64 = 15;
/// How far the clocks of two API processes may differ, in seconds.
const LEEWAY: u64 = 5;
const AUDIENCE: &str = "tradeyard-api";

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    /// The session; when it ends, its tokens do.
    pub sid: SessionId,
    /// The account's session version; when it rises, all its tokens end.
    pub ver: i32,
}

/// Signs and checks access tokens with one key and one algorithm.
#[derive(Clone)]
pub struct Tokens {
    issuer: String,
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    clock: Clock,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the access token has expired")]
    Expired,
    #[error("the access token is not valid")]
    Invalid,
}

impl Tokens {
    /// `issuer` is the API's public address.
    #[must_use]
    pub fn new(secret: &SecretString, issuer: &str, clock: Clock) -> Self {
        let secret = secret.expose_secret().as_bytes();
        // The algorithm is ours to choose, never the token's.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub", "nbf"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        Self {
            issuer: issuer.to_owned(),
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            clock,
        }
    }

    /// A token for one session.
    pub fn sign(&self, user: UserId, session: SessionId, version: i32) -> Result<String, jsonwebtoken::errors::Error> {
        let now = self.clock.now();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + TimeDelta::minutes(ACCESS_MINUTES)).timestamp(),
            sid: session,
            ver: version,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
    }

    /// Checks signature, algorithm, times, issuer and audience.
    pub fn check(&self, token: &str) -> Result<Claims, TokenError> {
        match jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) if *error.kind() == jsonwebtoken::errors::ErrorKind::ExpiredSignature => {
                Err(TokenError::Expired)
            }
            Err(_) => Err(TokenError::Invalid),
        }
    }
}

#[cfg(test)]
mod tests {
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
        for token in [format!("{header}.{payload}."), format!("{header}.{payload}"), String::new(), "a.b.c".to_owned()]
        {
            assert!(tokens.check(&token).is_err(), "{token}");
        }
    }
}
