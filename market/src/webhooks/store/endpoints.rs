//! Endpoints: made, changed, stopped and let go on by their organisation's owners.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::crypto::seal::Keyring;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::WebhookError;
use super::secrets;
use crate::carriers::model::WebhookSecret;
use crate::ids::EndpointId;
use crate::webhooks::model::{Endpoint, EndpointChange, EndpointStatus, NewEndpoint, StopReason, Subscription, origin};
use crate::webhooks::rules::reach::Reach;

struct Row {
    id: EndpointId,
    org_id: OrgId,
    url: String,
    name: String,
    events: Vec<String>,
    status: EndpointStatus,
    reason: Option<StopReason>,
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Row> for Endpoint {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            org_id: row.org_id,
            url: row.url,
            name: row.name,
            events: row.events.iter().filter_map(|event| Subscription::named(event)).collect(),
            status: row.status,
            reason: row.reason,
            failing_since: row.failing_since,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn write_down(
    conn: &mut PgConnection,
    actor: Actor,
    action: &str,
    endpoint: EndpointId,
    data: Value,
) -> Result<(), sqlx::Error> {
    let subject = ("webhook_endpoint", endpoint.to_string());
    audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(())
}

fn names(events: &[Subscription]) -> Vec<String> {
    events.iter().map(|event| event.name().to_owned()).collect()
}

fn judged(url: &str, reach: Reach) -> Result<(), Invalid> {
    reach.read(url).map(drop).map_err(|error| Invalid::new("/url", error.to_string()))
}

/// Makes an endpoint of `org`, with the secret that its webhooks are signed with.
pub async fn create(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    new: &NewEndpoint,
    reach: Reach,
    keyring: &Keyring,
) -> Result<(Endpoint, WebhookSecret), WebhookError> {
    judged(&new.url, reach)?;
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO webhook_endpoints (id, org_id, url, name, events)
           VALUES ($1, $2, $3, $4, $5)
           RETURNING id AS "id: EndpointId", org_id AS "org_id: OrgId", url, name, events, status AS "status: EndpointStatus",
                     reason AS "reason: StopReason", failing_since, created_at"#,
        EndpointId::generate().0,
        org.0,
        new.url,
        new.name,
        &names(&new.events),
    )
    .fetch_one(&mut *conn)
    .await?;
    let secret = secrets::add(conn, row.id, 1, keyring).await?;
    // The path may be a secret of its own.
    let data = json!({"origin": origin(&row.url), "events": row.events});
    write_down(conn, actor, "webhook_endpoint.create", row.id, data).await?;
    Ok((row.into(), secret))
}

/// An endpoint of `org`.
pub async fn get(conn: &mut PgConnection, org: OrgId, id: EndpointId) -> Result<Option<Endpoint>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: EndpointId", org_id AS "org_id: OrgId", url, name, events, status AS "status: EndpointStatus",
                  reason AS "reason: StopReason", failing_since, created_at
           FROM webhook_endpoints
           WHERE id = $1
             AND org_id = $2
             AND ended_at IS NULL"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Endpoint::from))
}

/// Up to `limit` endpoints of `org`, oldest first, after `after`.
pub async fn page(
    conn: &mut PgConnection,
    org: OrgId,
    after: Option<EndpointId>,
    limit: i64,
) -> Result<Vec<Endpoint>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: EndpointId", org_id AS "org_id: OrgId", url, name, events, status AS "status: EndpointStatus",
                  reason AS "reason: StopReason", failing_since, created_at
           FROM webhook_endpoints
           WHERE org_id = $1
             AND id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
             AND ended_at IS NULL
           ORDER BY id
           LIMIT $3"#,
        org.0,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Endpoint::from).collect())
}

/// [`get`], locked until the transaction ends.
pub async fn lock(conn: &mut PgConnection, org: OrgId, id: EndpointId) -> Result<Endpoint, WebhookError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM webhook_endpoints WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?;
    get(conn, org, id).await?.ok_or(WebhookError::NotFound)
}

