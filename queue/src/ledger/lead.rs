//! Who dispatches which queue, and what the dispatcher last saw.
//!
//! A lease in a row instead of an advisory lock: a scheduler that is frozen keeps its session, and with it a lock, for as long
//! as it is frozen; a lease runs out. One that wakes up counts its own lease and finds it over; what it was about to do is
//! refused by the statement that hands jobs over, because two dispatchers would exceed the queue's limits together.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::window;
use crate::transport::{BrokerError, Transport, TransportProblem};

/// After how long a silence another scheduler takes a queue over.
pub const LEASE: Duration = Duration::from_secs(3);

/// What a dispatcher reports about its queue.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub queue: String,
    /// Jobs wait for room: the fast path would overtake them.
    pub backlog: bool,
    pub broker_error: Option<BrokerError>,
}

/// A queue that this dispatcher leads, with the settings that it must notice when nothing waits.
#[derive(Clone, Debug)]
pub struct Led {
    pub queue: String,
    /// `None`: the queue is not set up.
    pub transport: Option<Transport>,
    /// When an operator last changed the queue's settings.
    pub changed_at: Option<DateTime<Utc>>,
}

/// Takes or keeps the lead of these queues; returns those that `dispatcher` now leads.
pub async fn lead(conn: &mut PgConnection, dispatcher: &str, seen: &[Seen]) -> Result<Vec<Led>, sqlx::Error> {
    let mut sorted: Vec<_> = seen.iter().collect();
    sorted.sort_unstable_by(|a, b| a.queue.cmp(&b.queue));
    let queues: Vec<_> = sorted.iter().map(|seen| seen.queue.clone()).collect();
    let backlog: Vec<_> = sorted.iter().map(|seen| seen.backlog).collect();
    let errors: Vec<_> = sorted.iter().map(|seen| seen.broker_error.as_ref().map(BrokerError::to_string)).collect();
    let problems: Vec<_> = sorted.iter().map(|seen| seen.broker_error.as_ref().map(|error| error.kind)).collect();
    let rows = sqlx::query!(
        r#"
        INSERT INTO queue_status (queue, dispatcher, seen_at, inflight, backlog, broker_error, transport_problem)
        SELECT
            queue, $1, clock_timestamp(),
            (SELECT count(*) FROM jobs WHERE jobs.queue = seen.queue AND state IN ('queued', 'running')),
            backlog, broker_error, transport_problem
        FROM unnest($2::text[], $3::boolean[], $4::text[], $6::text[])
            AS seen (queue, backlog, broker_error, transport_problem)
        ON CONFLICT (queue) DO UPDATE
        SET dispatcher = $1, seen_at = clock_timestamp(), inflight = excluded.inflight, backlog = excluded.backlog,
            broker_error = excluded.broker_error, transport_problem = excluded.transport_problem
        WHERE queue_status.dispatcher = $1
           -- Seen too long ago, or at a time that has not come yet: the clock was set back since, and whoever lives says so anew.
           OR abs(extract(epoch FROM clock_timestamp() - queue_status.seen_at)) > $5::double precision
        RETURNING
            queue,
            (SELECT transport FROM queues WHERE name = queue) AS transport,
            (SELECT changed_at FROM queues WHERE name = queue) AS changed_at
        "#,
        dispatcher,
        &queues,
        &backlog,
        &errors as &[Option<String>],
        LEASE.as_secs_f64(),
        &problems as &[Option<TransportProblem>],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Led {
            queue: row.queue,
            transport: row.transport.and_then(|name| name.parse().ok()),
            changed_at: row.changed_at,
        })
        .collect())
}

/// Gives the lead up, so that another scheduler takes over at once.
pub async fn resign(conn: &mut PgConnection, dispatcher: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM queue_status WHERE dispatcher = $1", dispatcher).execute(conn).await?;
    Ok(())
}

/// What the fast path may do with a queue now.
#[derive(Clone, Debug)]
pub struct FastPathRoom {
    pub queue: String,
    pub transport: Option<Transport>,
    /// There is a dispatcher and a broker, no backlog, no limit and no pause.
    pub open: bool,
    /// How many jobs may take it, over all processes together.
    pub room: i64,
}

/// The room of every queue that has a dispatcher.
pub async fn fast_path_room(conn: &mut PgConnection) -> Result<Vec<FastPathRoom>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            name, transport, max_inflight, inflight, slots AS "slots?", run_micros AS "run_micros?",
            NOT paused
                AND concurrency_limit IS NULL
                AND rate_per_second IS NULL
                AND NOT backlog
                AND broker_error IS NULL
                AND abs(extract(epoch FROM clock_timestamp() - seen_at)) < $1::double precision AS "open!"
        FROM queues
        JOIN queue_status ON queue_status.queue = name
        LEFT JOIN serving ON serving.queue = name
        "#,
        LEASE.as_secs_f64(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let window = window::effective(i64::from(row.max_inflight), row.slots.unwrap_or(0), row.run_micros);
            FastPathRoom {
                queue: row.name,
                transport: row.transport.parse().ok(),
                open: row.open,
                room: (window - i64::from(row.inflight)).max(0),
            }
        })
        .collect())
}
