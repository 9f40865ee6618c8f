//! Sealing anew what an older master key has sealed, as of carriers.

use secrecy::ExposeSecret;
use serde_json::json;
use shared::audit::{self, Actor};
use shared::crypto::seal::Keyring;
use sqlx::{Connection, PgConnection};

use super::WebhookError;
use super::secrets::place;
use crate::carriers::store::Resealed;
use crate::ids::EndpointId;

/// How many secrets are read by one statement.
const PAGE: i64 = 500;

/// Seals every endpoint's secret with the first key that another one has sealed, a page at a time, and writes that to the audit log.
/// `conn` must not be inside a transaction. Secrets that are replaced in the meantime are left as they are.
pub async fn reseal(conn: &mut PgConnection, actor: Actor, keyring: &Keyring) -> Result<Resealed, WebhookError> {
    let mut all = Resealed::default();
    let mut after = (EndpointId(uuid::Uuid::nil()), 0);
    loop {
        let mut tx = conn.begin().await?;
        let rows = sqlx::query!(
            r#"SELECT endpoint_id AS "endpoint: EndpointId", version, sealed
               FROM webhook_secrets
               WHERE (endpoint_id, version) > ($1, $2)
               ORDER BY endpoint_id, version
               LIMIT $3
               FOR UPDATE"#,
            after.0.0,
            after.1,
            PAGE,
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last() else { break };
        after = (last.endpoint, last.version);
        let mut resealed = 0;
        for row in &rows {
            if keyring.is_current(&row.sealed) {
                all.current += 1;
                continue;
            }
            let place = place(row.endpoint, row.version);
            let secret = keyring.open(&place, &row.sealed)?;
            let sealed = keyring.seal(&place, secret.expose_secret())?;
            let changed = sqlx::query!(
                "UPDATE webhook_secrets SET sealed = $3 WHERE endpoint_id = $1 AND version = $2",
                row.endpoint.0,
                row.version,
                sealed,
            )
            .execute(&mut *tx)
            .await?;
            resealed += changed.rows_affected();
        }
        if resealed > 0 {
            let (subject, data) = (("encryption", "webhook_secrets".to_owned()), json!({"resealed": resealed}));
            audit::append(&mut tx, audit::Entry { actor, action: "encryption.reseal", subject, data }).await?;
        }
        tx.commit().await?;
        all.resealed += resealed;
    }
    Ok(all)
}
