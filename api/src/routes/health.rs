//! Whether this process is well, for load balancers and Prometheus.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::{db, telemetry};
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Json;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready)).routes(routes!(metrics))
}

/// The process runs
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses(
    (status = 200, description = "It runs", body = String, content_type = "text/plain"),
))]
async fn alive() -> &'static str {
    "ok\n"
}

/// What the API needs, and how it is.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    /// `ok`, or why not. Without it nothing can be committed: the API is not ready.
    postgres: String,
    /// The cargo event log's database: `ok`, or why not. Without it only shipments' histories are away; reported events wait at the
    /// broker.
    events: String,
    /// `ok`, or why not, by name. A lost broker only delays work that is already committed: the API stays ready.
    brokers: std::collections::BTreeMap<String, String>,
}

/// The process can do its work
///
/// Ready means that PostgreSQL answers: a request is done when it is committed. Brokers are reported, but losing one does not
/// make the API unready; the work waits in the ledger until it is back.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "Ready", body = Readiness),
    (status = 503, description = "Not ready", body = Readiness),
))]
async fn ready(State(state): State<AppState>) -> Response {
    let limit = Duration::from_secs(2);
    let database = async |pool: &PgPool| match tokio::time::timeout(limit, db::ping(pool)).await {
        Ok(Ok(())) => "ok".to_owned(),
        Ok(Err(sqlx::Error::PoolTimedOut)) | Err(_) => "no answer in time".to_owned(),
        Ok(Err(_)) => "cannot be reached".to_owned(),
    };
    let brokers = state.brokers.all().map(|broker| async move {
        let status = match tokio::time::timeout(limit, broker.ping()).await {
            Ok(Ok(())) => "ok",
            Ok(Err(_)) => "cannot be reached",
            Err(_) => "no answer in time",
        };
        (broker.transport().name().to_owned(), status.to_owned())
    });
    let (postgres, events, brokers) =
        futures::join!(database(&state.db), database(&state.events), futures::future::join_all(brokers));
    let ready = postgres == "ok";
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, postgres, events, brokers: brokers.into_iter().collect() })).into_response()
}

/// Metrics in Prometheus' text form
#[utoipa::path(get, path = "/metrics", tag = "health", security(()), responses(
    (status = 200, description = "Metrics", body = String, content_type = "text/plain"),
))]
async fn metrics() -> String {
    telemetry::metrics().render()
}
