//! What webhooks are signed with: the present secret and, for a day after it was replaced, the one before it.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::json;
use shared::audit::Actor;
use shared::crypto::seal::{Keyring, Place, SealError};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::WebhookError;
use super::endpoints::{lock, write_down};
use crate::carriers::model::WebhookSecret;
use crate::carriers::rules::OVERLAP;
use crate::ids::EndpointId;

/// What a secret is sealed for.
pub(crate) fn place(endpoint: EndpointId, version: i32) -> Place {
    Place::new("webhook_secrets", &[&endpoint, &version])
}

pub(super) async fn add(
    conn: &mut PgConnection,
    endpoint: EndpointId,
    version: i32,
    keyring: &Keyring,
) -> Result<WebhookSecret, WebhookError> {
    let secret = WebhookSecret::generate();
    let sealed = keyring.seal(&place(endpoint, version), secret.expose_secret())?;
    let added = sqlx::query!(
        "INSERT INTO webhook_secrets (endpoint_id, version, sealed) VALUES ($1, $2, $3)",
        endpoint.0,
        version,
        sealed,
    )
    .execute(conn)
    .await?;
    debug_assert_eq!(added.rows_affected(), 1);
    Ok(secret)
}

/// The secrets of an endpoint, given by version and sealed, the newest first.
pub(super) fn open(
    endpoint: EndpointId,
    sealed: impl IntoIterator<Item = (i32, Vec<u8>)>,
    keyring: &Keyring,
) -> Result<Vec<WebhookSecret>, WebhookError> {
    let mut good: Vec<WebhookSecret> = Vec::new();
    for (version, sealed) in sealed {
        match keyring.open(&place(endpoint, version), &sealed) {
            Ok(secret) => good.push(secret.into()),
            // Its key is lost; the present secret was made since.
            Err(SealError::UnknownKey) if !good.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(good)
}

/// A new secret, and until when the one before it signs as well.
#[derive(Debug)]
pub struct Rotated {
    pub secret: WebhookSecret,
    /// Absent: it does not any more.
    pub old_good_until: Option<DateTime<Utc>>,
}

/// Replaces an endpoint's secret. The present one signs for another day if it is to be kept; one that was replaced before ends.
pub async fn rotate(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    id: EndpointId,
    keep_old: bool,
    keyring: &Keyring,
) -> Result<Rotated, WebhookError> {
    lock(conn, org, id).await?;
    sqlx::query!("DELETE FROM webhook_secrets WHERE endpoint_id = $1 AND good_until IS NOT NULL", id.0)
        .execute(&mut *conn)
        .await?;
    let old = sqlx::query!(
        r#"UPDATE webhook_secrets
           SET good_until = CASE WHEN $2 THEN clock_timestamp() + make_interval(secs => $3) ELSE clock_timestamp() END
           WHERE endpoint_id = $1
           RETURNING version, good_until AS "good_until!""#,
        id.0,
        keep_old,
        OVERLAP.as_seconds_f64(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let secret = add(conn, id, old.version + 1, keyring).await?;
    let data = json!({"version": old.version + 1, "keep_old": keep_old});
    write_down(conn, actor, "webhook_endpoint.rotate", id, data).await?;
    Ok(Rotated { secret, old_good_until: keep_old.then_some(old.good_until) })
}
