//! Locked levels, and the one way to change them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::StockError;
use crate::ids::{ItemId, ShipmentId, SiteId};
use crate::stock::model::{Alert, Crossing, Level, LevelChange, Moved, MovementKind};
use crate::stock::rules::low;

/// An item at a site; levels are locked in this order.
pub(super) type Place = (ItemId, SiteId);

/// Levels whose rows this transaction has locked.
pub(super) struct Locked(BTreeMap<Place, Level>);

/// What happens to a level.
#[derive(Clone, Debug)]
pub(super) struct Change<'a> {
    pub(super) kind: MovementKind,
    pub(super) on_hand: i64,
    pub(super) reserved: i64,
    pub(super) quarantined: i64,
    pub(super) reason: Option<&'a str>,
    /// The reservation, transfer or import that it belongs to.
    pub(super) reference: Option<Uuid>,
    /// The shipment that it belongs to; then this is its reference too.
    pub(super) shipment: Option<ShipmentId>,
    pub(super) actor: Option<UserId>,
}

impl Change<'_> {
    /// Of a kind, without an effect yet.
    pub(super) const fn of(kind: MovementKind) -> Self {
        Self {
            kind,
            on_hand: 0,
            reserved: 0,
            quarantined: 0,
            reason: None,
            reference: None,
            shipment: None,
            actor: None,
        }
    }
}

