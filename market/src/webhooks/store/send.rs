//! What an attempt needs, and what is written down after it.
//!
//! # How to get this wrong
//! - Holding a transaction while the endpoint is asked: a slow one would hold our connections.
//! - Writing down that it was delivered apart from the end of the job: a crash in between would send it again.
//! - Locking the delivery before the endpoint, which whoever stops one does the other way round.
//! - Ending a job that has found nothing to send without another look: a replay may have begun the delivery anew since.

use chrono::{DateTime, TimeDelta, Utc};
use shared::audit::Actor;
use shared::crypto::seal::Keyring;
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;

use super::WebhookError;
use super::{endpoints, secrets};
use crate::ids::{DeliveryId, EndpointId, OrderId};
use crate::orders::model::OrderStatus;
use crate::webhooks::model::{Attempt, AttemptOutcome, DeliveryStatus, EndpointStatus, Sending, Stopped};
use crate::webhooks::rules::attempt::{Next, next};
use crate::webhooks::rules::message::{OrderData, body};

/// The longest that is kept of an answer, in characters.
const MAX_DETAIL: usize = 1_024;

/// What an attempt finds.
#[derive(Debug)]
pub enum Start {
    Send(Box<Sending>),
    /// It is not due for this long.
    NotYet(TimeDelta),
    /// It is not waiting any more.
    Nothing,
}

