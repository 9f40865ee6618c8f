//! SQL for watches.

use chrono::{DateTime, Utc};
use shared::ids::UserId;
use shared::invalid::violated;
use sqlx::PgConnection;

use super::model::Watch;
use crate::ids::ListingId;

/// Why a listing is not watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("a person watches at most 1000 listings: stop watching one first")]
    TooMany,
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for WatchError {
    fn from(error: sqlx::Error) -> Self {
        if violated(&error) == Some("watches_per_person") { Self::TooMany } else { Self::Sql(error) }
    }
}

/// Watches a listing that everybody may see, as the caller has checked. A second time changes nothing.
pub async fn begin(conn: &mut PgConnection, user: UserId, listing: ListingId) -> Result<(), WatchError> {
    // The bound counts before a conflict is seen: who watches it already must not be refused.
    sqlx::query!(
        "INSERT INTO watches (user_id, listing_id)
         SELECT $1, $2
         WHERE NOT EXISTS (SELECT FROM watches WHERE user_id = $1 AND listing_id = $2)
         ON CONFLICT DO NOTHING",
        user.0,
        listing.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stops watching a listing, if it was watched.
pub async fn end(conn: &mut PgConnection, user: UserId, listing: ListingId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM watches WHERE user_id = $1 AND listing_id = $2", user.0, listing.0).execute(conn).await?;
    Ok(())
}

/// Up to `limit` watches of `user`, newest first, after the time and listing `after`.
pub async fn of_user(
    conn: &mut PgConnection,
    user: UserId,
    after: Option<(DateTime<Utc>, ListingId)>,
    limit: i64,
) -> Result<Vec<Watch>, sqlx::Error> {
    sqlx::query_as!(
        Watch,
        r#"SELECT listing_id AS "listing: ListingId", created_at AS since
           FROM watches
           WHERE user_id = $1
             AND ($2::timestamptz IS NULL OR (created_at, listing_id) < ($2, $3))
           ORDER BY created_at DESC, listing_id DESC
           LIMIT $4"#,
        user.0,
        after.map(|(at, _)| at),
        after.map(|(_, listing)| listing.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Up to `limit` people who watch a listing and are not suspended, by id, after `after`.
pub async fn watchers(
    conn: &mut PgConnection,
    listing: ListingId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<UserId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT w.user_id AS "user: UserId"
           FROM watches AS w
           JOIN users AS u ON u.id = w.user_id
           WHERE w.listing_id = $1
             AND w.user_id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
             AND u.status = 'active'
           ORDER BY w.user_id
           LIMIT $3"#,
        listing.0,
        after.map(|user| user.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Moves up to `limit` watches of `from` along to `to`, which lists the same again; returns whose they are. Needs a transaction.
pub async fn move_on(
    conn: &mut PgConnection,
    from: ListingId,
    to: ListingId,
    limit: i64,
) -> Result<Vec<UserId>, sqlx::Error> {
    let people: Vec<_> = sqlx::query_scalar!(
        "SELECT user_id FROM watches WHERE listing_id = $1 ORDER BY user_id LIMIT $2 FOR UPDATE",
        from.0,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    // Whoever watches the new one already keeps that watch.
    sqlx::query!(
        "DELETE FROM watches AS old
         WHERE listing_id = $1
           AND user_id = ANY ($3)
           AND EXISTS (SELECT FROM watches AS new WHERE new.listing_id = $2 AND new.user_id = old.user_id)",
        from.0,
        to.0,
        &people,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE watches SET listing_id = $2 WHERE listing_id = $1 AND user_id = ANY ($3)",
        from.0,
        to.0,
        &people,
    )
    .execute(conn)
    .await?;
    Ok(people.into_iter().map(UserId).collect())
}

#[cfg(test)]
mod tests;
