//! Files that documents leave behind.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use sqlx::PgConnection;

use crate::documents::model::DocumentKind;
use crate::ids::DocumentId;
use crate::images::model::UploadId;

/// Notes that no document has this file any more. It stays where it is if a message carries it as well. Needs a transaction.
pub(crate) async fn leave(conn: &mut PgConnection, upload: UploadId) -> Result<(), sqlx::Error> {
    // Whoever makes it part of a message has locked it.
    sqlx::query!("SELECT FROM uploads WHERE id = $1 FOR UPDATE", upload.0).fetch_optional(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO org_document_leftovers (upload_id)
         SELECT $1
         WHERE NOT EXISTS (SELECT FROM chat_attachments WHERE upload_id = $1)",
        upload.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes up to `limit` documents of organisations that nobody owns any more; returns how many. What a person has handed in for their
/// firm goes with them. One that somebody decides about at this moment is left for the next time. Needs a transaction.
pub async fn remove_abandoned(conn: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT d.id AS "id: DocumentId", d.org_id AS "org: OrgId", d.upload_id AS "upload: UploadId", d.kind AS "kind: DocumentKind"
           FROM orgs AS o
           JOIN org_documents AS d ON d.org_id = o.id
           WHERE o.abandoned_at IS NOT NULL
           ORDER BY d.id
           LIMIT $1
           FOR UPDATE OF d SKIP LOCKED"#,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut removed = 0;
    for document in found {
        sqlx::query!("DELETE FROM org_documents WHERE id = $1", document.id.0).execute(&mut *conn).await?;
        leave(conn, document.upload).await?;
        let data = json!({"org": document.org, "kind": document.kind, "why": "abandoned"});
        let subject = ("org_document", document.id.to_string());
        let entry = audit::Entry { actor: Actor::System, action: "document.delete", subject, data };
        audit::append(conn, entry).await?;
        removed += 1;
    }
    Ok(removed)
}

/// Up to `limit` files that no document has any more, with their objects' keys. Not those whose address may still be written to: an
/// object that comes after its row is gone would stay for ever.
pub async fn leftovers(conn: &mut PgConnection, limit: i64) -> Result<Vec<(UploadId, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.upload_id AS "upload: UploadId", u.object_key
           FROM org_document_leftovers AS l
           JOIN uploads AS u ON u.id = l.upload_id
           WHERE u.expires_at <= clock_timestamp() - interval '1 hour'
           ORDER BY l.upload_id
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.upload, row.object_key)).collect())
}

/// Forgets a file whose object was deleted. `false`: somebody has done so before.
pub async fn remove_leftover(conn: &mut PgConnection, upload: UploadId) -> Result<bool, sqlx::Error> {
    let removed = sqlx::query!(
        "WITH forgotten AS (
             DELETE FROM org_document_leftovers
             WHERE upload_id = $1
             RETURNING upload_id
         )
         DELETE FROM uploads
         WHERE id IN (SELECT upload_id FROM forgotten)",
        upload.0,
    )
    .execute(conn)
    .await?;
    Ok(removed.rows_affected() == 1)
}
