use sqlx::PgConnection;

/// Deletes up to `limit` each of the sessions (with their tokens), used refresh tokens,
/// verifications, resets, invitations, logins and second factors that nobody completed, and counts
/// of failed logins that have been over for `days`; returns how many went. A used token that is gone counts as unknown, no longer as stolen.
pub async fn purge(conn: &mut PgConnection, days: u32, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query_scalar!(
        r#"
        WITH past AS (
            SELECT clock_timestamp() - $1 * interval '1 day' AS since
        ), old_sessions AS (
            DELETE FROM sessions
            WHERE id IN (SELECT id FROM sessions WHERE expires_at < (SELECT since FROM past) ORDER BY expires_at LIMIT $2)
            RETURNING 1
        ), used_tokens AS (
            DELETE FROM refresh_tokens
            WHERE token_hash IN (
                SELECT token_hash
                FROM refresh_tokens
                JOIN sessions ON sessions.id = session_id
                WHERE used_at < (SELECT since FROM past)
                  AND sessions.expires_at >= (SELECT since FROM past)
                ORDER BY used_at
                LIMIT $2
            )
            RETURNING 1
        ), verifications AS (
            DELETE FROM email_verifications
            WHERE token_hash IN (
                SELECT token_hash
                FROM email_verifications
                WHERE expires_at < (SELECT since FROM past)
                ORDER BY expires_at
                LIMIT $2
            )
            RETURNING 1
        ), resets AS (
            DELETE FROM password_resets
            WHERE token_hash IN (
                SELECT token_hash
                FROM password_resets
                WHERE expires_at < (SELECT since FROM past)
                ORDER BY expires_at
                LIMIT $2
            )
            RETURNING 1
        ), old_invitations AS (
            DELETE FROM invitations
            WHERE id IN (
                SELECT id
                FROM invitations
                WHERE expires_at < (SELECT since FROM past)
                ORDER BY expires_at
                LIMIT $2
            )
            RETURNING 1
        ), half_logins AS (
            DELETE FROM pending_logins
            WHERE token_hash IN (
                SELECT token_hash
                FROM pending_logins
                WHERE expires_at < (SELECT since FROM past)
                ORDER BY expires_at
                LIMIT $2
            )
            RETURNING 1
        ), half_enrolments AS (
            DELETE FROM two_factors
            WHERE confirmed_at IS NULL
              AND id IN (
                SELECT id
                FROM two_factors
                WHERE confirmed_at IS NULL
                  AND enrolled_at < (SELECT since FROM past)
                ORDER BY enrolled_at
                LIMIT $2
            )
            RETURNING 1
        ), failures AS (
            DELETE FROM login_throttle
            WHERE key IN (
                SELECT key
                FROM login_throttle
                WHERE window_start < (SELECT since FROM past)
                ORDER BY window_start
                LIMIT $2
            )
            RETURNING 1
        )
        SELECT
            (SELECT count(*) FROM old_sessions) + (SELECT count(*) FROM used_tokens)
            + (SELECT count(*) FROM verifications) + (SELECT count(*) FROM resets)
            + (SELECT count(*) FROM old_invitations) + (SELECT count(*) FROM half_logins)
            + (SELECT count(*) FROM half_enrolments) + (SELECT count(*) FROM failures) AS "gone!"
        "#,
        f64::from(days),
        limit,
    )
    .fetch_one(conn)
    .await?;
    Ok(gone.unsigned_abs())
}
