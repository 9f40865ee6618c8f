//! How far listings have come, for those who follow them.

use sqlx::PgConnection;

use crate::ids::ListingId;
use crate::listings::model::{ListingStatus, Progress};

/// How far these listings have come, in one statement; unknown ones are left out.
pub async fn progress(conn: &mut PgConnection, ids: &[ListingId]) -> Result<Vec<Progress>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT l.id AS "id!: ListingId", l.shown_version AS "shown_version!",
                  l.version + coalesce(v.version, 0) AS "stock_version!",
                  l.status AS "status!: ListingStatus", o.status = 'suspended' AS "seller_suspended!"
           FROM listings AS l
           JOIN orgs AS o ON o.id = l.seller_org_id
           LEFT JOIN stock_levels AS v ON v.item_id = l.item_id AND v.site_id = l.site_id
           WHERE l.id = ANY ($1)"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let progress = rows.into_iter().map(|row| Progress {
        id: row.id,
        shown_version: row.shown_version,
        stock_version: row.stock_version,
        is_public: row.status.is_public() && !row.seller_suspended,
    });
    Ok(progress.collect())
}
