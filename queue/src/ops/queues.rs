//! The queues: how full they are, what holds them up, and their settings.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::filter::by_index;
use super::{Actor, OpsError, record};
use crate::ledger::dispatch::recall;
use crate::ledger::reason::Reason;
use crate::transport::{Transport, TransportProblem};

/// A dispatcher writes its status five times a second; after this long without one, nobody dispatches the queue.
pub const DISPATCHER_SILENT: TimeDelta = TimeDelta::seconds(5);

/// A queue's settings and what is in it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct QueueView {
    pub name: String,
    #[serde(flatten)]
    pub settings: QueueSettings,
    pub scheduled: i64,
    /// Due, waiting for their turn.
    pub available: i64,
    /// Named by a broker message.
    pub queued: i64,
    pub running: i64,
    pub dead: i64,
    /// When the longest waiting available job was due.
    pub oldest_available: Option<DateTime<Utc>>,
    pub dispatcher: Option<DispatcherView>,
    /// Live workers that serve the queue.
    pub workers: i64,
    /// The most jobs that they run at once, over all their queues.
    pub slots: i64,
}

/// What an operator can change about a queue.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct QueueSettings {
    pub transport: Transport,
    pub paused: bool,
    /// The most jobs queued or running.
    pub window: i32,
    pub concurrency_limit: Option<i32>,
    pub rate_per_second: Option<f64>,
    pub rate_burst: f64,
    /// The most jobs that one broker message may name; `None`: chosen from how long jobs take.
    pub pack: Option<i16>,
    pub changed_at: DateTime<Utc>,
}

/// The scheduler that dispatches a queue, as it last reported.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DispatcherView {
    pub name: String,
    pub seen_at: DateTime<Utc>,
    /// Seen within the last five seconds.
    pub alive: bool,
    /// Jobs wait that did not fit into the window.
    pub backlog: bool,
    pub broker_error: Option<String>,
    /// What kind of problem `broker_error` is.
    pub transport_problem: Option<TransportProblem>,
}

struct Row {
    name: String,
    transport: String,
    paused: bool,
    max_inflight: i32,
    concurrency_limit: Option<i32>,
    rate_per_second: Option<f64>,
    rate_burst: f64,
    pack: Option<i16>,
    changed_at: DateTime<Utc>,
    scheduled: i64,
    available: i64,
    queued: i64,
    running: i64,
    dead: i64,
    oldest_available: Option<DateTime<Utc>>,
    dispatcher: Option<String>,
    seen_at: Option<DateTime<Utc>>,
    backlog: Option<bool>,
    broker_error: Option<String>,
    transport_problem: Option<TransportProblem>,
    workers: i64,
    slots: i64,
    now: DateTime<Utc>,
}

impl From<Row> for QueueView {
    fn from(row: Row) -> Self {
        let dispatcher = row.dispatcher.zip(row.seen_at).map(|(name, seen_at)| DispatcherView {
            name,
            seen_at,
            alive: row.now - seen_at < DISPATCHER_SILENT,
            backlog: row.backlog.unwrap_or(false),
            broker_error: row.broker_error,
            transport_problem: row.transport_problem,
        });
        Self {
            name: row.name,
            settings: QueueSettings {
                // The table's check allows only the three names.
                transport: row.transport.parse().unwrap_or(Transport::Local),
                paused: row.paused,
                window: row.max_inflight,
                concurrency_limit: row.concurrency_limit,
                rate_per_second: row.rate_per_second,
                rate_burst: row.rate_burst,
                pack: row.pack,
                changed_at: row.changed_at,
            },
            scheduled: row.scheduled,
            available: row.available,
            queued: row.queued,
            running: row.running,
            dead: row.dead,
            oldest_available: row.oldest_available,
            dispatcher,
            workers: row.workers,
            slots: row.slots,
        }
    }
}

