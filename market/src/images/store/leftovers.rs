//! Files that no row will ever name: ids are never used again.

use sqlx::PgConnection;

use super::ImageError;
use crate::ids::ImageId;

/// Those of the files whose images are gone, and which no copy of those shows. Each comes with the image that it was made for.
pub async fn without_image(conn: &mut PgConnection, files: &[(ImageId, &str)]) -> Result<Vec<String>, ImageError> {
    let images: Vec<_> = files.iter().map(|(image, _)| image.0).collect();
    let keys: Vec<_> = files.iter().map(|(_, key)| *key).collect();
    let gone = sqlx::query_scalar!(
        r#"
        SELECT file.key AS "key!"
        FROM unnest($1::uuid[], $2::text[]) AS file (image, key)
        WHERE NOT EXISTS (SELECT FROM images WHERE id = file.image)
          AND NOT EXISTS (SELECT FROM image_variants WHERE object_key = file.key)
        "#,
        &images,
        &keys as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(gone)
}

/// Those of the keys that no upload has. What is sent to an address that is still good after its upload was deleted ends there.
pub async fn without_upload(conn: &mut PgConnection, keys: &[&str]) -> Result<Vec<String>, ImageError> {
    let gone = sqlx::query_scalar!(
        r#"
        SELECT asked.key AS "key!"
        FROM unnest($1::text[]) AS asked (key)
        WHERE NOT EXISTS (SELECT FROM uploads WHERE object_key = asked.key)
        "#,
        keys as &[&str],
    )
    .fetch_all(conn)
    .await?;
    Ok(gone)
}
