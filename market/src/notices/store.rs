//! Statements on `notices`. A trigger of `emails` makes them, with the mail and in its transaction, unless the person wants none of
//! the mail's category.

use shared::ids::UserId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::Notice;
use crate::ids::NoticeId;

/// The most that are counted as unread; nobody reads a larger number.
pub const MOST_COUNTED: i64 = 100;

/// Up to `limit` notices of a person, newest first, before `before`.
pub async fn page(
    conn: &mut PgConnection,
    user: UserId,
    before: Option<NoticeId>,
    limit: i64,
) -> Result<Vec<Notice>, sqlx::Error> {
    sqlx::query_as!(
        Notice,
        r#"SELECT n.id AS "id: NoticeId", e.template AS kind, e.data, n.created_at, n.read_at
           FROM notices AS n
           JOIN emails AS e ON e.id = n.id
           WHERE n.user_id = $1
             AND n.id < $2
           ORDER BY n.id DESC
           LIMIT $3"#,
        user.0,
        before.map_or(Uuid::max(), |id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// How many notices a person has not read; [`MOST_COUNTED`] stands for more.
pub async fn unread(conn: &mut PgConnection, user: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "unread!"
           FROM (SELECT FROM notices WHERE user_id = $1 AND read_at IS NULL LIMIT $2) AS counted"#,
        user.0,
        MOST_COUNTED,
    )
    .fetch_one(conn)
    .await
}

/// Marks one notice of a person as read; one that was read keeps its time. `false`: there is no such notice.
pub async fn read(conn: &mut PgConnection, user: UserId, id: NoticeId) -> Result<bool, sqlx::Error> {
    let marked = sqlx::query!(
        "UPDATE notices
         SET read_at = coalesce(read_at, clock_timestamp())
         WHERE id = $1
           AND user_id = $2",
        id.0,
        user.0,
    )
    .execute(conn)
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Marks all notices of a person as read.
pub async fn read_all(conn: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE notices
         SET read_at = clock_timestamp()
         WHERE user_id = $1
           AND read_at IS NULL",
        user.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes up to `most` notices that are older than so many days, read or not; how many. The mails stay.
pub async fn purge(conn: &mut PgConnection, days: u32, most: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM notices
         WHERE id IN (
               SELECT id
               FROM notices
               WHERE created_at < now() - make_interval(days => $1)
               ORDER BY created_at
               LIMIT $2
           )",
        i32::try_from(days).unwrap_or(i32::MAX),
        most,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

#[cfg(test)]
mod tests;
