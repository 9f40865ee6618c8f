//! The worker processes: who is there, who was, and what they do.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

/// Whether a worker can be counted on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum WorkerState {
    Live,
    /// Its lease has passed: it died, hangs, or cannot reach the database. Its jobs are taken back.
    Stale,
    Stopped,
}

impl WorkerState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Stopped => "stopped",
        }
    }
}

/// One run of a worker process.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WorkerView {
    pub id: i64,
    pub state: WorkerState,
    pub name: String,
    pub pool: String,
    pub host: String,
    pub pid: i32,
    pub version: String,
    pub queues: Vec<String>,
    pub kinds: Vec<String>,
    /// The most jobs that it runs at once.
    pub concurrency: i32,
    pub running: i32,
    /// Mean run time per queue in microseconds.
    #[schema(value_type = Object)]
    pub run_micros: Value,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub lease_until: DateTime<Utc>,
    pub stopped_at: Option<DateTime<Utc>>,
}

/// Lists live workers, then stale ones; with `gone` also those that stopped, at most 200 of each of the two.
pub async fn list(conn: &mut PgConnection, gone: bool) -> Result<Vec<WorkerView>, sqlx::Error> {
    sqlx::query_as!(
        WorkerView,
        r#"
        SELECT id AS "id!", state AS "state!: WorkerState", name AS "name!", pool AS "pool!", host AS "host!",
               pid AS "pid!", version AS "version!", queues AS "queues!", kinds AS "kinds!",
               concurrency AS "concurrency!", running AS "running!", run_micros AS "run_micros!",
               started_at AS "started_at!", seen_at AS "seen_at!", lease_until AS "lease_until!", stopped_at
        FROM (
            SELECT *, CASE WHEN stopped_at IS NOT NULL THEN 'stopped'
                           WHEN lease_until <= clock_timestamp() THEN 'stale'
                           ELSE 'live' END AS state,
                   row_number() OVER (PARTITION BY stopped_at IS NULL, lease_until > clock_timestamp()
                                      ORDER BY id DESC) AS turn
            FROM workers
            WHERE $1
               OR stopped_at IS NULL
        ) AS seen
        WHERE state = 'live'
           OR turn <= 200
        ORDER BY array_position(ARRAY['live', 'stale', 'stopped'], state), pool, id
        "#,
        gone,
    )
    .fetch_all(conn)
    .await
}

#[cfg(test)]
mod tests;
