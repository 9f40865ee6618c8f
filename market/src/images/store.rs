//! Statements on `uploads` (in their own file), `images` and `image_variants`.

mod copies;
mod leftovers;
mod named;
mod recipes;
mod uploads;

use std::collections::HashMap;

use shared::ids::{JobId, OrgId};
use shared::invalid::violated;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Finished, Format, Image, RECIPE, Refusal, Shape, Status, StoredVariant, UploadId};
use crate::ids::{ImageId, ListingId};

pub(crate) use copies::copy;
pub use copies::{own_files, unshown};
pub use leftovers::{without_image, without_upload};
pub use named::attach_named;
pub use recipes::{Place, count_outdated, open_jobs, outdated, replace};
pub use uploads::{
    MAX_OPEN_UPLOADS, MAX_PER_LISTING, abandoned, complete_upload, insert_upload, keep_upload, lock_upload,
    name_upload, remove_abandoned, upload,
};

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
    #[error("a listing shows {MAX_PER_LISTING} pictures at most")]
    TooMany,
    #[error("{MAX_OPEN_UPLOADS} uploads of this organisation are announced and not completed")]
    TooManyOpen,
    #[error("40000 uploads of this organisation were announced within a day")]
    TooManyToday,
    #[error("the pictures of a listing with bids are fixed")]
    FixedByBids,
    #[error("the organisation has too many pictures: delete some first")]
    TooManyOfOrg,
    #[error(transparent)]
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for ImageError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("images_fixed_by_bids") => Self::FixedByBids,
            Some("images_per_org") => Self::TooManyOfOrg,
            Some("uploads_unfinished") => Self::TooManyOpen,
            Some("uploads_per_day") => Self::TooManyToday,
            _ => Self::Sql(error),
        }
    }
}

/// Notes which job is processing the image.
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

/// Reads an image, even one that is being deleted.
///
/// An image whose job was cancelled or has given up is shown as rejected. Its row stays open: the
/// job may be retried.
pub async fn get(conn: &mut PgConnection, id: ImageId) -> Result<Image, ImageError> {
    read(conn, &[id]).await?.pop().ok_or(ImageError::NotFound(id))
}

/// Images in the order of `ids`; unknown ones are left out.
async fn read(conn: &mut PgConnection, ids: &[ImageId]) -> Result<Vec<Image>, ImageError> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        SELECT
            i.id, i.org_id, i.listing_id, i.status AS "status: Status", i.refusal_code, i.refusal, i.width, i.height,
            i.blurhash, i.recipe, i.animated, i.job_id, u.object_key, i.created_at,
            i.status IN ('uploaded', 'processing') AND i.job_id IS NOT NULL AND coalesce(j.state >= 'succeeded', true)
                AS "given_up!"
        FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
        JOIN images AS i ON i.id = wanted.id
        JOIN uploads AS u ON u.id = i.upload_id
        LEFT JOIN jobs AS j ON j.id = i.job_id
        ORDER BY wanted.place
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let given_up = |text: &str| Some(text.to_owned());
    Ok(rows
        .into_iter()
        .map(|row| Image {
            id: ImageId(row.id),
            org: OrgId(row.org_id),
            listing: row.listing_id.map(ListingId),
            status: if row.given_up { Status::Rejected } else { row.status },
            refusal_code: if row.given_up { given_up("not_processed") } else { row.refusal_code },
            refusal: if row.given_up { given_up("the picture was not processed: send it again") } else { row.refusal },
            width: row.width,
            height: row.height,
            blurhash: row.blurhash,
            recipe: row.recipe,
            animated: row.animated,
            job: row.job_id.map(JobId),
            original_key: row.object_key,
            created_at: row.created_at,
        })
        .collect())
}

/// The images that a listing shows, in order, with their files.
pub async fn of_listing(
    conn: &mut PgConnection,
    listing: ListingId,
) -> Result<Vec<(Image, Vec<StoredVariant>)>, ImageError> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: ImageId"
        FROM images
        WHERE listing_id = $1
          AND status = 'ready'
        ORDER BY position, id
        "#,
        listing.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut files = variants_of(conn, &ids).await?;
    let images = read(conn, &ids).await?;
    Ok(images
        .into_iter()
        .map(|image| {
            let variants = files.remove(&image.id).unwrap_or_default();
            (image, variants)
        })
        .collect())
}