/// Makes an empty level, unless there is one.
pub(super) async fn open(conn: &mut PgConnection, org: OrgId, (item, site): Place) -> Result<(), StockError> {
    sqlx::query!(
        "INSERT INTO stock_levels (item_id, site_id, org_id)
         VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT stock_levels_once DO NOTHING",
        item.0,
        site.0,
        org.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The level of an item of `org` at a site, locked against changes until the transaction ends.
pub async fn lock(conn: &mut PgConnection, org: OrgId, place: (ItemId, SiteId)) -> Result<Level, StockError> {
    let locked = Locked::lock(conn, BTreeSet::from([place])).await?;
    locked.get(place).filter(|level| level.org_id == org).cloned().ok_or(StockError::NotFound)
}

/// Changes what is set of a level of `org`, if it still has `version` (absent: whatever it has). It may become low, or recover,
/// by that alone.
pub async fn change(
    conn: &mut PgConnection,
    org: OrgId,
    place: (ItemId, SiteId),
    version: Option<i64>,
    set: LevelChange,
) -> Result<Moved, StockError> {
    let locked = Locked::lock(conn, BTreeSet::from([place])).await?;
    let level = locked.get(place).filter(|level| level.org_id == org).ok_or(StockError::NotFound)?;
    if version.is_some_and(|version| version != level.version) {
        return Err(StockError::Changed { version: level.version });
    }
    let (capacity, low_at) = (set.capacity.unwrap_or(level.capacity), set.low_at.unwrap_or(level.low_at));
    let crossing = low::crossing(level.is_low, level.on_hand, low::threshold(low_at, capacity));
    let is_low = crossing.map_or(level.is_low, |crossing| crossing == Crossing::Down);
    let row = sqlx::query!(
        "WITH written AS (
             UPDATE stock_levels
             SET capacity = $3,
                 low_at = $4,
                 is_low = $5,
                 crossings = crossings + $6::bool::int,
                 version = version + 1
             WHERE item_id = $1
               AND site_id = $2
             RETURNING *
         ), alerted AS (
             INSERT INTO stock_alerts (item_id, site_id, crossing, direction, on_hand)
             SELECT item_id, site_id, crossings, CASE WHEN is_low THEN 'down' ELSE 'up' END, on_hand
             FROM written
             WHERE $6
         )
         SELECT crossings, version
         FROM written",
        place.0.0,
        place.1.0,
        capacity,
        low_at,
        is_low,
        crossing.is_some(),
    )
    .fetch_one(conn)
    .await?;
    let after = Level { capacity, low_at, is_low, version: row.version, ..level.clone() };
    Ok(Moved { alert: alert(&after, crossing, row.crossings), level: after })
}

/// The alert that a crossing is.
fn alert(level: &Level, crossing: Option<Crossing>, number: i32) -> Option<Alert> {
    crossing.map(|crossing| Alert {
        org: level.org_id,
        item: level.item_id,
        site: level.site_id,
        crossing,
        number,
        on_hand: level.on_hand,
    })
}

impl Locked {
    /// Locks these levels in their order; those that do not exist are left out.
    pub(super) async fn lock(conn: &mut PgConnection, places: BTreeSet<Place>) -> Result<Self, sqlx::Error> {
        let mut locked = BTreeMap::new();
        for (item, site) in places {
            let level = sqlx::query_as!(
                Level,
                r#"SELECT item_id AS "item_id: ItemId", site_id AS "site_id: SiteId", org_id AS "org_id: OrgId", on_hand,
                          reserved, quarantined, capacity, low_at, is_low, version
                   FROM stock_levels
                   WHERE item_id = $1
                     AND site_id = $2
                   FOR NO KEY UPDATE"#,
                item.0,
                site.0,
            )
            .fetch_optional(&mut *conn)
            .await?;
            locked.extend(level.map(|level| ((item, site), level)));
        }
        Ok(Self(locked))
    }

    pub(super) fn get(&self, place: Place) -> Option<&Level> {
        self.0.get(&place)
    }

    /// Writes the changes, each with its movement and the alert that it may be, then what the sites store. Returns the levels
    /// after each change.
    pub(super) async fn write(
        mut self,
        conn: &mut PgConnection,
        changes: &[(Place, Change<'_>)],
    ) -> Result<Vec<Moved>, StockError> {
        let mut moved = Vec::with_capacity(changes.len());
        let mut stored: BTreeMap<SiteId, (i64, i64)> = BTreeMap::new();
        for (place, change) in changes {
            let level = self.0.get_mut(place).ok_or(StockError::NotFound)?;
            let after = move_level(conn, level, change).await?;
            level.clone_from(&after.level);
            moved.push(after);
            let (net, brought) = stored.entry(place.1).or_default();
            *net += change.on_hand + change.quarantined;
            *brought += change.on_hand.max(0) + change.quarantined.max(0);
        }
        for (site, (net, brought)) in stored {
            if net != 0 || brought != 0 {
                count_stored(conn, site, net, brought > 0).await?;
            }
        }
        Ok(moved)
    }
}

/// Writes one change of a locked level.
async fn move_level(conn: &mut PgConnection, level: &Level, change: &Change<'_>) -> Result<Moved, StockError> {
    let on_hand = level.on_hand + change.on_hand;
    let crossing = low::crossing(level.is_low, on_hand, low::threshold(level.low_at, level.capacity));
    let is_low = crossing.map_or(level.is_low, |crossing| crossing == Crossing::Down);
    let row = sqlx::query!(
        "WITH written AS (
             UPDATE stock_levels
             SET on_hand = on_hand + $3,
                 reserved = reserved + $4,
                 quarantined = quarantined + $5,
                 is_low = $6,
                 crossings = crossings + $7::bool::int,
                 version = version + 1
             WHERE item_id = $1
               AND site_id = $2
             RETURNING *
         ), moved AS (
             INSERT INTO stock_movements
                 (item_id, site_id, version, kind, on_hand_delta, reserved_delta, quarantined_delta, reason, reference, actor,
                  shipment_id)
             SELECT item_id, site_id, version, $8, $3, $4, $5, $9, $10, $11, $12
             FROM written
         ), alerted AS (
             INSERT INTO stock_alerts (item_id, site_id, crossing, direction, on_hand)
             SELECT item_id, site_id, crossings, CASE WHEN is_low THEN 'down' ELSE 'up' END, on_hand
             FROM written
             WHERE $7
         )
         SELECT on_hand, reserved, quarantined, crossings, version
         FROM written",
        level.item_id.0,
        level.site_id.0,
        change.on_hand,
        change.reserved,
        change.quarantined,
        is_low,
        crossing.is_some(),
        change.kind as MovementKind,
        change.reason,
        change.reference,
        change.actor.map(|actor| actor.0),
        change.shipment.map(|shipment| shipment.0),
    )
    .fetch_one(conn)
    .await?;
    let after = Level {
        on_hand: row.on_hand,
        reserved: row.reserved,
        quarantined: row.quarantined,
        is_low,
        version: row.version,
        ..level.clone()
    };
    Ok(Moved { alert: alert(&after, crossing, row.crossings), level: after })
}

/// Counts what a site stores, where somebody counts. A site that is not used any more gets nothing, and one that gets something
/// stays in use until this commits.
async fn count_stored(conn: &mut PgConnection, site: SiteId, by: i64, brought: bool) -> Result<(), StockError> {
    let counted: Option<Option<DateTime<Utc>>> = sqlx::query_scalar!(
        "UPDATE sites
         SET stored = stored + $2
         WHERE id = $1
           AND capacity IS NOT NULL
         RETURNING archived_at",
        site.0,
        by,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let archived_at = match counted {
        Some(archived_at) => archived_at,
        None => {
            sqlx::query_scalar!("SELECT archived_at FROM sites WHERE id = $1 FOR KEY SHARE", site.0)
                .fetch_one(conn)
                .await?
        }
    };
    if brought && archived_at.is_some() {
        return Err(StockError::SiteArchived);
    }
    Ok(())
}
