//! Which documents expire soon, and what was said about it.

use shared::ids::OrgId;
use sqlx::PgConnection;

use crate::documents::model::{DocumentKind, Expiring, LATE_DAYS, STAGES};
use crate::ids::DocumentId;

/// Up to `limit` documents whose organisations are to be reminded of their expiry, the most urgent first: of a document, only the stage
/// that has come last. Days are counted where the organisation is.
pub async fn expiring(conn: &mut PgConnection, limit: i64) -> Result<Vec<Expiring>, sqlx::Error> {
    let stages: &[i16] = &STAGES;
    sqlx::query_as!(
        Expiring,
        r#"SELECT d.id AS "document: DocumentId", d.org_id AS "org: OrgId", o.legal_name AS org_name, d.kind AS "kind: DocumentKind",
                  d.number, d.expires_on, counted.days_left AS "days_left!", stages.stage AS "stage!"
           FROM org_documents AS d
           JOIN orgs AS o ON o.id = d.org_id
           CROSS JOIN LATERAL (
               SELECT d.expires_on - (clock_timestamp() AT TIME ZONE o.time_zone)::date AS days_left
           ) AS counted
           CROSS JOIN LATERAL (
               SELECT min(stage) AS stage
               FROM unnest($1::smallint[]) AS s (stage)
               WHERE s.stage >= counted.days_left
           ) AS stages
           WHERE d.status <> 'rejected'
             AND d.expires_on BETWEEN current_date - 1 - $2::integer AND current_date + 1 + (SELECT max(s) FROM unnest($1::smallint[]) AS s)
             AND counted.days_left >= -$2::integer
             AND stages.stage IS NOT NULL
             AND NOT EXISTS (
                 SELECT
                 FROM org_document_reminders AS r
                 WHERE r.document_id = d.id
                   AND r.stage <= stages.stage
             )
           ORDER BY d.expires_on, d.id
           LIMIT $3"#,
        stages,
        LATE_DAYS,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Notes that an organisation is reminded. `false`: it was before, or the document is not what it was. Needs a transaction.
pub async fn note_reminded(conn: &mut PgConnection, due: &Expiring) -> Result<bool, sqlx::Error> {
    // Whoever replaces the document meanwhile waits, or has this one find the other day.
    let as_it_was = sqlx::query_scalar!(
        r#"SELECT expires_on = $2 AND status <> 'rejected' AS "as_it_was!"
           FROM org_documents
           WHERE id = $1
           FOR NO KEY UPDATE"#,
        due.document.0,
        due.expires_on,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if as_it_was != Some(true) {
        return Ok(false);
    }
    let noted = sqlx::query!(
        "INSERT INTO org_document_reminders (document_id, stage)
         VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT org_document_reminders_once DO NOTHING",
        due.document.0,
        due.stage,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}
