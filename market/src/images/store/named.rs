//! Pictures by the names of the files that they came from.

use std::collections::HashMap;

use shared::ids::OrgId;
use sqlx::PgConnection;

use super::uploads::MAX_PER_LISTING;
use super::{ImageError, copies};
use crate::ids::{ImageId, ListingId};

/// A finished picture.
struct Found {
    id: ImageId,
    /// No listing shows it.
    free: bool,
}

/// Shows pictures of `org` on its new draft, in the order of the names of their files: of several with one name the newest, first of
/// those that no listing shows. What another listing shows is shown by both. Returns the names that no finished picture has.
pub async fn attach_named(
    conn: &mut PgConnection,
    org: OrgId,
    listing: ListingId,
    names: &[String],
) -> Result<Vec<String>, ImageError> {
    if i64::try_from(names.len()).unwrap_or(i64::MAX) > MAX_PER_LISTING {
        return Err(ImageError::TooMany);
    }
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT ON (u.file_name)
            u.file_name AS "file_name!", i.id AS "id: ImageId", i.listing_id IS NULL AS "free!"
        FROM uploads AS u
        JOIN images AS i ON i.upload_id = u.id
        WHERE u.org_id = $1
          AND u.file_name = ANY ($2)
          AND i.status = 'ready'
        ORDER BY u.file_name, i.listing_id IS NOT NULL, i.id DESC
        "#,
        org.0,
        names,
    )
    .fetch_all(&mut *conn)
    .await?;
    let found: HashMap<_, _> =
        rows.into_iter().map(|row| (row.file_name, Found { id: row.id, free: row.free })).collect();
    let unknown: Vec<_> = names.iter().filter(|name| !found.contains_key(*name)).cloned().collect();
    if !unknown.is_empty() {
        return Ok(unknown);
    }
    for (position, name) in (0_i16..).zip(names) {
        let Some(picture) = found.get(name) else { continue };
        if picture.free && take(conn, picture.id, listing, position).await? {
            continue;
        }
        copies::copy_one(conn, picture.id, listing, position).await?;
    }
    Ok(Vec::new())
}

/// Shows a picture that no listing shows; `false`: one has come first.
async fn take(conn: &mut PgConnection, id: ImageId, listing: ListingId, position: i16) -> Result<bool, ImageError> {
    let taken = sqlx::query!(
        r#"
        UPDATE images
        SET listing_id = $2, position = $3
        WHERE id = $1
          AND listing_id IS NULL
          AND status = 'ready'
        "#,
        id.0,
        listing.0,
        position,
    )
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() == 1)
}