/// Changes an endpoint. What waits goes to the new address.
pub async fn change(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: EndpointId,
    change: &EndpointChange,
    reach: Reach,
) -> Result<Endpoint, WebhookError> {
    let found = lock(conn, org, id).await?;
    if let Some(url) = &change.url {
        judged(url, reach)?;
    }
    let events = names(change.events.as_ref().unwrap_or(&found.events));
    let row = sqlx::query_as!(
        Row,
        r#"UPDATE webhook_endpoints
           SET url = $2, name = $3, events = $4
           WHERE id = $1
           RETURNING id AS "id: EndpointId", org_id AS "org_id: OrgId", url, name, events, status AS "status: EndpointStatus",
                     reason AS "reason: StopReason", failing_since, created_at"#,
        id.0,
        change.url.as_ref().unwrap_or(&found.url),
        change.name.as_ref().unwrap_or(&found.name),
        &events,
    )
    .fetch_one(&mut *conn)
    .await?;
    let data = json!({"origin": origin(&row.url), "events": row.events});
    write_down(conn, actor, "webhook_endpoint.change", id, data).await?;
    Ok(row.into())
}

/// Stops an endpoint that is locked, for this reason: what waits for it is missed. Returns how often it was stopped or went on.
pub(super) async fn stop(
    conn: &mut PgConnection,
    actor: Actor,
    id: EndpointId,
    reason: StopReason,
) -> Result<i32, sqlx::Error> {
    let version = sqlx::query_scalar!(
        "UPDATE webhook_endpoints
         SET status = $2, reason = $3, version = version + 1
         WHERE id = $1
         RETURNING version",
        id.0,
        reason.status() as EndpointStatus,
        reason as StopReason,
    )
    .fetch_one(&mut *conn)
    .await?;
    miss(conn, id).await?;
    let action = match reason.status() {
        EndpointStatus::Disabled => "webhook_endpoint.disable",
        EndpointStatus::Paused | EndpointStatus::Active => "webhook_endpoint.pause",
    };
    write_down(conn, actor, action, id, json!({"reason": reason})).await?;
    Ok(version)
}

/// Whatever waits for an endpoint is missed.
async fn miss(conn: &mut PgConnection, id: EndpointId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhook_deliveries
         SET status = 'missed', ended_at = clock_timestamp()
         WHERE endpoint_id = $1 AND status = 'waiting'",
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Pauses an endpoint. One that is not active stays as it is.
pub async fn pause(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: EndpointId,
) -> Result<Endpoint, WebhookError> {
    let found = lock(conn, org, id).await?;
    if found.status != EndpointStatus::Active {
        return Ok(found);
    }
    stop(conn, actor, id, StopReason::Asked).await?;
    get(conn, org, id).await?.ok_or(WebhookError::NotFound)
}

/// Lets an endpoint go on. What was missed stays missed until it is replayed.
pub async fn resume(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: EndpointId,
) -> Result<Endpoint, WebhookError> {
    let found = lock(conn, org, id).await?;
    if found.status == EndpointStatus::Active {
        return Ok(found);
    }
    sqlx::query!(
        "UPDATE webhook_endpoints
         SET status = 'active', reason = NULL, failing_since = NULL, version = version + 1
         WHERE id = $1",
        id.0,
    )
    .execute(&mut *conn)
    .await?;
    write_down(conn, actor, "webhook_endpoint.resume", id, json!({})).await?;
    get(conn, org, id).await?.ok_or(WebhookError::NotFound)
}

/// Ends an endpoint, and forgets its secrets.
pub async fn end(conn: &mut PgConnection, org: OrgId, actor: Actor, id: EndpointId) -> Result<(), WebhookError> {
    lock(conn, org, id).await?;
    sqlx::query!("DELETE FROM webhook_secrets WHERE endpoint_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!("UPDATE webhook_endpoints SET ended_at = clock_timestamp() WHERE id = $1", id.0)
        .execute(&mut *conn)
        .await?;
    miss(conn, id).await?;
    Ok(write_down(conn, actor, "webhook_endpoint.end", id, json!({})).await?)
}
