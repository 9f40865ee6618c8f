//! Files whose time is over.

use sqlx::PgConnection;

use super::ImportError;
use crate::ids::ImportId;

/// An import whose file has expired but still exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    pub id: ImportId,
    /// Absent: another import needs the file for longer.
    pub object_key: Option<String>,
}

/// Imports that have expired, oldest first.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<Overdue>, ImportError> {
    let rows = sqlx::query_as!(
        Overdue,
        r#"SELECT i.id AS "id: ImportId",
                  CASE WHEN NOT EXISTS (SELECT
                                        FROM imports AS other
                                        WHERE other.upload_id = i.upload_id
                                          AND (other.expires_at, other.id) > (i.expires_at, i.id))
                       THEN u.object_key
                  END AS object_key
           FROM imports AS i
           JOIN uploads AS u ON u.id = i.upload_id
           WHERE i.expires_at <= clock_timestamp()
           ORDER BY i.expires_at, i.id
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Notes that the file is gone, and forgets what became of each row; the figures stay. Needs a transaction.
pub async fn expire(conn: &mut PgConnection, id: ImportId) -> Result<(), ImportError> {
    let upload = sqlx::query_scalar!(
        r#"SELECT upload_id AS "upload_id!"
           FROM imports
           WHERE id = $1
             AND upload_id IS NOT NULL
           FOR NO KEY UPDATE"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ImportError::NotOpen(id))?;
    sqlx::query!("UPDATE imports SET upload_id = NULL WHERE id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM import_rows WHERE import_id = $1", id.0).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM uploads WHERE id = $1 AND NOT EXISTS (SELECT FROM imports WHERE upload_id = $1)", upload)
        .execute(conn)
        .await?;
    Ok(())
}
