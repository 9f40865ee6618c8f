//! What every program does before and after its own work: settings, logging, metrics, health, signals.

use std::fmt::{self, Debug};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use secrecy::ExposeSecret;
use sqlx::{Connection as _, PgPool};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError, Key, Mode, keys};
use crate::db::{role, session};
use crate::telemetry::{self, Details, Readiness};

/// What the parts of a program report to operators. While no part has begun, the program is not
/// ready.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Parts>>);

#[derive(Default)]
struct Parts {
    ready: Vec<Readiness>,
    details: Vec<Details>,
}

impl Health {
    /// From now on, asks this part as well.
    pub fn add(&self, ready: Readiness) {
        self.parts().ready.push(ready);
    }

    /// From now on, reports these as well. They do not decide whether the program is ready.
    pub fn add_details(&self, details: Details) {
        self.parts().details.push(details);
    }

    /// Whether there are parts and every one is ready; the first one that is not says why.
    pub async fn ready(&self) -> Result<(), String> {
        let ready = {
            let parts = self.parts();
            // The port of operators is open before the program has connected to anything.
            if parts.ready.is_empty() && parts.details.is_empty() {
                return Err("it is starting".to_owned());
            }
            parts.ready.clone()
        };
        for ready in ready {
            ready().await?;
        }
        Ok(())
    }

    /// What there is to report, by name.
    pub async fn details(&self) -> Vec<(String, String)> {
        let parts = self.parts().details.clone();
        let mut reported = Vec::new();
        for details in parts {
            reported.extend(details().await);
        }
        reported
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}

/// The requests to stop, and to stop at once, that a program gets from outside, and the health that
/// it reports.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// SIGTERM or SIGINT: take nothing new and end what runs.
    pub stop: CancellationToken,
    /// The second one: end at once.
    pub kill: CancellationToken,
    pub health: Health,
}

impl Signals {
    /// Listens to the process's signals.
    pub fn listen() -> std::io::Result<Self> {
        let signals = Self::default();
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = signals.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = int.recv() => {}
                }
                if asked.stop.is_cancelled() {
                    asked.kill.cancel();
                } else {
                    tracing::info!("asked to stop; a second signal stops at once");
                    asked.stop.cancel();
                }
            }
        });
        Ok(signals)
    }
}

/// Runs a program that cannot do without the secrets in `needed`. The exit code is 0 if `run` ends
/// well, 1 if it fails, and 2 if the configuration is wrong.
pub fn main<F>(name: &str, needed: &[Key], run: impl FnOnce(Config, Signals) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let config = match Config::load_with(needed) {
        Ok(config) => config,
        Err(error) => return complain(&error, 2),
    };
    telemetry::init_logging(&config.log);
    telemetry::metrics();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error, 1),
    };
    let ended = runtime.block_on(async {
        let signals = Signals::listen()?;
        tracing::info!(program = name, mode = %config.mode, "starting");
        judge_databases(&config).await?;
        serve_health(&config, &signals).await?;
        run(config, signals).await
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "{name} failed");
            // It is a setting that only the part that uses it could check.
            if error.is::<ConfigError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Refuses connections to the databases that this program could not rely on and, in production,
/// roles that their rules do not bind.
async fn judge_databases(config: &Config) -> Result<(), ConfigError> {
    let (main, events) = (&config.database.url, &config.events_database_url);
    let both = [(keys::DATABASE_URL, main), (keys::EVENTS_DATABASE_URL, events)];
    let apart = main.expose_secret() != events.expose_secret();
    for (key, url) in both.into_iter().take(if apart { 2 } else { 1 }) {
        session::check(url).await.map_err(|unfit| ConfigError::of(key, unfit.to_string()))?;
        match role::check(url).await {
            Err(unbound) if config.mode == Mode::Production => return Err(ConfigError::of(key, unbound.to_string())),
            Err(unbound) => tracing::warn!("{}: {unbound}. Production refuses it", key.env),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Serves health and metrics for operators on `HEALTH_ADDR` until the program is killed. A program
/// is ready if its database answers, its parts are ready, and it is not shutting down.
pub async fn serve_health(config: &Config, signals: &Signals) -> anyhow::Result<SocketAddr> {
    let database = database_ready(crate::db::pool(&config.database.url, 1, "health")?);
    let asked = signals.clone();
    let ready: Readiness = Arc::new(move || {
        let (signals, database) = (asked.clone(), database());
        Box::pin(async move {
            if signals.stop.is_cancelled() {
                return Err("it shuts down".to_owned());
            }
            database.await?;
            signals.health.ready().await
        })
    });
    let health = signals.health.clone();
    let details: Details = Arc::new(move || {
        let health = health.clone();
        Box::pin(async move { health.details().await })
    });
    let addr = config.health_addr;
    let bound = telemetry::serve_health(addr, ready, details, signals.kill.clone()).await;
    bound.with_context(|| format!("listen on {addr} (HEALTH_ADDR)"))
}

#[expect(clippy::print_stderr, reason = "logging is not set up yet, and a person waits for the answer")]
fn complain(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}

/// Ready if the database answers: nothing works without the ledger.
#[must_use]
pub fn database_ready(pool: PgPool) -> Readiness {
    Arc::new(move || {
        let pool = pool.clone();
        Box::pin(async move {
            let answered = async { pool.acquire().await?.ping().await };
            answered.await.map_err(|_| "the database does not answer".to_owned())
        })
    })
}

/// The machine's name.
#[must_use]
pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests;
