//! Files that no paper will ever name.

use sqlx::PgConnection;

use crate::ids::PaperId;

/// Those of the papers that have no file and get none, unless somebody retries their job: they are gone, have expired, or their job has
/// ended without a file.
pub async fn without_file(conn: &mut PgConnection, ids: &[PaperId]) -> Result<Vec<PaperId>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        r#"
        SELECT asked.id AS "id!: PaperId"
        FROM unnest($1::uuid[]) AS asked (id)
        LEFT JOIN papers AS r ON r.id = asked.id
        LEFT JOIN jobs AS j ON j.id = r.job_id
        WHERE r.id IS NULL
           OR (r.status <> 'ready' AND r.job_id IS NOT NULL AND (j.id IS NULL OR j.state >= 'succeeded'))
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await
}

/// Locks a paper, if there is one: until the transaction ends, no attempt of its job begins to make its file.
pub async fn lock(conn: &mut PgConnection, id: PaperId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT FROM papers WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(conn).await?;
    Ok(())
}
