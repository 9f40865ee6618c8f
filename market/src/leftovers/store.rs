//! Which of the files are left over is the same question for all tables whose rows wait for a job to make their file.

use sqlx::PgConnection;
use uuid::Uuid;

/// A table whose rows have a file each, which a job makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Exports,
    Papers,
    Reports,
}

/// Those of the rows, of whichever table, that have no file and get none, unless somebody retries their job: they are gone, have expired,
/// or their job has ended without a file.
pub async fn without_file(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT asked.id AS "id!"
        FROM unnest($1::uuid[]) AS asked (id)
        LEFT JOIN (
            SELECT id, status, job_id FROM exports
            UNION ALL
            SELECT id, status, job_id FROM papers
            UNION ALL
            SELECT id, status, job_id FROM reports
        ) AS r ON r.id = asked.id
        LEFT JOIN jobs AS j ON j.id = r.job_id
        WHERE r.id IS NULL
           OR (r.status <> 'ready' AND r.job_id IS NOT NULL AND (j.id IS NULL OR j.state >= 'succeeded'))
        "#,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Locks a row, if there is one: until the transaction ends, no attempt of its job begins to make its file.
pub async fn lock(conn: &mut PgConnection, table: Table, id: Uuid) -> Result<(), sqlx::Error> {
    let statement = match table {
        Table::Exports => sqlx::query!("SELECT FROM exports WHERE id = $1 FOR NO KEY UPDATE", id),
        Table::Papers => sqlx::query!("SELECT FROM papers WHERE id = $1 FOR NO KEY UPDATE", id),
        Table::Reports => sqlx::query!("SELECT FROM reports WHERE id = $1 FOR NO KEY UPDATE", id),
    };
    statement.fetch_optional(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
