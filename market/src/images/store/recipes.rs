//! Pictures whose files are made anew because the recipe has changed.

use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{ImageError, insert_variants};
use crate::ids::ImageId;
use crate::images::model::{Finished, RECIPE};

/// A picture's place in the order in which they are made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub recipe: i16,
    pub image: ImageId,
}

/// How many pictures have files of an older recipe, counting those once that share them.
pub async fn count_outdated(conn: &mut PgConnection) -> Result<i64, ImageError> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM images AS i
        WHERE i.status = 'ready'
          AND i.recipe < $1
          AND NOT EXISTS (
              SELECT
              FROM images AS other
              WHERE other.upload_id = i.upload_id
                AND other.status = 'ready'
                AND other.recipe < $1
                AND other.id < i.id
          )
        "#,
        RECIPE,
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// The next pictures with files of an older recipe, and whose they are. Of those that share their files the first one stands for all.
pub async fn outdated(
    conn: &mut PgConnection,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<(Place, OrgId)>, ImageError> {
    let (recipe, image) = after.map_or((0, Uuid::nil()), |place| (place.recipe, place.image.0));
    let rows = sqlx::query!(
        r#"
        SELECT i.recipe, i.id AS "image: ImageId", i.org_id AS "org: OrgId"
        FROM images AS i
        WHERE i.status = 'ready'
          AND i.recipe < $1
          AND (i.recipe, i.id) > ($2, $3)
          AND NOT EXISTS (
              SELECT
              FROM images AS other
              WHERE other.upload_id = i.upload_id
                AND other.status = 'ready'
                AND other.recipe < $1
                AND other.id < i.id
          )
        ORDER BY i.recipe, i.id
        LIMIT $4
        "#,
        RECIPE,
        recipe,
        image,
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (Place { recipe: row.recipe, image: row.image }, row.org)).collect())
}

/// Those of the jobs that are not finished.
pub async fn open_jobs(conn: &mut PgConnection, jobs: &[JobId]) -> Result<Vec<JobId>, ImageError> {
    let jobs: Vec<_> = jobs.iter().map(|job| job.0).collect();
    let open = sqlx::query_scalar!(
        r#"
        SELECT id AS "id: JobId"
        FROM jobs
        WHERE id = ANY ($1)
          AND state < 'succeeded'
        ORDER BY id
        "#,
        &jobs,
    )
    .fetch_all(conn)
    .await?;
    Ok(open)
}

/// Shows the new files in the place of the old ones, wherever those are shown; returns the keys of the old ones. A copy that is made at
/// this moment keeps the old ones, and is made anew by itself.
pub async fn replace(conn: &mut PgConnection, id: ImageId, done: &Finished) -> Result<Vec<String>, ImageError> {
    // Locked in a statement of its own: the next ones then see what was there when the locks were given.
    let showing = sqlx::query_scalar!(
        r#"
        SELECT other.id
        FROM images AS own
        JOIN images AS other ON other.upload_id = own.upload_id
        WHERE own.id = $1
          AND other.status = 'ready'
          AND other.recipe < $2
        ORDER BY other.id
        FOR NO KEY UPDATE OF other
        "#,
        id.0,
        RECIPE,
    )
    .fetch_all(&mut *conn)
    .await?;
    if showing.is_empty() {
        return Err(ImageError::NotOpen(id));
    }
    let updated = sqlx::query!(
        r#"
        UPDATE images
        SET recipe = $2, checksum = $3, width = $4, height = $5, blurhash = $6, animated = $7
        WHERE id = ANY ($1)
        "#,
        &showing,
        RECIPE,
        &done.checksum[..],
        done.width,
        done.height,
        done.blurhash,
        done.animated,
    )
    .execute(&mut *conn)
    .await?;
    if updated.rows_affected() != showing.len() as u64 {
        return Err(ImageError::NotOpen(id));
    }
    let mut old =
        sqlx::query_scalar!("DELETE FROM image_variants WHERE image_id = ANY ($1) RETURNING object_key", &showing)
            .fetch_all(&mut *conn)
            .await?;
    insert_variants(conn, &showing, done).await?;
    old.sort_unstable();
    old.dedup();
    Ok(old)
}
