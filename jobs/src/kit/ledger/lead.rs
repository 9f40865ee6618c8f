//! Who dispatches which queue, and what the dispatcher last saw.
//!
//! A lease in a row instead of an advisory lock: a scheduler that is frozen keeps its session, and with it a lock, for as long
//! as it is frozen; a lease runs out. Two dispatchers for a moment are harmless, since every hand-over is fenced by an epoch.

use sqlx::PgConnection;

/// After how many seconds of silence another scheduler takes a queue over.
pub const LEASE_SECONDS: f64 = 3.0;

/// What a dispatcher tells about its queue.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub queue: String,
    /// Jobs wait for room: the fast path would overtake them.
    pub backlog: bool,
    pub broker_error: Option<String>,
}

/// Takes or keeps the lead of these queues; returns those that `dispatcher` now leads.
pub async fn lead(conn: &mut PgConnection, dispatcher: &str, seen: &[Seen]) -> Result<Vec<String>, sqlx::Error> {
    let mut sorted: Vec<_> = seen.iter().collect();
    sorted.sort_unstable_by(|a, b| a.queue.cmp(&b.queue));
    let queues: Vec<_> = sorted.iter().map(|seen| seen.queue.clone()).collect();
    let backlog: Vec<_> = sorted.iter().map(|seen| seen.backlog).collect();
    let errors: Vec<_> = sorted.iter().map(|seen| seen.broker_error.clone()).collect();
    sqlx::query_scalar!(
        r#"
        INSERT INTO queue_status (queue, dispatcher, seen_at, inflight, backlog, broker_error)
        SELECT
            queue, $1, clock_timestamp(),
            (SELECT count(*) FROM jobs WHERE jobs.queue = seen.queue AND state IN ('queued', 'running')),
            backlog, broker_error
        FROM unnest($2::text[], $3::boolean[], $4::text[]) AS seen (queue, backlog, broker_error)
        ON CONFLICT (queue) DO UPDATE
        SET dispatcher = $1, seen_at = clock_timestamp(), inflight = excluded.inflight, backlog = excluded.backlog,
            broker_error = excluded.broker_error
        WHERE queue_status.dispatcher = $1
           OR queue_status.seen_at < clock_timestamp() - $5::double precision * interval '1 second'
        RETURNING queue
        "#,
        dispatcher,
        &queues,
        &backlog,
        &errors as &[Option<String>],
        LEASE_SECONDS,
    )
    .fetch_all(conn)
    .await
}

/// Gives the lead up, so that another scheduler takes over at once.
pub async fn resign(conn: &mut PgConnection, dispatcher: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM queue_status WHERE dispatcher = $1", dispatcher).execute(conn).await?;
    Ok(())
}

/// How many jobs of each queue may take the fast path now, over all processes together.
pub async fn fast_path_room(conn: &mut PgConnection) -> Result<Vec<(String, String, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            name, transport,
            CASE
                WHEN paused OR concurrency_limit IS NOT NULL OR rate_per_second IS NOT NULL THEN 0
                WHEN backlog OR broker_error IS NOT NULL THEN 0
                WHEN seen_at < clock_timestamp() - $1::double precision * interval '1 second' THEN 0
                ELSE greatest(max_inflight - inflight, 0)
            END::bigint AS "room!"
        FROM queues
        JOIN queue_status ON queue_status.queue = queues.name
        "#,
        LEASE_SECONDS,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.transport, row.room)).collect())
}
