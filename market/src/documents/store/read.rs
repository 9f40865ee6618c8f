//! Documents as they are read.

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::DocumentError;
use crate::documents::model::{Document, DocumentKind, DocumentStatus};
use crate::ids::DocumentId;

struct Row {
    id: DocumentId,
    org_id: OrgId,
    kind: DocumentKind,
    number: String,
    issued_on: NaiveDate,
    expires_on: NaiveDate,
    status: DocumentStatus,
    reason: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    placed_at: DateTime<Utc>,
}

impl From<Row> for Document {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            org_id: row.org_id,
            kind: row.kind,
            number: row.number,
            issued_on: row.issued_on,
            expires_on: row.expires_on,
            status: row.status,
            reason: row.reason,
            decided_at: row.decided_at,
            placed_at: row.placed_at,
        }
    }
}

/// These documents, in the order of their ids.
async fn these(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Document>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT d.id AS "id: DocumentId", d.org_id AS "org_id: OrgId", d.kind AS "kind: DocumentKind", d.number, d.issued_on,
                  d.expires_on, d.reason, d.decided_at, d.placed_at,
                  CASE
                      WHEN d.status <> 'rejected' AND d.expires_on < (clock_timestamp() AT TIME ZONE o.time_zone)::date THEN 'expired'
                      ELSE d.status
                  END AS "status!: DocumentStatus"
           FROM org_documents AS d
           JOIN orgs AS o ON o.id = d.org_id
           WHERE d.id = ANY ($1)
           ORDER BY d.id"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Document::from).collect())
}

/// Every document of an organisation, the oldest first. There are few: [`MOST`](crate::documents::model::MOST).
pub async fn of_org(conn: &mut PgConnection, org: OrgId) -> Result<Vec<Document>, sqlx::Error> {
    let ids =
        sqlx::query_scalar!("SELECT id FROM org_documents WHERE org_id = $1", org.0).fetch_all(&mut *conn).await?;
    these(conn, &ids).await
}

/// Up to `limit` documents behind `after` that wait for a moderator, the oldest first. About those that have expired meanwhile nothing is
/// decided any more.
pub async fn waiting(
    conn: &mut PgConnection,
    after: Option<DocumentId>,
    limit: i64,
) -> Result<Vec<Document>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT d.id
         FROM org_documents AS d
         JOIN orgs AS o ON o.id = d.org_id
         WHERE d.status = 'pending'
           AND d.expires_on >= (clock_timestamp() AT TIME ZONE o.time_zone)::date
           AND d.id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
         ORDER BY d.id
         LIMIT $2",
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    these(conn, &ids).await
}

/// A document of an organisation.
pub async fn get(conn: &mut PgConnection, org: OrgId, id: DocumentId) -> Result<Document, DocumentError> {
    let found = these(conn, &[id.0]).await?.pop();
    found.filter(|document| document.org_id == org).ok_or(DocumentError::NotFound("document"))
}

/// Locks a document of an organisation, and reads it. Needs a transaction.
pub async fn lock(conn: &mut PgConnection, org: OrgId, id: DocumentId) -> Result<Document, DocumentError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM org_documents WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?;
    get(conn, org, id).await
}

/// Where the file of a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub kind: DocumentKind,
    pub content_type: String,
    pub object_key: String,
}

/// Where the file of a document of an organisation is.
pub async fn file(conn: &mut PgConnection, org: OrgId, id: DocumentId) -> Result<StoredFile, DocumentError> {
    sqlx::query_as!(
        StoredFile,
        r#"SELECT d.kind AS "kind: DocumentKind", u.content_type, u.object_key
           FROM org_documents AS d
           JOIN uploads AS u ON u.id = d.upload_id
           WHERE d.id = $1
             AND d.org_id = $2"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(DocumentError::NotFound("document"))
}
