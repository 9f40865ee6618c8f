//! What every program does before and after its own work: settings, logging, metrics, health, signals.

use std::fmt::{self, Debug};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgPool;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError, Key};
use crate::telemetry::{self, Readiness};

/// What the parts of a program say of their readiness; a program that runs no part yet has nothing to say.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Vec<Readiness>>>);

impl Health {
    /// Asks this part as well from now on.
    pub fn add(&self, ready: Readiness) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(ready);
    }

    /// The first part that is not ready says why.
    pub async fn ready(&self) -> Result<(), String> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ready in parts {
            ready().await?;
        }
        Ok(())
    }
}

impl Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").finish_non_exhaustive()
    }
}

/// What a program hears from outside: to stop, and to stop now; and what it reports: whether it is ready.
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

/// Runs a program that cannot do without the secrets in `needed`: exit code 0 when `run` ends well, 1 when it fails, 2 when the
/// configuration is wrong.
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
        crate::db::session::check(&config.database.url)
            .await
            .map_err(|unfit| ConfigError::of(crate::config::keys::DATABASE_URL, unfit.to_string()))?;
        let database = crate::db::pool(&config.database.url, 1, "health")?;
        let stop = signals.stop.clone();
        let stopping = move || if stop.is_cancelled() { Err("it is shutting down".to_owned()) } else { Ok(()) };
        let (database, health) = (database_ready(database), signals.health.clone());
        let ready: Readiness = Arc::new(move || {
            let (stopping, database, health) = (stopping(), database(), health.clone());
            Box::pin(async move {
                stopping?;
                database.await?;
                health.ready().await
            })
        });
        telemetry::serve_health(config.health_addr, ready, signals.kill.clone()).await?;
        run(config, signals).await
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "{name} failed");
            // A setting that only the part that uses it could check.
            if error.is::<ConfigError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

#[expect(clippy::print_stderr, reason = "logging is not set up yet, and a person waits for the answer")]
fn complain(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}

/// Ready when the database answers: without the ledger nothing can be done.
#[must_use]
pub fn database_ready(pool: PgPool) -> Readiness {
    Arc::new(move || {
        let pool = pool.clone();
        Box::pin(async move {
            match sqlx::query("SELECT 1").execute(&pool).await {
                Ok(_) => Ok(()),
                Err(_) => Err("the database does not answer".to_owned()),
            }
        })
    })
}

/// The machine's name.
#[must_use]
pub fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
