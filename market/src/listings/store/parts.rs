//! Parts that fit a model of a machine.

use sqlx::PgConnection;

use super::listings;
use crate::catalog::model::MachineModel;
use crate::ids::ListingId;
use crate::listings::model::{Cursor, Listing};

/// Published parts that fit `model`, in machines of `year` if that is given, newest first.
pub async fn parts_for(
    conn: &mut PgConnection,
    model: &MachineModel,
    year: Option<i16>,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Listing>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT l.id AS "id: ListingId"
           FROM (SELECT item_id
                 FROM item_fits
                 WHERE model_id = $1
                   AND ($3::smallint IS NULL OR $3 BETWEEN coalesce(year_from, $3) AND coalesce(year_to, $3))
                 UNION
                 SELECT item_id
                 FROM item_fits
                 WHERE model_id IS NULL
                   AND lower(make) = lower($2)
                   AND ($3::smallint IS NULL OR $3 BETWEEN coalesce(year_from, $3) AND coalesce(year_to, $3))) AS fitting
           JOIN listings AS l ON l.item_id = fitting.item_id
           WHERE l.status = 'published'
             AND EXISTS (SELECT FROM orgs WHERE orgs.id = l.seller_org_id AND orgs.status = 'approved')
             AND ($4::timestamptz IS NULL OR (l.published_at, l.id) < ($4, $5))
           ORDER BY l.published_at DESC, l.id DESC
           LIMIT $6"#,
        model.id.0,
        model.make,
        year,
        after.map(|after| after.published_at),
        after.map(|after| after.id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    listings(conn, &ids).await
}
