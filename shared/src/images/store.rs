//! Statements on `uploads`, `images` and `image_variants`.

use std::time::Duration;

use sqlx::PgConnection;

use super::model::{Finished, Format, Image, Refusal, Shape, Status, StoredVariant, Upload, UploadId, upload_key};
use crate::ids::{ImageId, JobId, ListingId, OrgId, UserId};

/// Why an upload or image was not found or changed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("upload {0} does not exist")]
    NoSuchUpload(UploadId),
    #[error("image {0} does not exist")]
    NotFound(ImageId),
    /// Another run has finished it, or it is being deleted.
    #[error("image {0} is not being processed")]
    NotOpen(ImageId),
    #[error("listing {0} does not exist or belongs to another organisation")]
    NoSuchListing(ListingId),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

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
    Ok(Upload { id, org, created_by, content_type, size, object_key, expires_at, completed: false, late: false })
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
            org_id, created_by, content_type, size, object_key, expires_at, completed_at IS NOT NULL AS "completed!",
            expires_at + interval '30 minutes' <= clock_timestamp() AS "late!"
        FROM uploads
        WHERE id = $1
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
        expires_at: row.expires_at,
        completed: row.completed,
        late: row.late,
    })
}

/// Makes the image of an upload that has arrived. Completing twice gives the same image.
pub async fn complete_upload(
    conn: &mut PgConnection,
    upload: &Upload,
    listing: Option<ListingId>,
) -> Result<ImageId, ImageError> {
    if upload.completed {
        let id =
            sqlx::query_scalar!("SELECT id FROM images WHERE upload_id = $1", upload.id.0).fetch_optional(conn).await?;
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
    let id = ImageId::generate();
    // The listing is looked for in the same statement: one of another organisation gives no row.
    let inserted = sqlx::query!(
        r#"
        INSERT INTO images (id, upload_id, org_id, listing_id, position)
        SELECT $1, $2, $3, $4, least(99, (SELECT count(*) FROM images WHERE listing_id = $4))
        WHERE $4::uuid IS NULL
           OR EXISTS (SELECT FROM listings WHERE id = $4 AND seller_org_id = $3)
        "#,
        id.0,
        upload.id.0,
        upload.org.0,
        listing.map(|it| it.0),
    )
    .execute(conn)
    .await?;
    match listing {
        Some(listing) if inserted.rows_affected() == 0 => Err(ImageError::NoSuchListing(listing)),
        _ => Ok(id),
    }
}

/// Notes which job works on the image.
pub async fn set_job(conn: &mut PgConnection, id: ImageId, job: JobId) -> Result<(), ImageError> {
    let updated = sqlx::query!(
        r#"
        UPDATE images
        SET job_id = $2
        WHERE id = $1
        "#,
        id.0,
        job.0,
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), ImageError::NotFound(id))
}

/// Reads an image, also one that is being deleted.
pub async fn get(conn: &mut PgConnection, id: ImageId) -> Result<Image, ImageError> {
    let row = sqlx::query!(
        r#"
        SELECT
            i.org_id, i.listing_id, i.status AS "status: Status", i.refusal_code, i.refusal, i.width, i.height, i.blurhash,
            i.job_id, u.object_key, i.created_at
        FROM images AS i
        JOIN uploads AS u ON u.id = i.upload_id
        WHERE i.id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ImageError::NotFound(id))?;
    Ok(Image {
        id,
        org: OrgId(row.org_id),
        listing: row.listing_id.map(ListingId),
        status: row.status,
        refusal_code: row.refusal_code,
        refusal: row.refusal,
        width: row.width,
        height: row.height,
        blurhash: row.blurhash,
        job: row.job_id.map(JobId),
        original_key: row.object_key,
        created_at: row.created_at,
    })
}

/// The images that a listing shows, in their order.
pub async fn of_listing(conn: &mut PgConnection, listing: ListingId) -> Result<Vec<ImageId>, ImageError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id
        FROM images
        WHERE listing_id = $1
          AND status = 'ready'
        ORDER BY position, id
        "#,
        listing.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(ImageId).collect())
}

