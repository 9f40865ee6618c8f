//! Photographs and files on their way in.

use std::time::Duration;

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::ImageError;
use crate::auctions::store as auctions;
use crate::ids::{ImageId, ListingId};
use crate::images::model::{Upload, UploadId, upload_key};

/// The most pictures in one listing, including those still being processed.
pub const MAX_PER_LISTING: i64 = 30;
/// The most uploads of an organisation that are announced, not completed and not expired, as the table's rule says.
pub const MAX_OPEN_UPLOADS: i64 = 100;

/// Notes that somebody will send `size` bytes within `valid_for`.
pub async fn insert_upload(
    conn: &mut PgConnection,
    org: OrgId,
    created_by: UserId,
    content_type: &str,
    size: u64,
    valid_for: Duration,
) -> Result<Upload, ImageError> {
    let id = UploadId::generate();
    let object_key = upload_key(id);
    let expires_at = sqlx::query_scalar!(
        r#"
        INSERT INTO uploads (id, org_id, created_by, content_type, size, object_key, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))
        RETURNING expires_at
        "#,
        id.0,
        org.0,
        created_by.0,
        content_type,
        i64::try_from(size).unwrap_or(i64::MAX),
        object_key,
        valid_for.as_secs_f64(),
    )
    .fetch_one(conn)
    .await?;
    let content_type = content_type.to_owned();
    let (file_name, completed, late) = (None, false, false);
    Ok(Upload { id, org, created_by, content_type, size, object_key, file_name, expires_at, completed, late })
}

/// Notes what the file is called where it comes from.
pub async fn name_upload(conn: &mut PgConnection, id: UploadId, file_name: &str) -> Result<(), ImageError> {
    let updated =
        sqlx::query!("UPDATE uploads SET file_name = $2 WHERE id = $1", id.0, file_name).execute(conn).await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ImageError::NoSuchUpload(id)) }
}

/// Notes that an upload has arrived and is needed, so that it is not purged. Keeping it twice is fine.
pub async fn keep_upload(conn: &mut PgConnection, id: UploadId) -> Result<(), ImageError> {
    let updated = sqlx::query!(
        r#"
        UPDATE uploads
        SET completed_at = coalesce(completed_at, clock_timestamp())
        WHERE id = $1
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(ImageError::NoSuchUpload(id)) }
}

/// Reads an upload.
pub async fn upload(conn: &mut PgConnection, id: UploadId) -> Result<Upload, ImageError> {
    read_upload(conn, id, false).await
}

/// Reads an upload and locks it, so that two completions wait for each other.
pub async fn lock_upload(conn: &mut PgConnection, id: UploadId) -> Result<Upload, ImageError> {
    read_upload(conn, id, true).await
}

async fn read_upload(conn: &mut PgConnection, id: UploadId, lock: bool) -> Result<Upload, ImageError> {
    if lock {
        sqlx::query!("SELECT FROM uploads WHERE id = $1 FOR UPDATE", id.0).fetch_optional(&mut *conn).await?;
    }
    let row = sqlx::query!(
        r#"
        SELECT
            org_id, created_by, content_type, size, object_key, file_name, expires_at, completed_at IS NOT NULL AS "completed!",
            expires_at + interval '30 minutes' <= clock_timestamp() AS "late!"
        FROM uploads
        WHERE id = $1
          AND NOT EXISTS (SELECT FROM org_document_leftovers WHERE upload_id = $1)
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ImageError::NoSuchUpload(id))?;
    Ok(Upload {
        id,
        org: OrgId(row.org_id),
        created_by: UserId(row.created_by),
        content_type: row.content_type,
        size: u64::try_from(row.size).unwrap_or_default(),
        object_key: row.object_key,
        file_name: row.file_name,
        expires_at: row.expires_at,
        completed: row.completed,
        late: row.late,
    })
}

/// Creates the image for an upload that has arrived. Completing twice gives the same image.
pub async fn complete_upload(
    conn: &mut PgConnection,
    upload: &Upload,
    listing: Option<ListingId>,
) -> Result<ImageId, ImageError> {
    if upload.completed {
        let id = sqlx::query_scalar!("SELECT id FROM images WHERE upload_id = $1 AND NOT is_copy", upload.id.0)
            .fetch_optional(conn)
            .await?;
        // The image may have been deleted since.
        return id.map(ImageId).ok_or(ImageError::NoSuchUpload(upload.id));
    }
    let updated = sqlx::query!(
        r#"
        UPDATE uploads
        SET completed_at = clock_timestamp()
        WHERE id = $1
          AND completed_at IS NULL
        "#,
        upload.id.0,
    )
    .execute(&mut *conn)
    .await?;
    if updated.rows_affected() != 1 {
        return Err(ImageError::NoSuchUpload(upload.id));
    }
    let position = match listing {
        Some(listing) => next_position(conn, listing, upload.org).await?,
        None => 0,
    };
    let id = ImageId::generate();
    sqlx::query!(
        r#"
        INSERT INTO images (id, upload_id, org_id, listing_id, position)
        VALUES ($1, $2, $3, $4, $5)
        "#,
        id.0,
        upload.id.0,
        upload.org.0,
        listing.map(|it| it.0),
        position,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Locks the listing, so that its pictures are added one at a time, and finds the place of the next
/// one.
async fn next_position(conn: &mut PgConnection, listing: ListingId, org: OrgId) -> Result<i16, ImageError> {
    // The auction before the listing, as everywhere: the trigger that looks for bids locks it as
    // well.
    auctions::lock_open(conn, listing).await?;
    // Locked in a statement of its own: the next one then sees the pictures added while this one
    // waited.
    sqlx::query!("SELECT FROM listings WHERE id = $1 AND seller_org_id = $2 FOR NO KEY UPDATE", listing.0, org.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(ImageError::NoSuchListing(listing))?;
    let place = sqlx::query!(
        r#"
        SELECT
            count(*) FILTER (WHERE status <> 'rejected') AS "count!",
            least(99, coalesce(max(position) + 1, 0))::smallint AS "next!"
        FROM images
        WHERE listing_id = $1
        "#,
        listing.0,
    )
    .fetch_one(conn)
    .await?;
    if place.count < MAX_PER_LISTING { Ok(place.next) } else { Err(ImageError::TooMany) }
}

/// Uploads that were never completed and expired at least an hour ago, oldest first.
pub async fn abandoned(conn: &mut PgConnection, limit: i64) -> Result<Vec<(UploadId, String)>, ImageError> {
    let rows = sqlx::query!(
        r#"
        SELECT id, object_key
        FROM uploads
        WHERE completed_at IS NULL
          AND expires_at <= clock_timestamp() - interval '1 hour'
        ORDER BY expires_at
        LIMIT $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (UploadId(row.id), row.object_key)).collect())
}

/// Removes an abandoned upload. One that was completed in the meantime stays: `false`.
pub async fn remove_abandoned(conn: &mut PgConnection, id: UploadId) -> Result<bool, ImageError> {
    let deleted = sqlx::query!(
        r#"
        DELETE FROM uploads
        WHERE id = $1
          AND completed_at IS NULL
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected() == 1)
}
