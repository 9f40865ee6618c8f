//! What reports are read from, and how.

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

/// Makes the transaction that has just begun read a report: from one snapshot, and each statement by a plan for what is asked. A plan for
/// any values, which workers' sessions keep, would go through everybody's orders for one seller's.
pub async fn begin_reading(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    shared::db::hold_snapshot(conn).await?;
    sqlx::raw_sql("SET LOCAL plan_cache_mode = force_custom_plan").execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
