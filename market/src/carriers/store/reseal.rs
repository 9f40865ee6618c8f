//! Sealing anew what an older master key has sealed, so that it can be taken away.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::crypto::seal::Keyring;
use sqlx::{Connection, PgConnection};

use super::{CarrierError, place};
use crate::ids::CarrierId;

/// How many secrets are read by one statement.
const PAGE: i64 = 500;

/// What became of all secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Resealed {
    /// Opened with an older key, and sealed with the first one.
    pub resealed: u64,
    /// Those that the first key had sealed already.
    pub current: u64,
}

/// Seals every carrier's secret with the first key that another one has sealed, a page at a time, and writes that to the audit log.
/// `conn` must not be inside a transaction. Secrets that are replaced in the meantime are left as they are.
pub async fn reseal(conn: &mut PgConnection, actor: Actor, keyring: &Keyring) -> Result<Resealed, CarrierError> {
    let mut all = Resealed::default();
    let mut after = (CarrierId(uuid::Uuid::nil()), 0);
    loop {
        let mut tx = conn.begin().await?;
        let rows = sqlx::query!(
            r#"SELECT carrier_id AS "carrier: CarrierId", version, sealed
               FROM carrier_secrets
               WHERE (carrier_id, version) > ($1, $2)
               ORDER BY carrier_id, version
               LIMIT $3
               FOR UPDATE"#,
            after.0.0,
            after.1,
            PAGE,
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last() else { break };
        after = (last.carrier, last.version);
        let mut resealed = 0;
        for row in &rows {
            if keyring.is_current(&row.sealed) {
                all.current += 1;
                continue;
            }
            let place = place(row.carrier, row.version);
            let sealed = keyring.reseal(&place, &row.sealed)?;
            let changed = sqlx::query!(
                "UPDATE carrier_secrets SET sealed = $3 WHERE carrier_id = $1 AND version = $2",
                row.carrier.0,
                row.version,
                sealed,
            )
            .execute(&mut *tx)
            .await?;
            resealed += changed.rows_affected();
        }
        if resealed > 0 {
            let (subject, data) = (("encryption", "carrier_secrets".to_owned()), json!({"resealed": resealed}));
            audit::append(&mut tx, audit::Entry { actor, action: "encryption.reseal", subject, data }).await?;
        }
        tx.commit().await?;
        all.resealed += resealed;
    }
    Ok(all)
}