/// What there is to send of a delivery now. One whose endpoint is not active is missed.
pub async fn start(conn: &mut PgConnection, id: DeliveryId, keyring: &Keyring) -> Result<Start, WebhookError> {
    let row = sqlx::query!(
        r#"SELECT d.status AS "status!: DeliveryStatus", d.event AS "event!", d.occurred_at AS "occurred_at!",
                  d.order_id AS "order?: OrderId", d.version AS "order_version?", h.status AS "order_status?: OrderStatus",
                  d.due_at AS "due_at!", clock_timestamp() AS "now!", e.id AS "endpoint!: EndpointId",
                  e.org_id AS "org!: OrgId", e.url AS "url!", e.status AS "endpoint_status!: EndpointStatus",
                  e.ended_at IS NOT NULL AS "has_ended!", good.versions AS "versions!", good.sealed AS "sealed!"
           FROM webhook_deliveries AS d
           JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
           CROSS JOIN LATERAL (
               SELECT coalesce(array_agg(s.version ORDER BY s.version DESC), '{}') AS versions,
                      coalesce(array_agg(s.sealed ORDER BY s.version DESC), '{}') AS sealed
               FROM webhook_secrets AS s
               WHERE s.endpoint_id = e.id
                 AND (s.good_until IS NULL OR s.good_until > clock_timestamp())
           ) AS good
           LEFT JOIN order_events AS h ON h.order_id = d.order_id AND h.version = d.version
           WHERE d.id = $1"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row.filter(|row| row.status == DeliveryStatus::Waiting) else { return Ok(Start::Nothing) };
    if row.endpoint_status != EndpointStatus::Active || row.has_ended {
        miss(conn, id).await?;
        return Ok(Start::Nothing);
    }
    if row.due_at > row.now {
        return Ok(Start::NotYet(row.due_at - row.now));
    }
    let order = match (row.order, row.order_version, row.order_status) {
        (Some(order), Some(version), Some(status)) => Some(OrderData { order, status, version }),
        _ => None,
    };
    Ok(Start::Send(Box::new(Sending {
        endpoint: row.endpoint,
        org: row.org,
        url: row.url,
        body: body(&row.event, row.occurred_at, order)?,
        now: row.now,
        secrets: secrets::open(row.endpoint, row.versions.into_iter().zip(row.sealed), keyring)?,
    })))
}

/// Whether a delivery is waiting. Locks it, so that this stays so until the transaction ends. Needs a transaction.
pub async fn lock_waiting(conn: &mut PgConnection, id: DeliveryId) -> Result<bool, sqlx::Error> {
    let status = sqlx::query_scalar!(
        r#"SELECT status AS "status: DeliveryStatus" FROM webhook_deliveries WHERE id = $1 FOR NO KEY UPDATE"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(status == Some(DeliveryStatus::Waiting))
}

async fn miss(conn: &mut PgConnection, id: DeliveryId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhook_deliveries SET status = 'missed', ended_at = clock_timestamp() WHERE id = $1 AND status = 'waiting'",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What an attempt has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    Delivered,
    /// Another attempt is due after this long.
    Again(TimeDelta),
    GaveUp,
    /// That was the last straw: nothing more is sent to the endpoint.
    Stopped(Stopped),
    /// It was not waiting any more; what the endpoint has said is written down all the same.
    Ended,
}

/// Writes down an attempt that `job` has made, with what follows from it. Needs a transaction.
pub async fn record(
    conn: &mut PgConnection,
    id: DeliveryId,
    endpoint: EndpointId,
    job: JobId,
    attempt: &Attempt,
) -> Result<Recorded, sqlx::Error> {
    if attempt.outcome == AttemptOutcome::Delivered {
        return delivered(conn, id, endpoint, job, attempt).await;
    }
    let failing = note(conn, endpoint).await?;
    let counted = sqlx::query!(
        r#"UPDATE webhook_deliveries
           SET attempts = attempts + 1, round = round + 1
           WHERE id = $1
           RETURNING attempts, round, status AS "status: DeliveryStatus", clock_timestamp() AS "now!""#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    // Forgotten.
    let Some(counted) = counted else { return Ok(Recorded::Ended) };
    sqlx::query!(
        "INSERT INTO webhook_attempts (delivery_id, number, job, outcome, status_code, latency_ms, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        counted.attempts,
        job.0,
        attempt.outcome as AttemptOutcome,
        attempt.status_code.map(i32::from),
        latency(attempt),
        detail(attempt),
    )
    .execute(&mut *conn)
    .await?;
    if counted.status != DeliveryStatus::Waiting {
        return Ok(Recorded::Ended);
    }
    let number = usize::try_from(counted.round).unwrap_or(usize::MAX);
    let since = failing.as_ref().map_or(counted.now, |failing| failing.since);
    match (next(attempt.outcome, number, since, attempt.asked, counted.now), failing) {
        (Next::Delivered, _) => {
            finish(conn, id, DeliveryStatus::Delivered).await?;
            Ok(Recorded::Delivered)
        }
        (Next::Again(delay), _) => {
            postpone(conn, id, delay).await?;
            Ok(Recorded::Again(delay))
        }
        (Next::Stop(reason), Some(Failing { org, name, url, since, is_active: true })) => {
            finish(conn, id, DeliveryStatus::Failed).await?;
            let version = endpoints::stop(conn, Actor::System, endpoint, reason).await?;
            Ok(Recorded::Stopped(Stopped { endpoint, org, name, url, reason, version, failing_since: since }))
        }
        (Next::GiveUp | Next::Stop(_), _) => {
            finish(conn, id, DeliveryStatus::Failed).await?;
            Ok(Recorded::GaveUp)
        }
    }
}

/// [`record`] of an attempt that has delivered, in one statement: nearly all of them have. The endpoint is recovered before the delivery is
/// changed, and so locked before it, if it was failing.
async fn delivered(
    conn: &mut PgConnection,
    id: DeliveryId,
    endpoint: EndpointId,
    job: JobId,
    attempt: &Attempt,
) -> Result<Recorded, sqlx::Error> {
    let status = sqlx::query_scalar!(
        r#"WITH recovered AS (
               UPDATE webhook_endpoints SET failing_since = NULL WHERE id = $2 AND failing_since IS NOT NULL RETURNING id
           ), ended AS (
               UPDATE webhook_deliveries AS d
               SET attempts = d.attempts + 1,
                   round = d.round + 1,
                   status = CASE d.status WHEN 'waiting' THEN 'delivered' ELSE d.status END,
                   ended_at = coalesce(d.ended_at, clock_timestamp())
               FROM (SELECT count(*) FROM recovered) AS before
               WHERE d.id = $1
               RETURNING d.id, d.attempts, d.status
           )
           INSERT INTO webhook_attempts (delivery_id, number, job, outcome, status_code, latency_ms, detail)
           SELECT id, attempts, $3, 'delivered', $4, $5, $6
           FROM ended
           RETURNING (SELECT status FROM ended) AS "status!: DeliveryStatus""#,
        id.0,
        endpoint.0,
        job.0,
        attempt.status_code.map(i32::from),
        latency(attempt),
        detail(attempt),
    )
    .fetch_optional(conn)
    .await?;
    Ok(if status == Some(DeliveryStatus::Delivered) { Recorded::Delivered } else { Recorded::Ended })
}

/// In milliseconds, as it is kept.
fn latency(attempt: &Attempt) -> i32 {
    i32::try_from(attempt.latency.as_millis()).unwrap_or(i32::MAX)
}

/// What the endpoint has said, as it is kept.
fn detail(attempt: &Attempt) -> String {
    attempt.detail.chars().filter(|c| *c != '\0').take(MAX_DETAIL).collect()
}

/// An endpoint at which an attempt has failed.
struct Failing {
    org: OrgId,
    name: String,
    url: String,
    since: DateTime<Utc>,
    is_active: bool,
}

/// Notes at the endpoint, which is locked by that, that an attempt has failed.
async fn note(conn: &mut PgConnection, endpoint: EndpointId) -> Result<Option<Failing>, sqlx::Error> {
    sqlx::query_as!(
        Failing,
        r#"UPDATE webhook_endpoints
           SET failing_since = coalesce(failing_since, clock_timestamp())
           WHERE id = $1
           RETURNING org_id AS "org: OrgId", name, url, failing_since AS "since!",
                     (status = 'active' AND ended_at IS NULL) AS "is_active!""#,
        endpoint.0,
    )
    .fetch_optional(conn)
    .await
}

async fn finish(conn: &mut PgConnection, id: DeliveryId, status: DeliveryStatus) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhook_deliveries SET status = $2, ended_at = clock_timestamp() WHERE id = $1",
        id.0,
        status as DeliveryStatus,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn postpone(conn: &mut PgConnection, id: DeliveryId, delay: TimeDelta) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhook_deliveries SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1",
        id.0,
        delay.as_seconds_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
