//! Handing due jobs to a broker: highest priority first, fair between tenants, never more than the queue's window.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::ids::JobId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::reason::Reason;
use super::window;
use crate::ticket::Ticket;
use crate::transport::Transport;

/// What a dispatcher knows of a queue at the start of a turn.
#[derive(Clone, Debug)]
pub struct QueueTurn {
    pub transport: Transport,
    pub paused: bool,
    /// How many more jobs may be queued or running now, by window, concurrency limit and rate limit.
    pub room: i64,
    pub inflight: i64,
    /// The most jobs that may be queued or running now; see [`window::effective`].
    pub window: i64,
    /// How long an eighth of the window takes to end; see [`window::eighth`].
    pub eighth: Duration,
    pub rate_limited: bool,
    pub pack: Option<i16>,
    /// A job of a higher priority than the one asked about is waiting.
    pub higher_waiting: bool,
    /// Mean run time of the queue's jobs as its workers report it.
    pub run_micros: Option<f64>,
    pub workers: i64,
}

/// Reads a queue's settings and counts what is under way. `None`: the queue is unknown.
pub async fn look(conn: &mut PgConnection, queue: &str, priority: i16) -> Result<Option<QueueTurn>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            transport, paused, max_inflight, concurrency_limit, pack, rate_per_second, rate_burst,
            inflight.queued AS "queued!", inflight.running AS "running!",
            EXISTS (
                SELECT FROM jobs
                WHERE queue = $1
                  AND state = 'available'
                  AND priority < $2
            ) AS "higher_waiting!",
            serving.workers AS "workers?", serving.slots AS "slots?", serving.run_micros AS "run_micros?"
        FROM queues
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
                   count(*) FILTER (WHERE state = 'running') AS running
            FROM jobs
            WHERE queue = $1
              AND state IN ('queued', 'running')
        ) AS inflight
        LEFT JOIN serving ON serving.queue = $1
        WHERE name = $1
        "#,
        queue,
        priority,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let slots = row.slots.unwrap_or(0);
        let window = window::effective(i64::from(row.max_inflight), slots, row.run_micros);
        let most = row.concurrency_limit.map_or(window, |limit| window.min(i64::from(limit)));
        let inflight = row.queued + row.running;
        let by_rate =
            row.rate_per_second.map_or(i64::MAX, |per_second| window::at_rate(per_second, row.rate_burst) - row.queued);
        QueueTurn {
            transport: row.transport.parse().unwrap_or(Transport::Local),
            paused: row.paused,
            room: (most - inflight).min(by_rate).max(0),
            inflight,
            window: most,
            eighth: window::eighth(most, slots, row.run_micros),
            rate_limited: row.rate_per_second.is_some(),
            pack: row.pack,
            higher_waiting: row.higher_waiting,
            run_micros: row.run_micros,
            workers: row.workers.unwrap_or(0),
        }
    }))
}

/// The queues among `queues` where a job waits for its turn.
pub async fn waiting(conn: &mut PgConnection, queues: &[String]) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT name AS "name!"
        FROM unnest($1::text[]) AS name
        -- A scalar, because it is answered queue by queue; EXISTS may become a join that reads all jobs that wait.
        WHERE (
            SELECT true
            FROM jobs
            WHERE queue = name
              AND state = 'available'
            LIMIT 1
        )
        "#,
        queues,
    )
    .fetch_all(conn)
    .await
}

/// One tenant's waiting jobs of one priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub priority: i16,
    /// Nil for jobs without a tenant.
    pub tenant: Uuid,
}

/// The lines of the highest waiting priority, at most `most`, after `after` in the order of tenants (a skip scan: one index
/// probe for each line, however many jobs wait in it).
pub async fn lines(
    conn: &mut PgConnection,
    queue: &str,
    after: Option<Line>,
    most: i64,
) -> Result<Vec<Line>, sqlx::Error> {
    let (priority, tenant) = after.map_or((-1, Uuid::nil()), |line| (line.priority, line.tenant));
    let rows = sqlx::query!(
        r#"
        WITH RECURSIVE line AS (
            (
                SELECT priority, coalesce(tenant, '00000000-0000-0000-0000-000000000000') AS tenant
                FROM jobs
                WHERE queue = $1
                  AND state = 'available'
                  AND (priority, coalesce(tenant, '00000000-0000-0000-0000-000000000000')) > ($2, $3)
                ORDER BY queue, priority, coalesce(tenant, '00000000-0000-0000-0000-000000000000'), id
                LIMIT 1
            )
            UNION ALL
            (
                SELECT next.priority, next.tenant
                FROM line, LATERAL (
                    SELECT priority, coalesce(tenant, '00000000-0000-0000-0000-000000000000') AS tenant
                    FROM jobs
                    WHERE queue = $1
                      AND state = 'available'
                      AND priority = line.priority
                      AND coalesce(tenant, '00000000-0000-0000-0000-000000000000') > line.tenant
                    ORDER BY queue, priority, coalesce(tenant, '00000000-0000-0000-0000-000000000000'), id
                    LIMIT 1
                ) AS next
            )
        )
        SELECT priority AS "priority!", tenant AS "tenant!"
        FROM line
        LIMIT $4
        "#,
        queue,
        priority,
        tenant,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Line { priority: row.priority, tenant: row.tenant }).collect())
}

/// How much of a line to take, and after which job: a mark that spares the scan what was taken before.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    pub tenant: Uuid,
    pub after: i64,
    pub most: i64,
}

/// What one turn took, with the tenant's place for fair ordering.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    pub ticket: Ticket,
    pub tenant: Uuid,
}

