//! Whether a replica can be read.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::ReportError;

/// Whether a replica has everything that was committed until `at`; the database itself always has.
pub async fn has_all_until(conn: &mut PgConnection, at: DateTime<Utc>) -> Result<bool, ReportError> {
    let there = sqlx::query_scalar!(
        r#"
        SELECT NOT pg_is_in_recovery() OR coalesce(pg_last_xact_replay_timestamp() > $1, false) AS "there!"
        "#,
        at,
    )
    .fetch_one(conn)
    .await?;
    Ok(there)
}
