//! What becomes of papers.

use chrono::{DateTime, Utc};
use shared::ids::{JobId, OrgId, UserId};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::ids::PaperId;
use crate::papers::model::{Paper, PaperKind, PaperStatus, WasteData};

/// What people see of a paper whose job was cancelled or has given up.
const GIVEN_UP: &str = "The paper could not be printed. Our operators can see why.";

/// The paper, whoever asks.
pub async fn find(conn: &mut PgConnection, id: PaperId) -> Result<Option<Paper>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT p.org_id AS "org: OrgId", p.requested_by AS "by: UserId", p.kind AS "kind: PaperKind",
                  coalesce(p.order_id, p.shipment_id, p.appointment_id) AS "about!", p.failure, p.job_id, p.object_key, p.created_at,
                  p.expires_at, p.waste AS "waste?: Json<WasteData>",
                  CASE WHEN p.status <> 'queued' OR p.job_id IS NULL OR j.state < 'succeeded' THEN p.status
                       ELSE 'failed' END AS "status!: PaperStatus"
           FROM papers AS p
           LEFT JOIN jobs AS j ON j.id = p.job_id
           WHERE p.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Paper {
        id,
        org: row.org,
        requested_by: row.by,
        kind: row.kind,
        about: row.about,
        waste: row.waste.map(|waste| waste.0),
        status: row.status,
        failure: row.failure.or_else(|| (row.status == PaperStatus::Failed).then(|| GIVEN_UP.to_owned())),
        job: row.job_id.map(JobId),
        object_key: row.object_key,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }))
}

/// Notes that the file is there until `expires_at`: whether the paper was still to be printed.
pub async fn finish(
    conn: &mut PgConnection,
    id: PaperId,
    object_key: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let updated = sqlx::query!(
        "UPDATE papers SET status = 'ready', object_key = $2, expires_at = $3 WHERE id = $1 AND status = 'queued'",
        id.0,
        object_key,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Notes why the paper cannot be printed.
pub async fn fail(conn: &mut PgConnection, id: PaperId, why: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE papers SET status = 'failed', failure = left($2, 500) WHERE id = $1 AND status = 'queued'",
        id.0,
        why,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The papers whose files have expired but still exist, oldest first.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<(PaperId, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: PaperId", object_key AS "object_key!"
           FROM papers
           WHERE status = 'ready'
             AND expires_at <= clock_timestamp()
           ORDER BY expires_at
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.object_key)).collect())
}

/// Notes that the file is gone.
pub async fn expire(conn: &mut PgConnection, id: PaperId) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE papers SET status = 'expired', object_key = NULL WHERE id = $1 AND status = 'ready'", id.0)
        .execute(conn)
        .await?;
    Ok(())
}