/// Lists every queue, or the one named.
pub async fn list(conn: &mut PgConnection, only: Option<&str>) -> Result<Vec<QueueView>, sqlx::Error> {
    let mut tx = by_index(conn).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"
        WITH scheduled AS (
            SELECT queue, count(*) AS jobs FROM jobs WHERE state = 'scheduled' GROUP BY queue
        ), available AS (
            SELECT queue, count(*) AS jobs, min(run_at) AS oldest FROM jobs WHERE state = 'available' GROUP BY queue
        ), inflight AS (
            SELECT queue, count(*) FILTER (WHERE state = 'queued') AS queued,
                   count(*) FILTER (WHERE state = 'running') AS running
            FROM jobs
            WHERE state IN ('queued', 'running')
            GROUP BY queue
        ), dead AS (
            SELECT queue, count(*) AS jobs FROM jobs WHERE state = 'dead' GROUP BY queue
        )
        SELECT name, transport, paused, max_inflight, concurrency_limit, rate_per_second, rate_burst, pack, changed_at,
               coalesce(scheduled.jobs, 0) AS "scheduled!", coalesce(available.jobs, 0) AS "available!",
               coalesce(queued, 0) AS "queued!", coalesce(running, 0) AS "running!", coalesce(dead.jobs, 0) AS "dead!",
               available.oldest AS oldest_available,
               dispatcher AS "dispatcher?", seen_at AS "seen_at?", backlog AS "backlog?", broker_error,
               transport_problem AS "transport_problem: TransportProblem",
               coalesce(serving.workers, 0) AS "workers!", coalesce(slots, 0) AS "slots!", clock_timestamp() AS "now!"
        FROM queues
        LEFT JOIN scheduled ON scheduled.queue = name
        LEFT JOIN available ON available.queue = name
        LEFT JOIN inflight ON inflight.queue = name
        LEFT JOIN dead ON dead.queue = name
        LEFT JOIN serving ON serving.queue = name
        LEFT JOIN queue_status ON queue_status.queue = name
        WHERE $1::text IS NULL
           OR name = $1
        ORDER BY name
        "#,
        only,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(QueueView::from).collect())
}

/// Reads one queue.
pub async fn one(conn: &mut PgConnection, name: &str) -> Result<QueueView, OpsError> {
    match list(conn, Some(name)).await?.pop() {
        Some(queue) => Ok(queue),
        None => Err(unknown(conn, name).await?),
    }
}

/// Stops handing out the queue's jobs and takes back what no worker has claimed yet, in one transaction. Running jobs
/// finish. Returns how many came back.
pub async fn pause(conn: &mut PgConnection, name: &str, actor: Actor) -> Result<u64, OpsError> {
    let mut tx = conn.begin().await?;
    set_paused(&mut tx, name, true).await?;
    let back = recall(&mut tx, name, Reason::Paused).await?;
    record(&mut tx, actor, "queue.pause", ("queue", name), json!({"returned": back})).await?;
    tx.commit().await?;
    Ok(back)
}

/// Hands out the queue's jobs again.
pub async fn resume(conn: &mut PgConnection, name: &str, actor: Actor) -> Result<(), OpsError> {
    let mut tx = conn.begin().await?;
    set_paused(&mut tx, name, false).await?;
    // A job that was handed over while the pause began was refused to its worker, and its message is gone.
    recall(&mut tx, name, Reason::Paused).await?;
    record(&mut tx, actor, "queue.resume", ("queue", name), json!({})).await?;
    tx.commit().await?;
    Ok(())
}

async fn set_paused(conn: &mut PgConnection, name: &str, paused: bool) -> Result<(), OpsError> {
    let set = sqlx::query!(
        r#"
        UPDATE queues
        SET paused = $2,
            changed_at = CASE WHEN paused = $2 THEN changed_at ELSE clock_timestamp() END
        WHERE name = $1
        "#,
        name,
        paused,
    )
    .execute(&mut *conn)
    .await?;
    if set.rows_affected() == 1 { Ok(()) } else { Err(unknown(conn, name).await?) }
}

async fn unknown(conn: &mut PgConnection, name: &str) -> Result<OpsError, sqlx::Error> {
    let known = sqlx::query_scalar!("SELECT name FROM queues ORDER BY name").fetch_all(conn).await?;
    Ok(OpsError::UnknownQueue { name: name.to_owned(), known })
}

/// What happens to a setting that may also be unset.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Change<T> {
    #[default]
    Keep,
    Unset,
    To(T),
}

impl<T: Copy> Change<T> {
    /// Whether the column is written, and with what.
    fn parts(self) -> (bool, Option<T>) {
        match self {
            Self::Keep => (false, None),
            Self::Unset => (true, None),
            Self::To(value) => (true, Some(value)),
        }
    }
}

/// Changes of a queue's settings; the default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueChange {
    /// 1 to 4,000.
    pub window: Option<i32>,
    pub concurrency_limit: Change<i32>,
    pub rate_per_second: Change<f64>,
    /// How many jobs may leave at once after a quiet time; at least 1.
    pub rate_burst: Option<f64>,
    /// 1 to 100.
    pub pack: Change<i16>,
    /// Jobs go on flowing while the transport changes.
    pub transport: Option<Transport>,
}

