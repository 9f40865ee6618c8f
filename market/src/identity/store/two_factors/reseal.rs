//! Sealing anew what an older master key has sealed, as of carriers.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::crypto::seal::Keyring;
use shared::ids::UserId;
use sqlx::{Connection, PgConnection};

use super::{TwoFactorsError, place};
use crate::carriers::store::Resealed;
use crate::ids::EnrolmentId;

/// How many secrets are read by one statement.
const PAGE: i64 = 500;

/// Seals the secret of every second factor with the first key that another one has sealed, a page at a time, and writes that to the
/// audit log. `conn` must not be inside a transaction. Secrets that are replaced in the meantime are left as they are.
pub async fn reseal_two_factors(
    conn: &mut PgConnection,
    actor: Actor,
    keyring: &Keyring,
) -> Result<Resealed, TwoFactorsError> {
    let mut all = Resealed::default();
    let mut after = EnrolmentId(uuid::Uuid::nil());
    loop {
        let mut tx = conn.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT id AS "id: EnrolmentId", user_id AS "user: UserId", sealed
            FROM two_factors
            WHERE id > $1
            ORDER BY id
            LIMIT $2
            FOR UPDATE
            "#,
            after.0,
            PAGE,
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        let mut resealed = 0;
        for row in &rows {
            if keyring.is_current(&row.sealed) {
                all.current += 1;
                continue;
            }
            let sealed = keyring.reseal(&place(row.user, row.id), &row.sealed)?;
            let changed = sqlx::query!("UPDATE two_factors SET sealed = $2 WHERE id = $1", row.id.0, sealed)
                .execute(&mut *tx)
                .await?;
            resealed += changed.rows_affected();
        }
        if resealed > 0 {
            let (subject, data) = (("encryption", "two_factors".to_owned()), json!({"resealed": resealed}));
            audit::append(&mut tx, audit::Entry { actor, action: "encryption.reseal", subject, data }).await?;
        }
        tx.commit().await?;
        all.resealed += resealed;
    }
    Ok(all)
}
