//! Levels and their movements, as pages.

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use crate::ids::{ItemId, SiteId};
use crate::stock::model::{Level, Movement, MovementKind, PlaceNames};

/// The level of an item of `org` at a site.
pub async fn level(
    conn: &mut PgConnection,
    org: OrgId,
    item: ItemId,
    site: SiteId,
) -> Result<Option<Level>, sqlx::Error> {
    sqlx::query_as!(
        Level,
        r#"SELECT item_id AS "item_id: ItemId", site_id AS "site_id: SiteId", org_id AS "org_id: OrgId", on_hand, reserved,
                  quarantined, capacity, low_at, is_low, version
           FROM stock_levels
           WHERE item_id = $1
             AND site_id = $2
             AND org_id = $3"#,
        item.0,
        site.0,
        org.0,
    )
    .fetch_optional(conn)
    .await
}

/// What people call an item and a site, archived or not.
pub async fn names(conn: &mut PgConnection, item: ItemId, site: SiteId) -> Result<PlaceNames, sqlx::Error> {
    sqlx::query_as!(
        PlaceNames,
        "SELECT i.title AS item, s.name AS site
         FROM items AS i, sites AS s
         WHERE i.id = $1
           AND s.id = $2",
        item.0,
        site.0,
    )
    .fetch_one(conn)
    .await
}

/// Which levels of an organisation; every criterion given must hold.
#[derive(Clone, Copy, Debug)]
pub struct LevelFilter {
    pub org: OrgId,
    pub item: Option<ItemId>,
    pub site: Option<SiteId>,
    /// Only those that are low.
    pub low: bool,
    /// Continue after this one.
    pub after: Option<(ItemId, SiteId)>,
    pub limit: i64,
}

/// Levels by item and site.
pub async fn levels_of(conn: &mut PgConnection, filter: &LevelFilter) -> Result<Vec<Level>, sqlx::Error> {
    sqlx::query_as!(
        Level,
        r#"SELECT item_id AS "item_id: ItemId", site_id AS "site_id: SiteId", org_id AS "org_id: OrgId", on_hand, reserved,
                  quarantined, capacity, low_at, is_low, version
           FROM stock_levels
           WHERE org_id = $1
             AND ($2::uuid IS NULL OR item_id = $2)
             AND ($3::uuid IS NULL OR site_id = $3)
             AND (is_low OR NOT $4)
             AND ($5::uuid IS NULL OR (item_id, site_id) > ($5, $6))
           ORDER BY item_id, site_id
           LIMIT $7"#,
        filter.org.0,
        filter.item.map(|item| item.0),
        filter.site.map(|site| site.0),
        filter.low,
        filter.after.map(|(item, _)| item.0),
        filter.after.map(|(_, site)| site.0),
        filter.limit,
    )
    .fetch_all(conn)
    .await
}

/// The levels of these items by item and site, whoever has them.
pub async fn levels_of_items(conn: &mut PgConnection, items: &[ItemId]) -> Result<Vec<Level>, sqlx::Error> {
    let items: Vec<_> = items.iter().map(|item| item.0).collect();
    sqlx::query_as!(
        Level,
        r#"SELECT item_id AS "item_id: ItemId", site_id AS "site_id: SiteId", org_id AS "org_id: OrgId", on_hand, reserved,
                  quarantined, capacity, low_at, is_low, version
           FROM stock_levels
           WHERE item_id = ANY ($1)
           ORDER BY item_id, site_id"#,
        &items,
    )
    .fetch_all(conn)
    .await
}

/// The movements of a level, the latest first, before the version `before`.
pub async fn movements(
    conn: &mut PgConnection,
    item: ItemId,
    site: SiteId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Movement>, sqlx::Error> {
    sqlx::query_as!(
        Movement,
        r#"SELECT id, kind AS "kind: MovementKind", on_hand_delta, reserved_delta, quarantined_delta, reason, reference,
                  actor AS "actor: UserId", at, version
           FROM stock_movements
           WHERE item_id = $1
             AND site_id = $2
             AND version < coalesce($3, 9223372036854775807)
           ORDER BY version DESC
           LIMIT $4"#,
        item.0,
        site.0,
        before,
        limit,
    )
    .fetch_all(conn)
    .await
}