/// [`one`], its settings locked against changes until the transaction ends.
pub async fn lock(conn: &mut PgConnection, name: &str) -> Result<QueueView, OpsError> {
    // In a statement of its own: the next one sees what those that it waited for have changed.
    sqlx::query!("SELECT FROM queues WHERE name = $1 FOR UPDATE", name).fetch_optional(&mut *conn).await?;
    one(conn, name).await
}

/// Changes settings; everything or, when one of them is out of bounds, nothing.
pub async fn set(
    conn: &mut PgConnection,
    name: &str,
    change: &QueueChange,
    actor: Actor,
) -> Result<QueueView, OpsError> {
    // PostgreSQL calls NaN greater than every number, so that the table's checks would let it pass.
    let finite = |value: Option<f64>| value.is_none_or(f64::is_finite);
    let (set_rate, rate) = change.rate_per_second.parts();
    if !finite(rate) || !finite(change.rate_burst) {
        return Err(OpsError::Invalid { setting: "rate", problem: "must be a finite number" });
    }
    let (set_limit, limit) = change.concurrency_limit.parts();
    let (set_pack, pack) = change.pack.parts();
    let mut tx = conn.begin().await?;
    let before = lock(&mut tx, name).await?.settings;
    let tightened = sqlx::query_scalar!(
        r#"
        UPDATE queues
        SET max_inflight = coalesce($2, queues.max_inflight),
            concurrency_limit = CASE WHEN $3 THEN $4 ELSE queues.concurrency_limit END,
            rate_per_second = CASE WHEN $5 THEN $6 ELSE queues.rate_per_second END,
            -- A new rate starts with the tokens that were there, and fills from now on.
            rate_filled_at = CASE WHEN $5 THEN clock_timestamp() ELSE queues.rate_filled_at END,
            rate_burst = coalesce($7, queues.rate_burst),
            pack = CASE WHEN $8 THEN $9 ELSE queues.pack END,
            transport = coalesce($10, queues.transport),
            changed_at = clock_timestamp()
        FROM (SELECT * FROM queues WHERE name = $1 FOR UPDATE) AS old
        WHERE queues.name = old.name
        RETURNING
            queues.transport <> old.transport
                OR queues.max_inflight < old.max_inflight
                OR (queues.concurrency_limit IS NOT NULL
                    AND (old.concurrency_limit IS NULL OR queues.concurrency_limit < old.concurrency_limit))
                OR (queues.rate_per_second IS NOT NULL
                    AND (old.rate_per_second IS NULL OR queues.rate_per_second < old.rate_per_second))
                OR queues.rate_burst < old.rate_burst AS "tightened!"
        "#,
        name,
        change.window,
        set_limit,
        limit,
        set_rate,
        rate,
        change.rate_burst,
        set_pack,
        pack,
        change.transport.map(Transport::name),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(out_of_bounds)?;
    match tightened {
        None => return Err(unknown(&mut tx, name).await?),
        // What the old broker holds, or what exceeds the new limits, becomes stale; the dispatcher hands the jobs over again.
        Some(true) => {
            let moved = change.transport.is_some_and(|transport| transport != before.transport);
            recall(&mut tx, name, if moved { Reason::Moved } else { Reason::Limits }).await?;
        }
        Some(false) => {}
    }
    let seen = one(&mut tx, name).await?;
    let data = json!({"before": before, "after": seen.settings});
    record(&mut tx, actor, "queue.change", ("queue", name), data).await?;
    tx.commit().await?;
    Ok(seen)
}

fn out_of_bounds(error: sqlx::Error) -> OpsError {
    let (setting, problem) = match error.as_database_error().and_then(|error| error.constraint()) {
        Some("queues_max_inflight_check") => ("window", "must be 1 to 4000"),
        Some("queues_concurrency_limit_check") => ("limit", "must be above 0"),
        Some("queues_rate_per_second_check") => ("rate", "must lie between 0.00001 and 1000000"),
        Some("queues_rate_burst_check") => ("burst", "must lie between 1 and 1000000"),
        Some("queues_pack_check") => ("pack", "must be 1 to 100"),
        _ => return OpsError::Sql(error),
    };
    OpsError::Invalid { setting, problem }
}

#[cfg(test)]
mod tests;