/// Whether anybody may see the image: it shows a listing that is or was on offer.
pub async fn is_public(conn: &mut PgConnection, id: ImageId) -> Result<bool, ImageError> {
    let public = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT
            FROM images AS i
            JOIN listings AS l ON l.id = i.listing_id
            WHERE i.id = $1
              AND i.status = 'ready'
              AND l.status IN ('published', 'sold_out', 'ended')
        ) AS "public!"
        "#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(public)
}

/// The files of an image, large ones first.
pub async fn variants(conn: &mut PgConnection, id: ImageId) -> Result<Vec<StoredVariant>, ImageError> {
    let rows = sqlx::query_as!(
        StoredVariant,
        r#"
        SELECT shape AS "shape: Shape", format AS "format: Format", width, height, bytes, object_key
        FROM image_variants
        WHERE image_id = $1
        ORDER BY shape DESC, width DESC, format DESC
        "#,
        id.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Notes that the image is being worked on; also again, after a run that died.
pub async fn begin(conn: &mut PgConnection, id: ImageId) -> Result<(), ImageError> {
    let updated = sqlx::query!(
        r#"
        UPDATE images
        SET status = 'processing'
        WHERE id = $1
          AND status IN ('uploaded', 'processing')
        "#,
        id.0,
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), ImageError::NotOpen(id))
}

/// Notes the finished picture and its files.
pub async fn finish(conn: &mut PgConnection, id: ImageId, done: &Finished) -> Result<(), ImageError> {
    let updated = sqlx::query!(
        r#"
        UPDATE images
        SET status = 'ready', checksum = $2, width = $3, height = $4, blurhash = $5, finished_at = clock_timestamp()
        WHERE id = $1
          AND status = 'processing'
        "#,
        id.0,
        &done.checksum[..],
        done.width,
        done.height,
        done.blurhash,
    )
    .execute(&mut *conn)
    .await?;
    expect_one(updated.rows_affected(), ImageError::NotOpen(id))?;
    for it in &done.variants {
        sqlx::query!(
            r#"
            INSERT INTO image_variants (image_id, shape, format, width, height, bytes, object_key)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            "#,
            id.0,
            it.shape as Shape,
            it.format as Format,
            it.width,
            it.height,
            it.bytes,
            it.object_key,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Notes why the picture is not taken.
pub async fn reject(conn: &mut PgConnection, id: ImageId, refusal: &Refusal) -> Result<(), ImageError> {
    let updated = sqlx::query!(
        r#"
        UPDATE images
        SET status = 'rejected', refusal_code = $2, refusal = $3, finished_at = clock_timestamp()
        WHERE id = $1
          AND status = 'processing'
        "#,
        id.0,
        refusal.code(),
        refusal.to_string(),
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), ImageError::NotOpen(id))
}

/// Hides an organisation's image for good. Hiding it twice is fine.
pub async fn hide(conn: &mut PgConnection, org: OrgId, id: ImageId) -> Result<(), ImageError> {
    let updated = sqlx::query!(
        r#"
        UPDATE images
        SET status = 'deleting', listing_id = NULL
        WHERE id = $1
          AND org_id = $2
        "#,
        id.0,
        org.0,
    )
    .execute(conn)
    .await?;
    expect_one(updated.rows_affected(), ImageError::NotFound(id))
}

/// Removes the rows of a hidden image and its upload.
pub async fn remove(conn: &mut PgConnection, id: ImageId) -> Result<(), ImageError> {
    let upload = sqlx::query_scalar!(
        r#"
        DELETE FROM images
        WHERE id = $1
          AND status = 'deleting'
        RETURNING upload_id
        "#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ImageError::NotFound(id))?;
    let deleted = sqlx::query!("DELETE FROM uploads WHERE id = $1", upload).execute(conn).await?;
    expect_one(deleted.rows_affected(), ImageError::NoSuchUpload(UploadId(upload)))
}

/// Uploads that were never completed and whose time is over, oldest first.
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

/// Removes an abandoned upload. One that was completed meanwhile stays: `false`.
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

fn expect_one(affected: u64, otherwise: ImageError) -> Result<(), ImageError> {
    if affected == 1 { Ok(()) } else { Err(otherwise) }
}
