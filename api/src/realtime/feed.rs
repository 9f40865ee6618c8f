//! The one subscription of this process: what it hears goes to the hub.

use std::time::Duration;

use anyhow::Context;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use shared::backoff;
use shared::realtime::{self, Event};
use tokio::sync::broadcast::error::RecvError;

use super::topic::{Carries, Topics};
use crate::state::AppState;

/// How often this process publishes a beat to itself.
const BEAT: Duration = Duration::from_secs(5);
/// Without any message for this long the connection is taken for dead: a half-open one gives no other sign.
const SILENCE: Duration = Duration::from_secs(15);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Waits longer after each failure to subscribe.
const WAITS: ExponentialBuilder = backoff::endless(Duration::from_millis(100), LONGEST_WAIT);
const BEAT_TOPIC: &str = "beat";

/// Feeds the hub until the process ends.
pub(super) async fn run(state: AppState, topics: Topics) {
    let shutdown = state.shutdown.clone();
    let feed = async {
        match state.config.redis_url.clone() {
            None => local(&state, topics).await,
            Some(url) => from_redis(&state, topics, &url).await,
        }
    };
    tokio::select! {
        () = feed => {}
        () = shutdown.cancelled() => {}
    }
}

async fn local(state: &AppState, topics: Topics) {
    let mut events = realtime::local().subscribe();
    loop {
        match events.recv().await {
            Ok(event) => deliver(state, topics, event),
            Err(RecvError::Lagged(_)) => state.hub.resync(),
            Err(RecvError::Closed) => return,
        }
    }
}

fn deliver(state: &AppState, topics: Topics, event: Event) {
    match topics.find(&event.topic) {
        Some((kind, _)) if kind.carries() == Carries::State => state.hub.deliver_paced(event),
        _ => state.hub.deliver(event),
    }
}

async fn from_redis(state: &AppState, topics: Topics, url: &SecretString) {
    let mut waits = WAITS.build();
    loop {
        let mut connected = false;
        if let Err(error) = listen(state, topics, url, &mut connected).await {
            // Liveness is lost for a moment, data is not: no error.
            tracing::warn!(%error, "the subscription to Redis broke");
        }
        if connected {
            waits = WAITS.build();
        }
        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
    }
}

/// Subscribes and delivers until the connection breaks.
async fn listen(state: &AppState, topics: Topics, url: &SecretString, connected: &mut bool) -> anyhow::Result<()> {
    let client = redis::Client::open(url.expose_secret())?;
    let mut subscription =
        tokio::time::timeout(BEAT, client.get_async_pubsub()).await.context("no answer in time")??;
    subscription.subscribe(realtime::channel(&state.config.namespace)).await?;
    *connected = true;
    // Whatever happened until now was missed.
    state.hub.resync();
    let mut messages = subscription.into_on_message();
    let mut beat = tokio::time::interval(BEAT);
    let mut heard = tokio::time::Instant::now();
    loop {
        tokio::select! {
            message = messages.next() => {
                let message = message.context("the connection ended")?;
                heard = tokio::time::Instant::now();
                // Somebody else may publish on our channel; what is no event of ours is nothing.
                if let Ok(event) = serde_json::from_slice::<Event>(message.get_payload_bytes()) {
                    deliver(state, topics, event);
                }
            }
            _ = beat.tick() => {
                anyhow::ensure!(heard.elapsed() < SILENCE, "nothing heard for {} s", SILENCE.as_secs());
                let (topic, kind) = (BEAT_TOPIC.to_owned(), BEAT_TOPIC.to_owned());
                state.publisher.publish(Event { topic, seq: 0, kind, data: Value::Null });
            }
        }
    }
}
