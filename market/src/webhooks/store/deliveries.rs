//! Deliveries: read, enqueued, replayed and forgotten.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use shared::audit::Actor;
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::WebhookError;
use super::endpoints::{lock, write_down};
use crate::ids::{DeliveryId, EndpointId, OrderId, RefundId};
use crate::webhooks::model::{AttemptOutcome, Delivery, DeliveryStatus, EndpointStatus, RecordedAttempt};
use crate::webhooks::rules::message;

/// How many deliveries one replay of a range begins anew.
pub const MOST_REPLAYED: i64 = 500;

/// A delivery that needs a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub id: DeliveryId,
    /// The endpoint's organisation, whose share of the queue it takes.
    pub org: OrgId,
}

/// What waits about these orders and has no job yet, each with the order.
pub async fn unassigned(conn: &mut PgConnection, orders: &[OrderId]) -> Result<Vec<(Waiting, OrderId)>, sqlx::Error> {
    let orders: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let rows = sqlx::query!(
        r#"SELECT d.id AS "id: DeliveryId", e.org_id AS "org: OrgId", d.order_id AS "order!: OrderId"
           FROM webhook_deliveries AS d
           JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
           WHERE d.order_id = ANY ($1)
             AND d.status = 'waiting'
             AND d.job IS NULL
           ORDER BY d.id"#,
        &orders,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (Waiting { id: row.id, org: row.org }, row.order)).collect())
}

