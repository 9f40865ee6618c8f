//! What every request handler shares.

use std::ops::Deref;
use std::sync::Arc;

use jobs::cargo::EventLane;
use jobs::queues;
use queue::Ledger;
use queue::fast_path::FastPath;
use queue::registry::Registry;
use queue::transport::Brokers;
use shared::blobs::Blobs;
use shared::clock::Clock;
use shared::config::Config;
use shared::crypto::seal::Keyring;
use shared::db;
use shared::realtime::Publisher;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::auth::passwords::Passwords;
use crate::auth::tokens::Tokens;
use crate::cache::Cache;
use crate::idempotency::Together;
use crate::rate::RateLimiter;
use crate::reads::Reads;
use crate::realtime::admission::Admission;
use crate::realtime::hub::Hub;
use crate::routes::auctions::bids::Bidding;
use crate::routes::reports::Asking;
use crate::views::Views;

/// What every request handler shares. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Services>);

/// The API's services, reached through [`AppState`].
#[derive(Debug)]
pub struct Services {
    pub config: Config,
    pub db: PgPool,
    /// What many requests read.
    pub reads: Reads,
    /// Answers that everybody asks for.
    pub(crate) cache: Cache,
    /// Begin transactions here when they also enqueue jobs.
    pub ledger: Ledger,
    /// Bids that come at the same time.
    pub(crate) bids: Together<Bidding>,
    /// Reports that are asked for at the same time.
    pub(crate) reports: Together<Asking>,
    pub brokers: Brokers,
    /// Where cargo events go in.
    pub lane: EventLane,
    /// The cargo event log's database: the main one, or one of its own.
    pub events: PgPool,
    pub tokens: Tokens,
    pub passwords: Passwords,
    /// Seals the secrets of others that the database keeps.
    pub keyring: Keyring,
    /// Seals the keys of conversations.
    pub chat_keyring: Keyring,
    /// Tells clients of changes, after the commit.
    pub publisher: Publisher,
    /// The sockets of this process.
    pub hub: Hub,
    /// The pace at which sockets are let in and take snapshots.
    pub(crate) admission: Admission,
    /// Every kind of job.
    pub registry: Registry,
    /// Signs addresses for uploads and downloads.
    pub blobs: Blobs,
    pub clock: Clock,
    pub rate: RateLimiter,
    /// Who has looked at listings a moment ago.
    pub views: Views,
    /// Cancelled when the process ends; long-lived connections close then.
    pub shutdown: CancellationToken,
}

impl AppState {
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self(Arc::new(services))
    }

    /// Whether pages of this origin may use the API.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        let http = &self.config.http;
        http.public_url == origin || http.cors_origins.iter().any(|known| known == origin)
    }
}

impl Deref for AppState {
    type Target = Services;
    fn deref(&self) -> &Services {
        &self.0
    }
}

/// What the API needs, made from the configuration. Connections open when they are first used.
pub(crate) fn connect(config: Config, shutdown: CancellationToken) -> anyhow::Result<AppState> {
    let (limits, connections) = (config.database.limits, config.database.connections);
    let db = db::pool_within(&config.database.url, limits, connections, "api")?;
    let brokers = Brokers::connect(&config, db.clone());
    let fast_path = FastPath::open(&db, brokers.clone(), queues::ALL.to_vec(), shutdown.clone());
    let events = db::pool_within(&config.events_database_url, limits, connections, "api-events")?;
    // Fails now rather than at the first login.
    let tokens = Tokens::new(config.jwt_secret()?, &config.http.public_url, Clock::SYSTEM);
    let (keyring, chat_keyring) = (config.keyring()?, config.chat_keyring()?);
    shared::telemetry::metrics();
    let publisher = Publisher::start(config.redis_url.as_ref(), &config.namespace)?;
    let ledger = Ledger::new(db.clone()).with_fast_path(fast_path).with_publisher(publisher.clone());
    Ok(AppState::new(Services {
        bids: Together::start(ledger.clone()),
        reports: Together::start(ledger.clone()),
        lane: EventLane::new(&config, events.clone()).telling(&ledger),
        ledger,
        reads: Reads::start(&db),
        cache: Cache::start(config.cache_url.as_ref(), &config.namespace)?,
        db,
        brokers,
        events,
        tokens,
        passwords: Passwords::new(config.auth.password_cost),
        keyring,
        chat_keyring,
        publisher,
        hub: Hub::default(),
        admission: Admission::new(config.http.connections.sockets_per_second, connections),
        registry: jobs::registry()?,
        blobs: Blobs::new(&config.s3)?,
        clock: Clock::SYSTEM,
        rate: RateLimiter::start(config.http.rate_limits, config.redis_url.as_ref(), &config.namespace)?,
        views: Views::default(),
        shutdown,
        config,
    }))
}

#[cfg(test)]
mod tests;
