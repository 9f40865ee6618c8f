//! Log lines, metrics, and the small HTTP server that reports whether a process is healthy.

use std::future::Future;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging; a second call (in tests) changes nothing.
pub fn init_logging(log: &Log) {
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for people; in a file they are noise.
        .with_ansi(std::io::stderr().is_terminal());
    // A second subscriber is refused; the first one goes on.
    let _ = match log.format {
        LogFormat::Text => lines.compact().try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}

const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Starts collecting metrics, once per process; later calls return the same handle.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        const SECONDS: &[f64] =
            &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
        const SIZES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|b| b.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES));
        let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
        let handle = recorder.handle();
        // If somebody else has installed a recorder, that one stays, and ours renders nothing, as a
        // scrape shows.
        let _ = metrics::set_global_recorder(recorder);
        // Histograms are kept as raw samples until somebody renders them: without upkeep, a process
        // that is not scraped would grow. This is a thread because metrics start before any
        // runtime; if it cannot be started, the process has to be scraped.
        let upkeep = handle.clone();
        let _ = std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            loop {
                std::thread::sleep(UPKEEP_EVERY);
                upkeep.run_upkeep();
            }
        });
        handle
    })
}

type Ready = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Asks whether the process can do its work now; the text says why not.
pub type Readiness = Arc<dyn Fn() -> Ready + Send + Sync>;

type Reported = Pin<Box<dyn Future<Output = Vec<(String, String)>> + Send>>;

/// Asks about the state of things that the process can do without. Each answer is a name and a
/// state, such as `broker redis` and `ok`.
pub type Details = Arc<dyn Fn() -> Reported + Send + Sync>;

/// The routes for operators: `/healthz` (the process runs), `/readyz` (it can work, or why not, and
/// the details) and `/metrics` (Prometheus text). They show internals that are for nobody else.
pub fn health_router(ready: Readiness, details: Details) -> Router {
    let handle = metrics();
    let readiness = move || async move {
        let (status, said) = match ready().await {
            Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        };
        let details = details().await.into_iter().map(|(name, how)| format!("{name}: {how}\n"));
        (status, said + &details.collect::<String>())
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(move || async move { handle.render() }))
        .route("/readyz", get(readiness))
}

/// Serves [`health_router`] until `shutdown`; returns the address that was bound.
pub async fn serve_health(
    addr: SocketAddr,
    ready: Readiness,
    details: Details,
    shutdown: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(addr).await?;
    let bound = listener.local_addr()?;
    tracing::info!(health.addr = %bound, "health server listens");
    tokio::spawn(async move {
        let server = axum::serve(listener, health_router(ready, details));
        if let Err(error) = server.with_graceful_shutdown(shutdown.cancelled_owned()).await {
            tracing::error!(%error, "the health server ended");
        }
    });
    Ok(bound)
}
