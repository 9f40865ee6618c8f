//! The client of localstripe.

use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::book::{Reply, problem};

#[derive(Debug)]
pub(super) struct Upstream {
    http: reqwest::Client,
    base: String,
    key: SecretString,
}

impl Upstream {
    pub(super) fn new(base: String, key: SecretString) -> Self {
        Self { http: reqwest::Client::new(), base, key }
    }

    /// Has localstripe send its webhooks about payment intents to `url`.
    pub(super) async fn send_webhooks(&self, url: &str, key: &SecretString) -> reqwest::Result<()> {
        let events = ["payment_intent.succeeded", "payment_intent.payment_failed"];
        let body = json!({ "url": url, "secret": key.expose_secret(), "events": events });
        self.http
            .post(format!("{}/_config/webhooks/supplement", self.base))
            .json(&body)
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.answer(self.http.get(format!("{}{path}", self.base))).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.answer(self.http.post(format!("{}{path}", self.base)).json(body)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Reply {
        let answered = async {
            let answer = request.bearer_auth(self.key.expose_secret()).send().await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        match answered.await {
            Ok((status, body)) => {
                // localstripe's answer to a path that it does not know is text.
                let body = serde_json::from_slice(&body);
                (status, body.unwrap_or_else(|_| json!({ "error": { "type": "invalid_request_error" } })))
            }
            Err(error) => problem(StatusCode::BAD_GATEWAY, "api_error", &format!("localstripe: {error}")),
        }
    }
}