/// The first picture of each of these listings, with its files; listings that show none are left
/// out.
pub async fn first_of(
    conn: &mut PgConnection,
    listings: &[ListingId],
) -> Result<HashMap<ListingId, (Image, Vec<StoredVariant>)>, ImageError> {
    let listings: Vec<_> = listings.iter().map(|id| id.0).collect();
    let ids = sqlx::query_scalar!(
        r#"
        SELECT i.id AS "id: ImageId"
        FROM unnest($1::uuid[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT id
            FROM images
            WHERE listing_id = wanted.id
              AND status = 'ready'
            ORDER BY position, id
            LIMIT 1
        ) AS i
        "#,
        &listings,
    )
    .fetch_all(&mut *conn)
    .await?;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut files = variants_of(conn, &ids).await?;
    let images = read(conn, &ids).await?;
    let with_files = |image: Image| {
        let variants = files.remove(&image.id).unwrap_or_default();
        image.listing.map(|listing| (listing, (image, variants)))
    };
    Ok(images.into_iter().filter_map(with_files).collect())
}

/// Whether anybody may see the image: it belongs to a listing that is or was on offer, from a
/// seller that is not suspended.
pub async fn is_public(conn: &mut PgConnection, id: ImageId) -> Result<bool, ImageError> {
    let public = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT
            FROM images AS i
            JOIN listings AS l ON l.id = i.listing_id
            JOIN orgs AS o ON o.id = l.seller_org_id
            WHERE i.id = $1
              AND i.status = 'ready'
              AND l.status IN ('published', 'sold_out', 'ended')
              AND o.status <> 'suspended'
        ) AS "public!"
        "#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(public)
}

/// The files of an image, the largest first.
pub async fn variants(conn: &mut PgConnection, id: ImageId) -> Result<Vec<StoredVariant>, ImageError> {
    Ok(variants_of(conn, &[id]).await?.remove(&id).unwrap_or_default())
}

async fn variants_of(
    conn: &mut PgConnection,
    ids: &[ImageId],
) -> Result<HashMap<ImageId, Vec<StoredVariant>>, ImageError> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        SELECT
            image_id AS "image: ImageId", shape AS "shape: Shape", format AS "format: Format", width, height, bytes,
            object_key
        FROM image_variants
        WHERE image_id = ANY ($1)
        ORDER BY shape DESC, width DESC, format DESC
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let mut files: HashMap<ImageId, Vec<StoredVariant>> = HashMap::new();
    for row in rows {
        files.entry(row.image).or_default().push(StoredVariant {
            shape: row.shape,
            format: row.format,
            width: row.width,
            height: row.height,
            bytes: row.bytes,
            object_key: row.object_key,
        });
    }
    Ok(files)
}

/// Notes that the image is being processed; also when that starts again, after a run that died.
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
        SET status = 'ready', checksum = $2, width = $3, height = $4, blurhash = $5, recipe = $6, animated = $7,
            finished_at = clock_timestamp()
        WHERE id = $1
          AND status = 'processing'
        "#,
        id.0,
        &done.checksum[..],
        done.width,
        done.height,
        done.blurhash,
        RECIPE,
        done.animated,
    )
    .execute(&mut *conn)
    .await?;
    expect_one(updated.rows_affected(), ImageError::NotOpen(id))?;
    insert_variants(conn, &[id.0], done).await
}

/// Notes the files of images that show the same.
async fn insert_variants(conn: &mut PgConnection, images: &[Uuid], done: &Finished) -> Result<(), ImageError> {
    for it in &done.variants {
        sqlx::query!(
            r#"
            INSERT INTO image_variants (image_id, shape, format, width, height, bytes, object_key)
            SELECT image_id, $2, $3, $4, $5, $6, $7
            FROM unnest($1::uuid[]) AS showing (image_id)
            "#,
            images,
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

/// Notes why the picture is refused.
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

/// Removes the rows of a hidden image, and its upload when no other image shows that.
pub async fn remove(conn: &mut PgConnection, id: ImageId) -> Result<(), ImageError> {
    let upload = sqlx::query_scalar!("SELECT upload_id FROM images WHERE id = $1 AND status = 'deleting'", id.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(ImageError::NotFound(id))?;
    // Copies that go at the same moment go one after the other, so that the last one finds no other.
    sqlx::query!("SELECT FROM uploads WHERE id = $1 FOR UPDATE", upload).fetch_optional(&mut *conn).await?;
    let removed =
        sqlx::query!("DELETE FROM images WHERE id = $1 AND status = 'deleting'", id.0).execute(&mut *conn).await?;
    expect_one(removed.rows_affected(), ImageError::NotFound(id))?;
    sqlx::query!("DELETE FROM uploads WHERE id = $1 AND NOT EXISTS (SELECT FROM images WHERE upload_id = $1)", upload)
        .execute(conn)
        .await?;
    Ok(())
}

fn expect_one(affected: u64, otherwise: ImageError) -> Result<(), ImageError> {
    if affected == 1 { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests;
