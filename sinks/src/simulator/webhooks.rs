//! The sender of webhooks: one after the other, until each is taken.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::Desk;
use super::book::Event;

/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before a webhook that was not taken is sent again.
const PAUSE: Duration = Duration::from_millis(200);
/// A webhook that was not taken so many times is given up.
const TRIES: u32 = 50;

/// Sends what happens, for ever.
pub(super) async fn send_all(desk: Arc<Desk>) {
    let http = reqwest::Client::new();
    loop {
        let Some(event) = next(&desk) else {
            desk.news.notified().await;
            continue;
        };
        let times = if desk.book().faults.repeats() { 2 } else { 1 };
        for _ in 0..times {
            send(&http, &desk, &event).await;
        }
    }
}

/// The event to be sent now.
fn next(desk: &Desk) -> Option<Event> {
    let mut book = desk.book();
    let held = book.faults.reverse;
    if held > 0 {
        if book.events.len() < held {
            return None;
        }
        book.faults.reverse = 0;
        book.events[..held].reverse();
    }
    if book.events.is_empty() { None } else { Some(book.events.remove(0)) }
}

async fn send(http: &reqwest::Client, desk: &Desk, event: &Event) {
    let Some(url) = &desk.options.webhook_url else { return };
    let Ok(body) = serde_json::to_vec(event) else { return };
    for _ in 0..TRIES {
        // Signed anew each time: the receiver refuses old signatures.
        let Some(signature) = sign(desk.options.webhook_key.expose_secret(), &body, now()) else {
            tracing::warn!("the payment simulator has no key for its webhooks");
            return;
        };
        let request = http.post(url).timeout(PATIENCE).header("content-type", "application/json");
        let answer = request.header("simulator-signature", signature).body(body.clone()).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::warn!(event.id, event.kind, "nobody took a webhook of the payment simulator");
}

#[expect(clippy::disallowed_methods, reason = "the provider's own clock: a server apart from the product")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The header of a webhook: `t=<unix seconds>,v1=<HMAC-SHA256 of "t.body" in hexadecimal>`.
fn sign(key: &str, body: &[u8], at: DateTime<Utc>) -> Option<String> {
    if key.is_empty() {
        return None;
    }
    let mut signed = format!("{}.", at.timestamp()).into_bytes();
    signed.extend_from_slice(body);
    let mut code = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    code.update(&signed);
    Some(format!("t={},v1={}", at.timestamp(), hex::encode(code.finalize().into_bytes())))
}
