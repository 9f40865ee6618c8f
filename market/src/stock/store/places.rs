//! Sites.

use shared::ids::OrgId;
use sqlx::PgConnection;

use super::StockError;
use crate::ids::{RegionId, SiteId};
use crate::stock::model::{NewSite, Site, SiteChange, SiteKind};

/// Creates a site of `org`, on the body of its region, which is in use until the site is there.
pub async fn create_site(conn: &mut PgConnection, org: OrgId, new: &NewSite) -> Result<Site, StockError> {
    let site = sqlx::query_as!(
        Site,
        r#"WITH region AS (
               SELECT body
               FROM regions
               WHERE id = $3
                 AND archived_at IS NULL
               FOR KEY SHARE
           )
           INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude, capacity)
           VALUES ($1, $2, $3, $4, $5, coalesce((SELECT body FROM region), ''), $6, $7, $8)
           RETURNING id AS "id: SiteId", org_id AS "org_id: OrgId", region_id AS "region_id: RegionId", name,
                     kind AS "kind: SiteKind", body, latitude, longitude, capacity, stored, created_at, version"#,
        SiteId::generate().0,
        org.0,
        new.region_id.0,
        new.name,
        new.kind as SiteKind,
        new.latitude,
        new.longitude,
        new.capacity,
    )
    .fetch_one(conn)
    .await?;
    Ok(site)
}

/// A site of `org` that is in use.
pub async fn site(conn: &mut PgConnection, org: OrgId, id: SiteId) -> Result<Option<Site>, sqlx::Error> {
    sqlx::query_as!(
        Site,
        r#"SELECT id AS "id: SiteId", org_id AS "org_id: OrgId", region_id AS "region_id: RegionId", name,
                  kind AS "kind: SiteKind", body, latitude, longitude, capacity, stored, created_at, version
           FROM sites
           WHERE id = $1
             AND org_id = $2
             AND archived_at IS NULL"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await
}

/// [`site`], locked against changes until the transaction ends.
pub async fn lock_site(conn: &mut PgConnection, org: OrgId, id: SiteId) -> Result<Site, StockError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM sites WHERE id = $1 AND org_id = $2 FOR NO KEY UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?;
    site(conn, org, id).await?.ok_or(StockError::NotFound)
}

/// Changes a site of `org` that is in use.
pub async fn change_site(
    conn: &mut PgConnection,
    org: OrgId,
    id: SiteId,
    change: &SiteChange,
) -> Result<Site, StockError> {
    sqlx::query_as!(
        Site,
        r#"UPDATE sites
           SET name = coalesce($3, name),
               kind = coalesce($4, kind),
               capacity = CASE WHEN $5 THEN $6 ELSE capacity END,
               version = version + 1
           WHERE id = $1
             AND org_id = $2
             AND archived_at IS NULL
           RETURNING id AS "id: SiteId", org_id AS "org_id: OrgId", region_id AS "region_id: RegionId", name,
                     kind AS "kind: SiteKind", body, latitude, longitude, capacity, stored, created_at, version"#,
        id.0,
        org.0,
        change.name,
        change.kind as Option<SiteKind>,
        change.capacity.is_some(),
        change.capacity.flatten(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StockError::NotFound)
}

/// Up to `limit` sites of `org` that are in use, oldest first, after `after`.
pub async fn sites_of(
    conn: &mut PgConnection,
    org: OrgId,
    after: Option<SiteId>,
    limit: i64,
) -> Result<Vec<Site>, sqlx::Error> {
    sqlx::query_as!(
        Site,
        r#"SELECT id AS "id: SiteId", org_id AS "org_id: OrgId", region_id AS "region_id: RegionId", name,
                  kind AS "kind: SiteKind", body, latitude, longitude, capacity, stored, created_at, version
           FROM sites
           WHERE org_id = $1
             AND id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
             AND archived_at IS NULL
           ORDER BY id
           LIMIT $3"#,
        org.0,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Ends the use of a site of `org` that has nothing in stock; what refers to it keeps it.
pub async fn archive_site(conn: &mut PgConnection, org: OrgId, id: SiteId) -> Result<(), StockError> {
    // Whoever brings something holds the site's key until it is there: this waits, and the next statement sees it.
    sqlx::query!("SELECT FROM sites WHERE id = $1 AND org_id = $2 AND archived_at IS NULL FOR UPDATE", id.0, org.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(StockError::NotFound)?;
    let done = sqlx::query!(
        "UPDATE sites
         SET archived_at = clock_timestamp(),
             version = version + 1
         WHERE id = $1
           AND NOT EXISTS (
               SELECT FROM stock_levels WHERE site_id = $1 AND on_hand + quarantined > 0
           )",
        id.0,
    )
    .execute(conn)
    .await?;
    match done.rows_affected() {
        0 => Err(StockError::SiteInUse),
        _ => Ok(()),
    }
}