/// [`unassigned`] of the order of a refund.
pub async fn unassigned_of_refund(conn: &mut PgConnection, refund: RefundId) -> Result<Vec<Waiting>, sqlx::Error> {
    let order = sqlx::query_scalar!(r#"SELECT order_id AS "order: OrderId" FROM refunds WHERE id = $1"#, refund.0)
        .fetch_optional(&mut *conn)
        .await?;
    match order.flatten() {
        Some(order) => Ok(unassigned(conn, &[order]).await?.into_iter().map(|(waiting, _)| waiting).collect()),
        None => Ok(Vec::new()),
    }
}

/// Up to `limit` deliveries that wait and have no job after this long, or are overdue by an hour whatever their job does: what whoever
/// made them did not enqueue, and what the job was cancelled of. The oldest first. By `now()`, which an index can find.
pub async fn waiting_long(conn: &mut PgConnection, age: TimeDelta, limit: i64) -> Result<Vec<Waiting>, sqlx::Error> {
    let mut found = sqlx::query_as!(
        Waiting,
        r#"SELECT d.id AS "id: DeliveryId", e.org_id AS "org: OrgId"
           FROM webhook_deliveries AS d
           JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
           WHERE d.status = 'waiting'
             AND d.job IS NULL
             AND d.created_at < now() - make_interval(secs => $1)
           ORDER BY d.created_at
           LIMIT $2"#,
        age.as_seconds_f64(),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let overdue = sqlx::query_as!(
        Waiting,
        r#"SELECT d.id AS "id: DeliveryId", e.org_id AS "org: OrgId"
           FROM webhook_deliveries AS d
           JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
           WHERE d.status = 'waiting'
             AND d.job IS NOT NULL
             AND d.due_at < now() - interval '1 hour'
           ORDER BY d.due_at
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    found.extend(overdue);
    Ok(found)
}

/// Notes which jobs bring deliveries to their endpoints.
pub async fn assign(conn: &mut PgConnection, jobs: &[(DeliveryId, JobId)]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = jobs.iter().map(|(id, _)| id.0).collect();
    let jobs: Vec<i64> = jobs.iter().map(|(_, job)| job.0).collect();
    sqlx::query!(
        "UPDATE webhook_deliveries AS d
         SET job = assigned.job
         FROM unnest($1::uuid[], $2::bigint[]) AS assigned (id, job)
         WHERE d.id = assigned.id",
        &ids,
        &jobs,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Up to `limit` deliveries to an endpoint of `org`, newest first, before `before`; of one status if it is given.
pub async fn page_deliveries(
    conn: &mut PgConnection,
    org: OrgId,
    endpoint: EndpointId,
    status: Option<DeliveryStatus>,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>, sqlx::Error> {
    sqlx::query_as!(
        Delivery,
        r#"SELECT d.id AS "id: DeliveryId", d.endpoint_id AS "endpoint: EndpointId", d.event, d.order_id AS "order: OrderId",
                  d.occurred_at, d.status AS "status: DeliveryStatus", d.attempts,
                  CASE WHEN d.status = 'waiting' THEN d.due_at END AS due_at, d.ended_at, d.job AS "job: JobId"
           FROM webhook_deliveries AS d
           JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
           WHERE d.endpoint_id = $1
             AND e.org_id = $2
             AND d.id < $3
             AND ($4::text IS NULL OR d.status = $4)
           ORDER BY d.id DESC
           LIMIT $5"#,
        endpoint.0,
        org.0,
        before.map_or(Uuid::max(), |id| id.0),
        status as Option<DeliveryStatus>,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A delivery to an endpoint of `org`.
pub async fn delivery(conn: &mut PgConnection, org: OrgId, id: DeliveryId) -> Result<Option<Delivery>, sqlx::Error> {
    sqlx::query_as!(
        Delivery,
        r#"SELECT d.id AS "id: DeliveryId", d.endpoint_id AS "endpoint: EndpointId", d.event, d.order_id AS "order: OrderId",
                  d.occurred_at, d.status AS "status: DeliveryStatus", d.attempts,
                  CASE WHEN d.status = 'waiting' THEN d.due_at END AS due_at, d.ended_at, d.job AS "job: JobId"
           FROM webhook_deliveries AS d
           JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
           WHERE d.id = $1
             AND e.org_id = $2"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await
}

/// The latest attempts of a delivery, the first of them first.
pub async fn attempts(conn: &mut PgConnection, id: DeliveryId) -> Result<Vec<RecordedAttempt>, sqlx::Error> {
    let mut found = sqlx::query_as!(
        RecordedAttempt,
        r#"SELECT number, at, job AS "job: JobId", outcome AS "outcome: AttemptOutcome", status_code, latency_ms, detail
           FROM webhook_attempts
           WHERE delivery_id = $1
           ORDER BY number DESC
           LIMIT 100"#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    found.reverse();
    Ok(found)
}

/// Makes a delivery that only says that webhooks arrive.
pub async fn test_delivery(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    endpoint: EndpointId,
) -> Result<DeliveryId, WebhookError> {
    active(conn, org, endpoint).await?;
    let id = DeliveryId::generate();
    sqlx::query!(
        "INSERT INTO webhook_deliveries (id, endpoint_id, event, occurred_at) VALUES ($1, $2, $3, clock_timestamp())",
        id.0,
        endpoint.0,
        message::TEST,
    )
    .execute(&mut *conn)
    .await?;
    write_down(conn, actor, "webhook_endpoint.test", endpoint, json!({"delivery": id})).await?;
    Ok(id)
}

/// Locks an endpoint that must be active.
async fn active(conn: &mut PgConnection, org: OrgId, endpoint: EndpointId) -> Result<(), WebhookError> {
    let found = lock(conn, org, endpoint).await?;
    if found.status == EndpointStatus::Active { Ok(()) } else { Err(WebhookError::NotActive) }
}

/// Begins a delivery anew, whatever became of it. Returns whether it did not wait already.
pub async fn replay(conn: &mut PgConnection, org: OrgId, actor: Actor, id: DeliveryId) -> Result<bool, WebhookError> {
    let found = delivery(conn, org, id).await?.ok_or(WebhookError::NoDelivery)?;
    active(conn, org, found.endpoint).await?;
    let begun = sqlx::query!(
        "UPDATE webhook_deliveries
         SET status = 'waiting', round = 0, due_at = clock_timestamp(), ended_at = NULL
         WHERE id = $1 AND status <> 'waiting'",
        id.0,
    )
    .execute(&mut *conn)
    .await?;
    if begun.rows_affected() == 0 {
        return Ok(false);
    }
    write_down(conn, actor, "webhook_endpoint.replay", found.endpoint, json!({"delivery": id})).await?;
    Ok(true)
}

/// Begins anew what an endpoint of `org` did not get of what has happened since `since` and before `until`, up to [`MOST_REPLAYED`], the
/// oldest first.
pub async fn replay_missed(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    endpoint: EndpointId,
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<Vec<DeliveryId>, WebhookError> {
    active(conn, org, endpoint).await?;
    let mut begun = sqlx::query_scalar!(
        r#"UPDATE webhook_deliveries
           SET status = 'waiting', round = 0, due_at = clock_timestamp(), ended_at = NULL
           WHERE id IN (
                 SELECT id
                 FROM webhook_deliveries
                 WHERE endpoint_id = $1
                   AND status IN ('failed', 'missed')
                   AND occurred_at >= $2
                   AND ($3::timestamptz IS NULL OR occurred_at < $3)
                 ORDER BY occurred_at, id
                 LIMIT $4
             )
           RETURNING id AS "id: DeliveryId""#,
        endpoint.0,
        since,
        until,
        MOST_REPLAYED,
    )
    .fetch_all(&mut *conn)
    .await?;
    begun.sort_unstable();
    let data = json!({"since": since, "until": until, "deliveries": begun.len()});
    write_down(conn, actor, "webhook_endpoint.replay", endpoint, data).await?;
    Ok(begun)
}

/// Forgets up to `most` deliveries that ended more than `days` days ago, with their attempts; returns how many.
pub async fn purge(conn: &mut PgConnection, days: u32, most: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM webhook_deliveries
         WHERE id IN (
               SELECT id
               FROM webhook_deliveries
               WHERE status <> 'waiting'
                 AND ended_at < now() - make_interval(days => $1)
               ORDER BY ended_at
               LIMIT $2
           )",
        i32::try_from(days).unwrap_or(i32::MAX),
        most,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
