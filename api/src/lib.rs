//! The HTTP API: thin. It checks, commits to PostgreSQL together with the jobs that belong to it, and answers.

pub mod app;
pub mod auth;
pub mod error;
pub mod extract;
pub mod idempotency;
mod middleware;
mod openapi;
pub mod paging;
pub mod realtime;
mod routes;
pub mod serve;
#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

use jobs::cargo::EventLane;
use jobs::queues;
use queue::Ledger;
use queue::fast_path::FastPath;
use queue::transport::Brokers;
use shared::blobs::Blobs;
use shared::clock::Clock;
use shared::config::Config;
use shared::db;
use shared::realtime::Publisher;
use tokio_util::sync::CancellationToken;

use app::{AppState, Services};
use auth::passwords::Passwords;
use auth::tokens::Tokens;
use realtime::hub::Hub;
use serve::Server;

/// How long after a failed call the file store is asked again at the start.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// Runs the API until `shutdown`: binds, serves, and lets the requests in hand end.
pub async fn serve(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let state = state(config, shutdown.clone())?;
    // In the background: without the store everything works but photographs and downloads.
    tokio::spawn(shutdown.clone().run_until_cancelled_owned(prepare_store(state.blobs.clone())));
    let server = Server::bind(state.config.http.addr).await?;
    tracing::info!(http.addr = %server.addr, "the API listens");
    let ledger = state.ledger.clone();
    server.run(app::router(state), shutdown).await;
    ledger.drained().await;
    Ok(())
}

/// Makes the bucket of a new installation, as soon as the store answers.
async fn prepare_store(blobs: Blobs) {
    let mut told = false;
    loop {
        match blobs.ensure_bucket().await {
            Ok(()) => return,
            Err(error) if error.is_temporary() => {
                if !told {
                    tracing::warn!(%error, "the file store does not answer yet");
                }
                told = true;
                tokio::time::sleep(STORE_AGAIN).await;
            }
            Err(error) => {
                tracing::error!(%error, "the file store cannot be used: is S3_BUCKET there, and are the keys right?");
                return;
            }
        }
    }
}

/// What the API needs, made from the configuration. Connections open when they are first used; background tasks end with
/// `shutdown`.
pub fn state(config: Config, shutdown: CancellationToken) -> anyhow::Result<AppState> {
    let db = db::pool(&config.database.url, config.database.connections, "api")?;
    let brokers = Brokers::connect(&config, db.clone());
    let fast_path = FastPath::open(db.clone(), brokers.clone(), queues::ALL.to_vec(), shutdown.clone());
    let events = db::pool(&config.events_database_url, config.database.connections, "api-events")?;
    // Fails now rather than at the first login.
    let tokens = Tokens::new(config.jwt_secret()?, &config.http.public_url, Clock::SYSTEM);
    shared::telemetry::metrics();
    let publisher = Publisher::start(config.redis_url.as_ref(), &config.namespace)?;
    let state = AppState::new(Services {
        ledger: Ledger::new(db.clone()).with_fast_path(fast_path).with_publisher(publisher.clone()),
        db,
        brokers,
        lane: EventLane::new(&config, events.clone()),
        events,
        tokens,
        passwords: Passwords::new(config.auth.password_cost),
        publisher,
        hub: Hub::default(),
        registry: jobs::registry()?,
        blobs: Blobs::new(&config.s3)?,
        clock: Clock::SYSTEM,
        shutdown,
        config,
    });
    realtime::start(&state);
    Ok(state)
}
