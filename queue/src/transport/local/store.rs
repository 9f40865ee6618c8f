//! Messages as rows of `local_messages`.

use sqlx::PgConnection;

pub(super) async fn put(conn: &mut PgConnection, queue: &str, bodies: &[Vec<u8>]) -> Result<(), sqlx::Error> {
    let inserted = sqlx::query!(
        r#"
        INSERT INTO local_messages (queue, body)
        SELECT $1, UNNEST($2::bytea[])
        "#,
        queue,
        bodies,
    )
    .execute(conn)
    .await?
    .rows_affected();
    if inserted == bodies.len() as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

pub(super) async fn take(conn: &mut PgConnection, queue: &str, most: i64) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    // The array makes the plan independent of the statistics of a table that is empty most of the time.
    sqlx::query_scalar!(
        r#"
        DELETE FROM local_messages
        WHERE id = ANY (ARRAY(
            SELECT id
            FROM local_messages
            WHERE queue = $1
            ORDER BY id
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        ))
        RETURNING body
        "#,
        queue,
        most,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, queue: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM local_messages
        WHERE queue = $1
        "#,
        queue,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn clear(conn: &mut PgConnection, queue: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        DELETE FROM local_messages
        WHERE queue = $1
        "#,
        queue,
    )
    .execute(conn)
    .await?;
    Ok(())
}