/// Moves jobs of one priority from `available` to `queued`, up to each tenant's share, and gives them a new epoch. Nothing
/// moves when `leader` is named and no longer leads the queue: one that was frozen would act on what it saw before.
pub async fn take(
    conn: &mut PgConnection,
    queue: &str,
    priority: i16,
    shares: &[Share],
    leader: Option<&str>,
) -> Result<Vec<Taken>, sqlx::Error> {
    let tenants: Vec<_> = shares.iter().map(|share| share.tenant).collect();
    let after: Vec<_> = shares.iter().map(|share| share.after).collect();
    let most: Vec<_> = shares.iter().map(|share| share.most).collect();
    let rows = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = 'queued', epoch = epoch + 1, queued_at = clock_timestamp(), republished = 0
        FROM (
            SELECT line.id, share.tenant
            FROM unnest($3::uuid[], $4::bigint[], $5::bigint[]) AS share (tenant, after, most), LATERAL (
                SELECT id
                FROM jobs
                WHERE queue = $1
                  AND priority = $2
                  AND coalesce(tenant, '00000000-0000-0000-0000-000000000000') = share.tenant
                  AND state = 'available'
                  AND id > share.after
                ORDER BY queue, priority, coalesce(tenant, '00000000-0000-0000-0000-000000000000'), id
                LIMIT share.most
                FOR UPDATE SKIP LOCKED
            ) AS line
        ) AS turn, (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed (setting)
        WHERE jobs.id = turn.id
          AND relaxed.setting = 'off'
          AND ($6::text IS NULL OR EXISTS (SELECT FROM queue_status WHERE queue = $1 AND dispatcher = $6))
        RETURNING jobs.id, jobs.epoch, turn.tenant AS "tenant!"
        "#,
        queue,
        priority,
        &tenants,
        &after,
        &most,
        leader,
    )
    .fetch_all(conn)
    .await?;
    let mut taken: Vec<_> = rows
        .into_iter()
        .map(|row| Taken { ticket: Ticket { job: JobId(row.id), epoch: row.epoch }, tenant: row.tenant })
        .collect();
    taken.sort_unstable_by_key(|taken| taken.ticket.job);
    Ok(taken)
}

/// Takes up to `wanted` tokens from the queue's bucket; returns how many it got. A queue without a rate limit gives all.
pub async fn take_tokens(conn: &mut PgConnection, queue: &str, wanted: i64) -> Result<i64, sqlx::Error> {
    #[expect(clippy::cast_precision_loss, reason = "a window is a few thousand at most")]
    let wanted_tokens = wanted as f64;
    let got = sqlx::query_scalar!(
        r#"
        WITH bucket AS (
            SELECT
                name,
                least(
                    greatest(rate_burst, 1),
                    rate_tokens
                        -- Not less than nothing, when the clock was set back.
                        + rate_per_second
                            * greatest(extract(epoch FROM clock_timestamp() - rate_filled_at)::double precision, 0)
                ) AS tokens
            FROM queues
            WHERE name = $1
              AND rate_per_second IS NOT NULL
            FOR UPDATE
        )
        UPDATE queues
        SET rate_tokens = bucket.tokens - floor(least(bucket.tokens, $2)), rate_filled_at = clock_timestamp()
        FROM bucket
        WHERE queues.name = bucket.name
        RETURNING floor(least(bucket.tokens, $2)) AS "got!"
        "#,
        queue,
        wanted_tokens,
    )
    .fetch_optional(conn)
    .await?;
    #[expect(clippy::cast_possible_truncation, reason = "never more than was wanted")]
    Ok(got.map_or(wanted, |got| got as i64))
}

/// Puts unused tokens back.
pub async fn return_tokens(conn: &mut PgConnection, queue: &str, unused: i64) -> Result<(), sqlx::Error> {
    #[expect(clippy::cast_precision_loss, reason = "a window is a few thousand at most")]
    let unused = unused as f64;
    sqlx::query!("UPDATE queues SET rate_tokens = rate_tokens + $2 WHERE name = $1", queue, unused)
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves due `scheduled` jobs to `available`, oldest first; returns how many, and when the next one is due.
pub async fn promote(conn: &mut PgConnection, most: i64) -> Result<(u64, Option<DateTime<Utc>>), sqlx::Error> {
    let next = sqlx::query!(
        r#"
        SELECT run_at, run_at <= clock_timestamp() AS "due!"
        FROM jobs
        WHERE state = 'scheduled'
        ORDER BY run_at
        LIMIT 1
        "#,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match next {
        Some(row) if row.due => {}
        next => return Ok((0, next.map(|row| row.run_at))),
    }
    let moved = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = 'available'
        FROM (
            SELECT id
            FROM jobs
            WHERE state = 'scheduled'
              AND run_at <= clock_timestamp()
            ORDER BY run_at
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE jobs.id = due.id
        "#,
        most,
    )
    .execute(&mut *conn)
    .await?;
    Ok((moved.rows_affected(), None))
}

/// Puts everything that is queued back in line: for a queue that was paused or moved, or whose limits were tightened, while
/// jobs were under way. What a claim holds at this instant becomes running.
pub async fn recall(conn: &mut PgConnection, queue: &str, reason: Reason) -> Result<u64, sqlx::Error> {
    // Whoever holds rows locks them in another order than this would: waiting for them could be a deadlock.
    let recalled = sqlx::query!(
        r#"
        UPDATE jobs
        SET state = 'available', queued_at = NULL, reason = $2
        WHERE id IN (
            SELECT id
            FROM jobs
            WHERE queue = $1
              AND state IN ('queued', 'running')
              AND state = 'queued'
            FOR UPDATE SKIP LOCKED
        )
        "#,
        queue,
        reason as Reason,
    )
    .execute(conn)
    .await?;
    Ok(recalled.rows_affected())
}

#[cfg(test)]
mod tests;
