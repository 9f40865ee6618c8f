//! What the command line did, in the audit log.

use serde_json::Value;
use shared::audit::{Entry, append};
use sqlx::PgConnection;

/// Writes an act down, in the act's transaction.
pub(crate) async fn record(
    conn: &mut PgConnection,
    action: &str,
    subject: (&str, &str),
    data: Value,
) -> Result<(), sqlx::Error> {
    let subject = (subject.0, subject.1.to_owned());
    append(conn, Entry { actor: None, action, subject, data }).await?;
    Ok(())
}
