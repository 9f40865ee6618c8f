//! The sender of webhooks: one after the other, until each is taken.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tokio::sync::Notify;

use super::faults::{Fate, Fault, Faults};

/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before a webhook that was not taken is sent again.
const PAUSE: Duration = Duration::from_millis(200);
/// A webhook that was not taken so many times is given up.
const TRIES: u32 = 50;

/// How a webhook is signed in its header.
#[derive(Debug, Clone)]
pub(crate) enum Header {
    /// By us, anew each time that it is sent: the receiver refuses old signatures.
    Signed(&'static str),
    /// By us, over the body alone.
    Hashed(&'static str),
    /// As it came from elsewhere.
    Given(&'static str, String),
    /// Not at all. It is a form, and goes to this address.
    Unsigned(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) kind: String,
    pub(crate) body: Vec<u8>,
    pub(crate) header: Header,
}

/// The webhook that is next, how many times it is sent, and how much later than it could be.
struct Delivery {
    webhook: Webhook,
    times: u32,
    late: Duration,
}

/// Webhooks that are not on their way yet, and what goes wrong with them and with the acts.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: Mutex<(Vec<Webhook>, Faults)>,
    /// Wakes the sender.
    news: Notify,
    key: SecretString,
    /// `None`: nowhere.
    url: Option<String>,
}

impl Outbox {
    pub(crate) fn new(key: SecretString, url: Option<String>) -> Self {
        Self { waiting: Mutex::default(), news: Notify::new(), key, url }
    }

    fn waiting(&self) -> MutexGuard<'_, (Vec<Webhook>, Faults)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, webhook: Webhook) {
        self.waiting().0.push(webhook);
        self.news.notify_one();
    }

    /// Misbehaves from now on. Webhooks that were held may be free to go.
    pub(crate) fn inject(&self, fault: Fault) {
        self.waiting().1.add(fault);
        self.news.notify_one();
    }

    /// What happens to the next act.
    pub(crate) fn fate(&self) -> Fate {
        self.waiting().1.fate()
    }

    /// Sends what happens, for ever.
    pub(crate) async fn send_all(&self) {
        let http = reqwest::Client::new();
        loop {
            let Some(Delivery { webhook, times, late }) = self.next() else {
                self.news.notified().await;
                continue;
            };
            if !late.is_zero() {
                tokio::time::sleep(late).await;
            }
            for _ in 0..times {
                self.send(&http, &webhook).await;
            }
        }
    }

    fn next(&self) -> Option<Delivery> {
        let (webhooks, faults) = &mut *self.waiting();
        let held = faults.reverse;
        if held > 0 {
            if webhooks.len() < held {
                return None;
            }
            faults.reverse = 0;
            webhooks[..held].reverse();
        }
        if webhooks.is_empty() {
            return None;
        }
        Some(Delivery {
            webhook: webhooks.remove(0),
            times: if faults.repeats() { 2 } else { 1 },
            late: faults.lateness(),
        })
    }

    async fn send(&self, http: &reqwest::Client, webhook: &Webhook) {
        let (url, kind) = match &webhook.header {
            Header::Unsigned(url) => (Some(url), "application/x-www-form-urlencoded"),
            _ => (self.url.as_ref(), "application/json"),
        };
        let Some(url) = url else { return };
        let key = self.key.expose_secret();
        for _ in 0..TRIES {
            let signed = match &webhook.header {
                Header::Unsigned(_) => None,
                Header::Given(name, signature) => Some((*name, Some(signature.clone()))),
                Header::Signed(name) => Some((*name, sign(key, &webhook.body, now()))),
                Header::Hashed(name) => Some((*name, code(key, &webhook.body).map(|code| format!("sha256={code}")))),
            };
            let mut request = http.post(url).timeout(PATIENCE).header("content-type", kind);
            match signed {
                None => {}
                Some((name, Some(signature))) => request = request.header(name, signature),
                Some((_, None)) => {
                    tracing::warn!("the payment provider's server has no key for its webhooks");
                    return;
                }
            }
            let answer = request.body(webhook.body.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        tracing::warn!(webhook.kind, "nobody took a webhook of the payment provider's server");
    }
}

#[expect(clippy::disallowed_methods, reason = "the provider's own clock: a server apart from the product")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The header of a webhook: `t=<unix seconds>,v1=<HMAC-SHA256 of "t.body" in hexadecimal>`.
fn sign(key: &str, body: &[u8], at: DateTime<Utc>) -> Option<String> {
    let mut signed = format!("{}.", at.timestamp()).into_bytes();
    signed.extend_from_slice(body);
    Some(format!("t={},v1={}", at.timestamp(), code(key, &signed)?))
}

/// HMAC-SHA256 in hexadecimal; `None` without a key.
fn code(key: &str, signed: &[u8]) -> Option<String> {
    if key.is_empty() {
        return None;
    }
    let mut code = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    code.update(signed);
    Some(hex::encode(code.finalize().into_bytes()))
}
