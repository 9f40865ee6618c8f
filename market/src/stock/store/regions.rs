//! Regions: the bodies and their parts, which the platform keeps.

use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::StockError;
use crate::ids::RegionId;
use crate::stock::model::{NewRegion, Region, RegionChange, RegionKind};
use crate::stock::rules::region::placed;

/// The regions in use right below `parent`, or the bodies, by code, after the code `after`.
pub async fn regions(
    conn: &mut PgConnection,
    parent: Option<RegionId>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Region>, sqlx::Error> {
    sqlx::query_as!(
        Region,
        r#"SELECT id AS "id: RegionId", parent_id AS "parent_id: RegionId", kind AS "kind: RegionKind", code, name, body
           FROM regions
           WHERE parent_id IS NOT DISTINCT FROM $1
             AND code > coalesce($2, '')
             AND archived_at IS NULL
           ORDER BY code
           LIMIT $3"#,
        parent.map(|parent| parent.0),
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A region in use.
pub async fn region(conn: &mut PgConnection, id: RegionId) -> Result<Option<Region>, sqlx::Error> {
    sqlx::query_as!(
        Region,
        r#"SELECT id AS "id: RegionId", parent_id AS "parent_id: RegionId", kind AS "kind: RegionKind", code, name, body
           FROM regions
           WHERE id = $1
             AND archived_at IS NULL"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// [`region`], locked against changes until the transaction ends.
pub async fn lock_region(conn: &mut PgConnection, id: RegionId) -> Result<Region, StockError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM regions WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    region(conn, id).await?.ok_or(StockError::NoRegion)
}

/// Creates a region below its parent and writes it to the audit log. Needs a transaction.
pub async fn create_region(conn: &mut PgConnection, actor: Actor, new: &NewRegion) -> Result<Region, StockError> {
    let above = match new.parent_id {
        None => None,
        Some(parent) => {
            // It is not archived before this one is there.
            let above = sqlx::query!(
                r#"SELECT code, kind AS "kind: RegionKind"
                   FROM regions
                   WHERE id = $1
                     AND archived_at IS NULL
                   FOR KEY SHARE"#,
                parent.0,
            )
            .fetch_optional(&mut *conn)
            .await?;
            Some(above.ok_or_else(|| Invalid::new("/parent_id", "there is no such region"))?)
        }
    };
    placed(new, above.as_ref().map(|above| above.kind))?;
    let code = above.map_or_else(|| new.slug.clone(), |above| format!("{}/{}", above.code, new.slug));
    let made = sqlx::query_as!(
        Region,
        r#"INSERT INTO regions (id, parent_id, kind, code, name, body, radius_m)
           VALUES ($1, $2, $3, $4, $5, split_part($4, '/', 1), $6)
           RETURNING id AS "id: RegionId", parent_id AS "parent_id: RegionId", kind AS "kind: RegionKind", code, name, body"#,
        RegionId::generate().0,
        new.parent_id.map(|parent| parent.0),
        new.kind as RegionKind,
        code,
        new.name,
        new.radius_m,
    )
    .fetch_one(&mut *conn)
    .await?;
    let data = json!({"code": made.code, "name": made.name, "radius_m": new.radius_m});
    write_down(conn, actor, "region.create", made.id, data).await?;
    Ok(made)
}

/// Changes a region in use and writes it to the audit log. Needs a transaction.
pub async fn change_region(
    conn: &mut PgConnection,
    actor: Actor,
    id: RegionId,
    change: &RegionChange,
) -> Result<Region, StockError> {
    let changed = sqlx::query_as!(
        Region,
        r#"UPDATE regions
           SET name = coalesce($2, name)
           WHERE id = $1
             AND archived_at IS NULL
           RETURNING id AS "id: RegionId", parent_id AS "parent_id: RegionId", kind AS "kind: RegionKind", code, name, body"#,
        id.0,
        change.name,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(StockError::NoRegion)?;
    write_down(conn, actor, "region.change", id, json!({"code": changed.code, "name": changed.name})).await?;
    Ok(changed)
}

/// Ends the use of a region in which no site and no other region lies, and writes it to the audit log. Needs a transaction.
pub async fn archive_region(conn: &mut PgConnection, actor: Actor, id: RegionId) -> Result<(), StockError> {
    // Whoever puts something there holds the region's key until it is there: this waits, and the next statement sees it.
    sqlx::query!("SELECT FROM regions WHERE id = $1 AND archived_at IS NULL FOR UPDATE", id.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(StockError::NoRegion)?;
    let code = sqlx::query_scalar!(
        "UPDATE regions
         SET archived_at = clock_timestamp()
         WHERE id = $1
           AND NOT EXISTS (
               SELECT FROM regions WHERE parent_id = $1 AND archived_at IS NULL
           )
           AND NOT EXISTS (
               SELECT FROM sites WHERE region_id = $1 AND archived_at IS NULL
           )
         RETURNING code",
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(StockError::RegionInUse)?;
    Ok(write_down(conn, actor, "region.archive", id, json!({"code": code})).await?)
}

async fn write_down(
    conn: &mut PgConnection,
    actor: Actor,
    action: &str,
    id: RegionId,
    data: Value,
) -> Result<(), sqlx::Error> {
    audit::append(conn, audit::Entry { actor, action, subject: ("region", id.to_string()), data }).await?;
    Ok(())
}
