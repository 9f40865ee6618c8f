//! Whether this process is well: for load balancers, the answer alone; for operators, on `HEALTH_ADDR`, what it rests on.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use shared::db;
use shared::telemetry::Details;
use sqlx::PgPool;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Problem;
use crate::state::AppState;

/// A load balancer does not wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

const OK: &str = "ok";
const LATE: &str = "no answer in time";
const AWAY: &str = "cannot be reached";

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// The process runs
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses(
    (status = 200, description = "It runs", body = String, content_type = "text/plain"),
))]
async fn alive() -> &'static str {
    "ok\n"
}

/// The process can do its work
///
/// Ready means that PostgreSQL answers: a request is done when it is committed. What else the API uses may be away; work waits in
/// the ledger until it is back. Operators find out why it is not ready at another address.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "Ready", body = String, content_type = "text/plain"),
    (status = 503, description = "`not_ready`"),
))]
async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    match database(&state.db).await {
        OK => Ok("ready\n"),
        how => {
            let cause = anyhow::anyhow!("postgres: {how}");
            Err(Problem::unavailable("not_ready", "the service cannot work now").with_cause(cause))
        }
    }
}

/// How what the API rests on is, for operators: the databases, the brokers and the cache. Only without `postgres` it is not ready.
pub(crate) fn details(state: AppState) -> Details {
    Arc::new(move || {
        let state = state.clone();
        Box::pin(async move {
            let brokers = state.brokers.all().map(|broker| async move {
                let how = match tokio::time::timeout(PATIENCE, broker.ping()).await {
                    Ok(Ok(())) => OK,
                    Ok(Err(_)) => AWAY,
                    Err(_) => LATE,
                };
                (format!("broker {}", broker.transport()), how.to_owned())
            });
            let (postgres, events, brokers, cache) = futures::join!(
                database(&state.db),
                database(&state.events),
                futures::future::join_all(brokers),
                state.cache.is_there()
            );
            let databases = [("postgres", postgres), ("events", events)];
            let cache = cache.map(|is_there| ("cache", if is_there { OK } else { AWAY }));
            let own = databases.into_iter().chain(cache);
            own.map(|(name, how)| (name.to_owned(), how.to_owned())).chain(brokers).collect()
        })
    })
}

async fn database(pool: &PgPool) -> &'static str {
    match tokio::time::timeout(PATIENCE, db::ping(pool)).await {
        Ok(Ok(())) => OK,
        Ok(Err(sqlx::Error::PoolTimedOut)) | Err(_) => LATE,
        Ok(Err(_)) => AWAY,
    }
}
