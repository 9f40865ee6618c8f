//! SQL for carriers and their secrets.
//!
//! A carrier is guarded by its own lock: of two who replace its secret at once the second one replaces the first one's. What is
//! sealed is bound to the carrier and the version (see [`place`]).

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::json;
use shared::audit::{self, Actor};
use shared::crypto::seal::{Keyring, Place, SealError};
use shared::ids::OrgId;
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};
use sqlx::PgConnection;

use super::model::{Carrier, NewCarrier, WebhookSecret};
use super::rules::{OVERLAP, source};
use crate::identity::{OrgKind, OrgStatus};
use crate::ids::CarrierId;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    #[error("there is no such carrier")]
    NotFound,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("a carrier's secret")]
    Seal(#[from] SealError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("carriers_slug_form", "/slug", "must be of a-z, 0-9 and '-' between them, and have at most 40 characters"),
    ("carriers_slug_once", "/slug", "another carrier of the organisation has it"),
    ("carriers_name_length", "/name", "must have 1 to 100 characters"),
    ("carriers_per_org", "", "the organisation has 100 carriers: end some first"),
];

impl From<sqlx::Error> for CarrierError {
    fn from(error: sqlx::Error) -> Self {
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

/// What a secret is sealed for.
pub(crate) fn place(carrier: CarrierId, version: i32) -> Place {
    Place::new("carrier_secrets", &[&carrier, &version])
}

/// Registers a carrier of `org`, with the secret that it is to sign with.
pub async fn create(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    new: &NewCarrier,
    keyring: &Keyring,
) -> Result<(Carrier, WebhookSecret), CarrierError> {
    let carrier = sqlx::query_as!(
        Carrier,
        r#"INSERT INTO carriers (id, org_id, slug, name)
           VALUES ($1, $2, $3, $4)
           RETURNING id AS "id: CarrierId", org_id AS "org_id: OrgId", slug, name, created_at"#,
        CarrierId::generate().0,
        org.0,
        new.slug,
        new.name,
    )
    .fetch_one(&mut *conn)
    .await?;
    let secret = add_secret(conn, carrier.id, 1, keyring).await?;
    write_down(conn, actor, "carrier.create", carrier.id, json!({"slug": carrier.slug})).await?;
    Ok((carrier, secret))
}

async fn add_secret(
    conn: &mut PgConnection,
    carrier: CarrierId,
    version: i32,
    keyring: &Keyring,
) -> Result<WebhookSecret, CarrierError> {
    let secret = WebhookSecret::generate();
    let sealed = keyring.seal(&place(carrier, version), secret.expose_secret())?;
    let added = sqlx::query!(
        "INSERT INTO carrier_secrets (carrier_id, version, sealed) VALUES ($1, $2, $3)",
        carrier.0,
        version,
        sealed,
    )
    .execute(conn)
    .await?;
    debug_assert_eq!(added.rows_affected(), 1);
    Ok(secret)
}

async fn write_down(
    conn: &mut PgConnection,
    actor: Actor,
    action: &str,
    carrier: CarrierId,
    data: serde_json::Value,
) -> Result<(), sqlx::Error> {
    audit::append(conn, audit::Entry { actor, action, subject: ("carrier", carrier.to_string()), data }).await?;
    Ok(())
}

/// A carrier of `org` that may report.
pub async fn get(conn: &mut PgConnection, org: OrgId, id: CarrierId) -> Result<Option<Carrier>, sqlx::Error> {
    sqlx::query_as!(
        Carrier,
        r#"SELECT id AS "id: CarrierId", org_id AS "org_id: OrgId", slug, name, created_at
           FROM carriers
           WHERE id = $1
             AND org_id = $2
             AND ended_at IS NULL"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await
}

/// Up to `limit` carriers of `org` that may report, oldest first, after `after`.
pub async fn page(
    conn: &mut PgConnection,
    org: OrgId,
    after: Option<CarrierId>,
    limit: i64,
) -> Result<Vec<Carrier>, sqlx::Error> {
    sqlx::query_as!(
        Carrier,
        r#"SELECT id AS "id: CarrierId", org_id AS "org_id: OrgId", slug, name, created_at
           FROM carriers
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
    .await
}

/// [`get`], locked until the transaction ends.
async fn lock(conn: &mut PgConnection, org: OrgId, id: CarrierId) -> Result<Carrier, CarrierError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM carriers WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?;
    get(conn, org, id).await?.ok_or(CarrierError::NotFound)
}

/// A new secret, and until when the one before it is good.
#[derive(Debug)]
pub struct Rotated {
    pub secret: WebhookSecret,
    /// Absent: it is not good any more.
    pub old_good_until: Option<DateTime<Utc>>,
}

/// Replaces a carrier's secret. The present one stays good for a day if it is to be kept; one that was replaced before ends.
pub async fn rotate(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: CarrierId,
    keep_old: bool,
    keyring: &Keyring,
) -> Result<Rotated, CarrierError> {
    lock(conn, org, id).await?;
    sqlx::query!("DELETE FROM carrier_secrets WHERE carrier_id = $1 AND good_until IS NOT NULL", id.0)
        .execute(&mut *conn)
        .await?;
    let old = sqlx::query!(
        r#"UPDATE carrier_secrets
           SET good_until = CASE WHEN $2 THEN clock_timestamp() + make_interval(secs => $3) ELSE clock_timestamp() END
           WHERE carrier_id = $1
           RETURNING version, good_until AS "good_until!""#,
        id.0,
        keep_old,
        OVERLAP.as_seconds_f64(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let secret = add_secret(conn, id, old.version + 1, keyring).await?;
    write_down(conn, actor, "carrier.rotate", id, json!({"version": old.version + 1, "keep_old": keep_old})).await?;
    Ok(Rotated { secret, old_good_until: keep_old.then_some(old.good_until) })
}

/// Ends a carrier's reports, and forgets its secrets.
pub async fn end(conn: &mut PgConnection, org: OrgId, actor: Actor, id: CarrierId) -> Result<(), CarrierError> {
    let carrier = lock(conn, org, id).await?;
    sqlx::query!("DELETE FROM carrier_secrets WHERE carrier_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!("UPDATE carriers SET ended_at = clock_timestamp() WHERE id = $1", id.0).execute(&mut *conn).await?;
    Ok(write_down(conn, actor, "carrier.end", id, json!({"slug": carrier.slug})).await?)
}

/// Whose webhooks come to an address.
#[derive(Debug)]
pub struct Sender {
    pub org: OrgId,
    /// Whether the organisation may report cargo events at all: it is approved, and moves cargo.
    pub may_report: bool,
    /// What the events have as their source.
    pub source: String,
    /// The secrets that are good now.
    pub secrets: Vec<WebhookSecret>,
}

/// Who sends to the address of this carrier; `None` if there is no such carrier, or no longer.
pub async fn sender(conn: &mut PgConnection, id: CarrierId, keyring: &Keyring) -> Result<Option<Sender>, CarrierError> {
    let rows = sqlx::query!(
        r#"SELECT c.org_id AS "org: OrgId", c.slug, o.status AS "status: OrgStatus", o.kinds,
                  s.version, s.sealed
           FROM carriers AS c
           JOIN orgs AS o ON o.id = c.org_id
           JOIN carrier_secrets AS s ON s.carrier_id = c.id
           WHERE c.id = $1
             AND c.ended_at IS NULL
             AND (s.good_until IS NULL OR s.good_until > clock_timestamp())
           ORDER BY s.version DESC"#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    let mut sender: Option<Sender> = None;
    let mut unknown = false;
    for row in rows {
        let moves =
            [OrgKind::Carrier, OrgKind::Seller].iter().any(|kind| row.kinds.iter().any(|one| one == kind.name()));
        let sender = sender.get_or_insert_with(|| Sender {
            org: row.org,
            may_report: row.status == OrgStatus::Approved && moves,
            source: source(&row.slug),
            secrets: Vec::new(),
        });
        match keyring.open(&place(id, row.version), &row.sealed) {
            Ok(secret) => sender.secrets.push(secret.into()),
            // Its key is lost; the other secret may have been made since.
            Err(SealError::UnknownKey) => unknown = true,
            Err(error) => return Err(error.into()),
        }
    }
    if unknown && sender.as_ref().is_some_and(|sender| sender.secrets.is_empty()) {
        return Err(SealError::UnknownKey.into());
    }
    Ok(sender)
}

#[cfg(test)]
mod tests;
