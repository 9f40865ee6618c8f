//! An organisation hands documents in, replaces them and removes them.

use chrono::NaiveDate;
use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::{DocumentError, files, read};
use crate::documents::model::{DOCUMENT_TYPES, Document, DocumentKind, NewDocument};
use crate::documents::rules::judge_days;
use crate::ids::DocumentId;
use crate::images::model::UploadId;
use crate::images::store::{self as images, ImageError};

/// Hands a document in; it waits for a moderator. Needs a transaction.
pub async fn create(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    new: &NewDocument,
) -> Result<Document, DocumentError> {
    judge_days(new.issued_on, new.expires_on, today(conn, org).await?)?;
    take_file(conn, org, new.upload).await?;
    let id = DocumentId::generate();
    sqlx::query!(
        "INSERT INTO org_documents (id, org_id, kind, number, issued_on, expires_on, upload_id, placed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        org.0,
        new.kind as DocumentKind,
        new.number,
        new.issued_on,
        new.expires_on,
        new.upload.0,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    write_down(conn, by, "document.create", id, json!({"org": org, "kind": new.kind, "expires_on": new.expires_on}))
        .await?;
    read::get(conn, org, id).await
}

/// Replaces a document with another one, such as the next year's: it waits for a moderator again, and is reminded of anew if it expires
/// on another day. The same file may stay. Needs a transaction.
pub async fn replace(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    id: DocumentId,
    new: &NewDocument,
) -> Result<Document, DocumentError> {
    let before = read::lock(conn, org, id).await?;
    judge_days(new.issued_on, new.expires_on, today(conn, org).await?)?;
    let upload = upload_of(conn, id).await?;
    if upload != new.upload {
        take_file(conn, org, new.upload).await?;
    }
    sqlx::query!(
        "UPDATE org_documents
         SET kind = $2,
             number = $3,
             issued_on = $4,
             expires_on = $5,
             upload_id = $6,
             placed_by = $7,
             placed_at = clock_timestamp(),
             status = 'pending',
             decided_by = NULL,
             decided_at = NULL,
             reason = NULL
         WHERE id = $1",
        id.0,
        new.kind as DocumentKind,
        new.number,
        new.issued_on,
        new.expires_on,
        new.upload.0,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    if upload != new.upload {
        files::leave(conn, upload).await?;
    }
    if before.expires_on != new.expires_on {
        sqlx::query!("DELETE FROM org_document_reminders WHERE document_id = $1", id.0).execute(&mut *conn).await?;
    }
    let data = json!({"org": org, "from": before.expires_on, "to": new.expires_on});
    write_down(conn, by, "document.replace", id, data).await?;
    read::get(conn, org, id).await
}

/// Removes a document. Its file is deleted later, by a job. Needs a transaction.
pub async fn remove(conn: &mut PgConnection, org: OrgId, by: UserId, id: DocumentId) -> Result<(), DocumentError> {
    let before = read::lock(conn, org, id).await?;
    let upload = upload_of(conn, id).await?;
    sqlx::query!("DELETE FROM org_documents WHERE id = $1", id.0).execute(&mut *conn).await?;
    files::leave(conn, upload).await?;
    let data = json!({"org": org, "kind": before.kind, "expires_on": before.expires_on});
    write_down(conn, by, "document.delete", id, data).await?;
    Ok(())
}

/// The file of a document that is locked.
async fn upload_of(conn: &mut PgConnection, id: DocumentId) -> Result<UploadId, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT upload_id AS "upload: UploadId" FROM org_documents WHERE id = $1"#, id.0)
        .fetch_one(conn)
        .await
}

/// Takes a file that was sent for a document and is nothing else yet. Needs a transaction.
pub(crate) async fn take_file(conn: &mut PgConnection, org: OrgId, id: UploadId) -> Result<(), DocumentError> {
    let upload = match images::lock_upload(conn, id).await {
        Ok(upload) if upload.org == org && DOCUMENT_TYPES.contains(&upload.content_type.as_str()) => upload,
        Ok(_) | Err(ImageError::NoSuchUpload(_)) => {
            return Err(Invalid::new("/upload", "the organisation has announced no such file").into());
        }
        Err(error) => return Err(DocumentError::Upload(error)),
    };
    if upload.completed {
        return Err(Invalid::new("/upload", "is used elsewhere").into());
    }
    images::keep_upload(conn, upload.id).await.map_err(DocumentError::Upload)
}

/// Which day it is where the organisation is.
async fn today(conn: &mut PgConnection, org: OrgId) -> Result<NaiveDate, DocumentError> {
    sqlx::query_scalar!(
        r#"SELECT (clock_timestamp() AT TIME ZONE time_zone)::date AS "today!" FROM orgs WHERE id = $1"#,
        org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(DocumentError::NotFound("organisation"))
}

pub(super) async fn write_down(
    conn: &mut PgConnection,
    by: UserId,
    action: &str,
    id: DocumentId,
    data: Value,
) -> Result<(), sqlx::Error> {
    let subject = ("org_document", id.to_string());
    audit::append(conn, audit::Entry { actor: Actor::User(by), action, subject, data }).await?;
    Ok(())
}
