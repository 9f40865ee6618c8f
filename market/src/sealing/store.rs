//! Sealing anew what an older master key has sealed, so that it can be taken away. The keys of conversations have a master key and a job
//! of their own, `chat.rotate_keys`.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::crypto::seal::{Keyring, Place, SealError};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::carriers::store as carriers;
use crate::identity::store as identity;
use crate::webhooks::store as webhooks;

/// How many secrets are read by one statement.
const PAGE: i64 = 500;

/// Why not everything was sealed anew. The pages before stay so.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    #[error("a sealed secret")]
    Seal(#[from] SealError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// What became of all secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Resealed {
    /// Opened with an older key, and sealed with the first one.
    pub resealed: u64,
    /// Those that the first key had sealed already.
    pub current: u64,
}

/// A table that has a secret in each row.
#[derive(Clone, Copy, Debug)]
enum Table {
    CarrierSecrets,
    WebhookSecrets,
    TwoFactors,
}

/// A row, by its id and version; where there is one for each id, that is 0.
#[derive(Debug)]
struct Row {
    id: Uuid,
    version: i32,
    /// Whose it is.
    owner: Uuid,
    sealed: Vec<u8>,
}

impl Table {
    const ALL: [Self; 3] = [Self::CarrierSecrets, Self::WebhookSecrets, Self::TwoFactors];

    const fn name(self) -> &'static str {
        match self {
            Self::CarrierSecrets => "carrier_secrets",
            Self::WebhookSecrets => "webhook_secrets",
            Self::TwoFactors => "two_factors",
        }
    }

    /// What a row's secret is sealed for.
    fn place(self, row: &Row) -> Place {
        match self {
            Self::CarrierSecrets => carriers::place(row.id.into(), row.version),
            Self::WebhookSecrets => webhooks::place(row.id.into(), row.version),
            Self::TwoFactors => identity::two_factors_place(row.owner.into(), row.id.into()),
        }
    }

    /// Locks the rows behind this one, a page of them.
    async fn lock_after(self, conn: &mut PgConnection, (id, version): (Uuid, i32)) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::CarrierSecrets => {
                sqlx::query_as!(
                    Row,
                    r#"SELECT carrier_id AS id, version, carrier_id AS owner, sealed
                       FROM carrier_secrets
                       WHERE (carrier_id, version) > ($1, $2)
                       ORDER BY carrier_id, version
                       LIMIT $3
                       FOR UPDATE"#,
                    id,
                    version,
                    PAGE,
                )
                .fetch_all(conn)
                .await
            }
            Self::WebhookSecrets => {
                sqlx::query_as!(
                    Row,
                    r#"SELECT endpoint_id AS id, version, endpoint_id AS owner, sealed
                       FROM webhook_secrets
                       WHERE (endpoint_id, version) > ($1, $2)
                       ORDER BY endpoint_id, version
                       LIMIT $3
                       FOR UPDATE"#,
                    id,
                    version,
                    PAGE,
                )
                .fetch_all(conn)
                .await
            }
            Self::TwoFactors => {
                sqlx::query_as!(
                    Row,
                    r#"SELECT id, 0 AS "version!", user_id AS owner, sealed
                       FROM two_factors
                       WHERE id > $1
                       ORDER BY id
                       LIMIT $2
                       FOR UPDATE"#,
                    id,
                    PAGE,
                )
                .fetch_all(conn)
                .await
            }
        }
    }

    async fn keep(self, conn: &mut PgConnection, row: &Row, sealed: &[u8]) -> Result<u64, sqlx::Error> {
        let statement = match self {
            Self::CarrierSecrets => sqlx::query!(
                "UPDATE carrier_secrets SET sealed = $3 WHERE carrier_id = $1 AND version = $2",
                row.id,
                row.version,
                sealed,
            ),
            Self::WebhookSecrets => sqlx::query!(
                "UPDATE webhook_secrets SET sealed = $3 WHERE endpoint_id = $1 AND version = $2",
                row.id,
                row.version,
                sealed,
            ),
            Self::TwoFactors => sqlx::query!("UPDATE two_factors SET sealed = $2 WHERE id = $1", row.id, sealed),
        };
        Ok(statement.execute(conn).await?.rows_affected())
    }
}

/// Seals every secret with the first key that another one has sealed, a page at a time, and writes that to the audit log. `conn` must
/// not be inside a transaction. Secrets that are replaced in the meantime are left as they are.
pub async fn reseal(conn: &mut PgConnection, actor: Actor, keyring: &Keyring) -> Result<Resealed, ResealError> {
    let mut all = Resealed::default();
    for table in Table::ALL {
        let mut after = (Uuid::nil(), 0);
        loop {
            let mut tx = conn.begin().await?;
            let rows = table.lock_after(&mut tx, after).await?;
            let Some(last) = rows.last() else { break };
            after = (last.id, last.version);
            let mut resealed = 0;
            for row in &rows {
                if keyring.is_current(&row.sealed) {
                    all.current += 1;
                    continue;
                }
                let sealed = keyring.reseal(&table.place(row), &row.sealed)?;
                resealed += table.keep(&mut tx, row, &sealed).await?;
            }
            if resealed > 0 {
                let (subject, data) = (("encryption", table.name().to_owned()), json!({"resealed": resealed}));
                audit::append(&mut tx, audit::Entry { actor, action: "encryption.reseal", subject, data }).await?;
            }
            tx.commit().await?;
            all.resealed += resealed;
        }
    }
    Ok(all)
}
