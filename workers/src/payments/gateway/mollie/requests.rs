//! Requests to Mollie: who asks, and what an answer means whatever it is about.

use std::time::Duration;

use http_body_util::Full;
use hyper::http::request::Builder;
use hyper::{Request, StatusCode, header};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::answers::{Marked, Page, Problem};
use super::{MollieGateway, SEARCHED};
use crate::http::{bearer, url};
use crate::payments::gateway::{GatewayError, refusal, refused, unknown};

/// How many objects one request lists, at most.
const LISTED: &str = "250";
/// When a request is made again that Mollie is still at.
const IN_USE: Duration = Duration::from_secs(1);

/// Whose credential a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The API key of the profile that takes payments.
    Profile,
    /// The token of the platform's organisation.
    Organisation,
}

impl MollieGateway {
    pub(super) fn is_test(&self) -> bool {
        self.key.expose_secret().starts_with("test_")
    }

    fn url(&self, path: &[&str]) -> Url {
        url(&self.base, &[&["v2"], path].concat())
    }

    /// The answer, or what Mollie says against it. One without a body is null.
    async fn send(
        &self,
        request: Builder,
        whose: Whose,
        body: String,
    ) -> Result<Result<Value, (StatusCode, Problem)>, GatewayError> {
        let secret = match whose {
            Whose::Profile => &self.key,
            Whose::Organisation => {
                self.token.as_ref().ok_or_else(|| GatewayError::Denied { code: "no_token".into() })?
            }
        };
        let request = request.header(header::AUTHORIZATION, bearer(secret)?);
        let answer = self.http.send(request.body(Full::from(body))).await?;
        match answer.status {
            status if status.is_success() && answer.body.is_empty() => Ok(Ok(Value::Null)),
            status if status.is_success() => {
                serde_json::from_slice(&answer.body).map(Ok).map_err(|error| unknown(&error))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(GatewayError::Busy { after: answer.after }),
            StatusCode::CONFLICT => Err(GatewayError::Busy { after: IN_USE }),
            status if status.is_client_error() => {
                let problem = serde_json::from_slice(&answer.body).map_err(|error| unknown(&error))?;
                Ok(Err((status, problem)))
            }
            status => Err(GatewayError::Unknown { what: format!("the provider answered {}", status.as_u16()) }),
        }
    }

    /// The answer to an act, of the kind `resource`. Of another kind, the key was used for something else before.
    pub(super) async fn act<T: DeserializeOwned>(
        &self,
        key: &str,
        whose: Whose,
        path: &[&str],
        body: &Value,
        resource: &str,
    ) -> Result<T, GatewayError> {
        let request = Request::post(self.url(path).as_str()).header("idempotency-key", key);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.made(request, whose, body.to_string(), resource).await
    }

    /// The answer to the cancelling of what the path names, of the kind `resource`. The profile's key may do that.
    pub(super) async fn delete<T: DeserializeOwned>(
        &self,
        key: &str,
        path: &[&str],
        resource: &str,
    ) -> Result<T, GatewayError> {
        let request = Request::delete(self.url(path).as_str()).header("idempotency-key", key);
        self.made(request, Whose::Profile, String::new(), resource).await
    }

    async fn made<T: DeserializeOwned>(
        &self,
        request: Builder,
        whose: Whose,
        body: String,
        resource: &str,
    ) -> Result<T, GatewayError> {
        let made =
            self.send(request, whose, body).await?.map_err(|(status, problem)| refusal(status, problem.code()))?;
        if made["resource"].as_str().unwrap_or_default() != resource {
            return Err(key_reused());
        }
        serde_json::from_value(made).map_err(|error| unknown(&error))
    }

    /// The answer, or `None` if there is nothing of that name.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        whose: Whose,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, GatewayError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        match self.send(Request::get(url.as_str()), whose, String::new()).await? {
            Ok(answer) => serde_json::from_value(answer).map(Some).map_err(|error| unknown(&error)),
            Err((StatusCode::NOT_FOUND, _)) => Ok(None),
            Err((status, problem)) => Err(refusal(status, problem.code())),
        }
    }

    /// One page of a list from the item `from`, newest first.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        whose: Whose,
        path: &[&str],
        from: Option<&str>,
    ) -> Result<Option<Page<T>>, GatewayError> {
        let mut query = vec![("limit", LISTED)];
        query.extend(from.map(|from| ("from", from)));
        query.extend(self.mode(whose));
        self.read(whose, path, &query).await
    }

    /// What a request with the organisation's token says of the mode; an API key is of one mode.
    pub(super) fn mode(&self, whose: Whose) -> Option<(&'static str, &'static str)> {
        (whose == Whose::Organisation && self.is_test()).then_some(("testmode", "true"))
    }

    /// The object of a list that was made with `key`.
    pub(super) async fn made_with<T: DeserializeOwned + Marked>(
        &self,
        key: &str,
        whose: Whose,
        path: &[&str],
    ) -> Result<Option<T>, GatewayError> {
        let mut from: Option<String> = None;
        for _ in 0..SEARCHED {
            let Some(page) = self.page::<T>(whose, path, from.as_deref()).await? else { return Ok(None) };
            from = page.next();
            if let Some(made) = page.items().find(|made| made.key() == Some(key)) {
                return Ok(Some(made));
            }
            if from.is_none() {
                return Ok(None);
            }
        }
        Err(GatewayError::Unknown { what: format!("the key is not among the newest {SEARCHED} pages of {path:?}") })
    }
}

/// The key was used for something else before.
pub(super) fn key_reused() -> GatewayError {
    refused("key_reused")
}
