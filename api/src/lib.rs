//! The HTTP API: thin. It checks, commits to PostgreSQL together with the jobs that belong to it, and answers.

pub mod app;
pub mod auth;
mod cache;
mod caching;
mod conditional;
mod contract;
pub mod error;
pub mod extract;
pub mod idempotency;
mod middleware;
mod openapi;
pub mod paging;
pub mod rate;
pub mod reads;
pub mod realtime;
mod routes;
mod semantics;
pub mod serve;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;
pub mod views;

use std::time::Duration;

use shared::blobs::Blobs;
use shared::config::Config;
use shared::program::Signals;
use tokio_util::sync::CancellationToken;

use serve::Server;
use state::AppState;

/// How long after a failed call the file store is asked again at the start.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// Runs the API until `signals` ask it to stop: binds, serves, and lets the requests in hand end.
pub async fn serve(config: Config, signals: Signals) -> anyhow::Result<()> {
    let shutdown = signals.stop;
    let state = start(config, shutdown.clone())?;
    signals.health.add_details(routes::health::details(state.clone()));
    // In the background: without the store everything works but photographs and downloads.
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(prepare_store(state.blobs.clone())));
    let http = &state.config.http;
    let server = Server::bind(http.addr).await?.within(http.connections, &http.trusted_proxies);
    tracing::info!(http.addr = %server.addr, "the API listens");
    let ledger = state.ledger.clone();
    server.run(app::router(&state)?, shutdown).await;
    ledger.drained().await;
    Ok(())
}

/// Makes the bucket of a new installation, as soon as the store answers.
async fn prepare_store(blobs: Blobs) {
    let mut warned = false;
    loop {
        match blobs.ensure_bucket().await {
            Ok(()) => return,
            Err(error) if error.is_temporary() => {
                if !warned {
                    tracing::warn!(%error, "the file store does not answer yet");
                }
                warned = true;
                tokio::time::sleep(STORE_AGAIN).await;
            }
            Err(error) => {
                tracing::error!(%error, "the file store cannot be used: is S3_BUCKET there, and are the keys right?");
                return;
            }
        }
    }
}

/// Connects what the API needs and starts its background tasks, which end with `shutdown`.
pub fn start(config: Config, shutdown: CancellationToken) -> anyhow::Result<AppState> {
    let state = state::connect(config, shutdown.clone())?;
    realtime::start(&state, routes::TOPICS);
    views::start(&state, shutdown);
    Ok(state)
}
