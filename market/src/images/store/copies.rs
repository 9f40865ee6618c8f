//! Pictures that a listing shares with another one: other rows, the same files.

use sqlx::PgConnection;
use uuid::Uuid;

use super::ImageError;
use crate::ids::{ImageId, ListingId};

/// Shows the finished pictures of `from` on `to` as well.
pub(crate) async fn copy(conn: &mut PgConnection, from: ListingId, to: ListingId) -> Result<(), ImageError> {
    // Locked: a picture that somebody is deleting is either left out, or waits and finds its copy.
    let old = sqlx::query_scalar!(
        r#"
        SELECT id
        FROM images
        WHERE listing_id = $1
          AND status = 'ready'
        ORDER BY position, id
        FOR SHARE
        "#,
        from.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    copy_rows(conn, &old, to, None).await
}

/// Shows a finished picture on `to` as well, at this place. One that is being deleted is left out.
pub(super) async fn copy_one(
    conn: &mut PgConnection,
    id: ImageId,
    to: ListingId,
    position: i16,
) -> Result<(), ImageError> {
    let kept = sqlx::query_scalar!("SELECT id FROM images WHERE id = $1 AND status = 'ready' FOR SHARE", id.0)
        .fetch_all(&mut *conn)
        .await?;
    copy_rows(conn, &kept, to, Some(position)).await
}

/// Copies pictures that are locked, to this place or to those that they have.
async fn copy_rows(
    conn: &mut PgConnection,
    old: &[Uuid],
    to: ListingId,
    position: Option<i16>,
) -> Result<(), ImageError> {
    let new: Vec<Uuid> = old.iter().map(|_| ImageId::generate().0).collect();
    sqlx::query!(
        r#"
        INSERT INTO images
            (id, upload_id, org_id, listing_id, position, status, checksum, width, height, blurhash, recipe, animated,
             created_at, finished_at, is_copy)
        SELECT pair.new, upload_id, org_id, $3, coalesce($4, position), status, checksum, width, height, blurhash, recipe, animated,
               created_at, finished_at, true
        FROM unnest($1::uuid[], $2::uuid[]) AS pair (old, new)
        JOIN images ON images.id = pair.old
        "#,
        old,
        &new,
        to.0,
        position,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO image_variants (image_id, shape, format, width, height, bytes, object_key)
        SELECT pair.new, shape, format, width, height, bytes, object_key
        FROM unnest($1::uuid[], $2::uuid[]) AS pair (old, new)
        JOIN image_variants ON image_variants.image_id = pair.old
        "#,
        old,
        &new,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The keys of what goes with the image: its files, and the upload, as far as no other image that stays shows them.
pub async fn own_files(conn: &mut PgConnection, id: ImageId) -> Result<Vec<String>, ImageError> {
    let keys = sqlx::query_scalar!(
        r#"
        SELECT v.object_key AS "key!"
        FROM image_variants AS v
        WHERE v.image_id = $1
          AND NOT EXISTS (
              SELECT
              FROM image_variants AS shown
              JOIN images AS other ON other.id = shown.image_id
              WHERE shown.object_key = v.object_key
                AND other.id <> $1
                AND other.status <> 'deleting'
          )
        UNION ALL
        SELECT u.object_key
        FROM images AS own
        JOIN uploads AS u ON u.id = own.upload_id
        WHERE own.id = $1
          AND NOT EXISTS (
              SELECT
              FROM images AS other
              WHERE other.upload_id = own.upload_id
                AND other.id <> $1
                AND other.status <> 'deleting'
          )
        "#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(keys)
}

/// Those of the keys that no image shows.
pub async fn unshown(conn: &mut PgConnection, keys: &[String]) -> Result<Vec<String>, ImageError> {
    let unshown = sqlx::query_scalar!(
        r#"
        SELECT key AS "key!"
        FROM unnest($1::text[]) AS asked (key)
        WHERE NOT EXISTS (SELECT FROM image_variants WHERE object_key = asked.key)
        "#,
        keys,
    )
    .fetch_all(conn)
    .await?;
    Ok(unshown)
}
