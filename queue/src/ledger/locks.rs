//! Rows that somebody else holds: an operator's session, a transaction that takes its time. They must not keep others waiting.

use std::collections::HashSet;

use shared::ids::JobId;
use sqlx::PgConnection;

/// Locks those of these jobs that nobody holds until the caller's transaction ends, and returns the others. A job that does not
/// exist is not among them.
pub(crate) async fn lock_free(conn: &mut PgConnection, jobs: &[JobId]) -> Result<HashSet<JobId>, sqlx::Error> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.0).collect();
    let held = sqlx::query_scalar!(
        r#"
        WITH free AS (
            SELECT id
            FROM jobs
            WHERE id = ANY ($1)
            ORDER BY id
            FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT jobs.id
        FROM jobs
        LEFT JOIN free ON free.id = jobs.id
        WHERE jobs.id = ANY ($1)
          AND free.id IS NULL
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().map(JobId).collect())
}

/// Whether a statement gave up because somebody held a row that it wanted.
pub(crate) fn was_locked_out(error: &sqlx::Error) -> bool {
    // Lock not available.
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("55P03")
}

/// Whether a statement waited too long for what others hold, or was cancelled for taking too long.
pub(crate) fn was_held_up(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    // Lock not available, query cancelled, deadlock.
    matches!(code.as_deref(), Some("55P03" | "57014" | "40P01"))
}
