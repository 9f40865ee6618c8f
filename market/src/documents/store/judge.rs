//! Moderators decide about documents.

use serde_json::json;
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::write::write_down;
use super::{DocumentError, read};
use crate::documents::model::{Document, Verdict};
use crate::documents::rules::may_decide;
use crate::ids::DocumentId;

/// Decides about a document of an organisation, and writes it to the audit log. Needs a transaction.
pub async fn decide(
    conn: &mut PgConnection,
    moderator: UserId,
    org: OrgId,
    id: DocumentId,
    verdict: &Verdict,
) -> Result<Document, DocumentError> {
    let before = read::lock(conn, org, id).await?;
    if !may_decide(before.status, *verdict == Verdict::Verified) {
        return Err(DocumentError::Status(before.status));
    }
    let (status, reason, action) = match verdict {
        Verdict::Verified => ("verified", None, "document.verify"),
        Verdict::Rejected { reason } => ("rejected", Some(reason.as_str()), "document.reject"),
    };
    sqlx::query!(
        "UPDATE org_documents
         SET status = $2,
             reason = $3,
             decided_by = $4,
             decided_at = clock_timestamp()
         WHERE id = $1",
        id.0,
        status,
        reason,
        moderator.0,
    )
    .execute(&mut *conn)
    .await?;
    let data = json!({"org": org, "from": before.status, "to": status, "reason": reason});
    write_down(conn, moderator, action, id, data).await?;
    read::get(conn, org, id).await
}
