//! Sold units that come back, and what becomes of those that are quarantined.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::StockError;
use super::levels::{Change, Locked, Place};
use super::moves::MOST;
use crate::ids::{ItemId, OrderId, ReturnId, SiteId};
use crate::stock::model::{Moved, MovementKind};
use crate::stock::rules::reserve::{Verdict, grant};

/// Units of a line of an order that come back.
#[derive(Clone, Copy, Debug)]
pub struct Back {
    pub line_no: i16,
    pub quantity: i64,
    /// They are not to be sold yet.
    pub quarantined: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct PutBack {
    /// The lines whose units a stock book has again.
    pub lines: Vec<i16>,
    pub moved: Vec<Moved>,
}

/// Puts units back where they were taken from, by one movement a level. A line that was sold without a stock book has none to go
/// back to, and is left out.
pub async fn put_back(
    conn: &mut PgConnection,
    order: OrderId,
    id: ReturnId,
    back: &[Back],
    actor: Option<UserId>,
) -> Result<PutBack, StockError> {
    let numbers: Vec<i16> = back.iter().map(|back| back.line_no).collect();
    let taken = sqlx::query!(
        r#"SELECT line_no AS "line_no!", item_id AS "item: ItemId", site_id AS "site!: SiteId"
           FROM reservations
           WHERE order_id = $1
             AND line_no = ANY ($2)
             AND status = 'taken'
             AND site_id IS NOT NULL
           ORDER BY line_no"#,
        order.0,
        &numbers,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut changes: BTreeMap<Place, Change<'_>> = BTreeMap::new();
    let mut lines = Vec::with_capacity(taken.len());
    for row in &taken {
        let Some(units) = back.iter().find(|back| back.line_no == row.line_no) else { continue };
        let empty = Change { reference: Some(id.0), actor, ..Change::of(MovementKind::Return) };
        let change = changes.entry((row.item, row.site)).or_insert(empty);
        if units.quarantined {
            change.quarantined += units.quantity;
        } else {
            change.on_hand += units.quantity;
        }
        lines.push(row.line_no);
    }
    let locked = Locked::lock(conn, changes.keys().copied().collect()).await?;
    let changes: Vec<_> = changes.into_iter().collect();
    let moved = locked.write(conn, &changes).await?;
    Ok(PutBack { lines, moved })
}

/// What somebody has found out about units that are quarantined.
#[derive(Clone, Copy, Debug)]
pub struct Inspect<'a> {
    pub org: OrgId,
    pub item: ItemId,
    pub site: SiteId,
    pub verdict: Verdict,
    pub reason: Option<&'a str>,
    pub actor: UserId,
}

/// Lets units that are quarantined be sold, or takes them out of the book.
pub async fn inspect(conn: &mut PgConnection, inspect: &Inspect<'_>) -> Result<Moved, StockError> {
    let place = (inspect.item, inspect.site);
    let locked = Locked::lock(conn, BTreeSet::from([place])).await?;
    let level = locked.get(place).filter(|level| level.org_id == inspect.org).ok_or(StockError::NotFound)?;
    let (units, kind, on_hand) = match inspect.verdict {
        Verdict::Release(units) => (units, MovementKind::Release, units),
        Verdict::WriteOff(units) => (units, MovementKind::Adjust, 0),
    };
    if !(1..=MOST).contains(&units) {
        return Err(Invalid::new("/quantity", "must lie between 1 and 1000000000").into());
    }
    grant(level.quarantined, units).map_err(|available| StockError::OutOfStock {
        listing: None,
        item: inspect.item,
        site: Some(inspect.site),
        available,
    })?;
    let (reason, actor) = (inspect.reason, Some(inspect.actor));
    let change = Change { on_hand, quarantined: -units, reason, actor, ..Change::of(kind) };
    let moved = locked.write(conn, &[(place, change)]).await?;
    moved.into_iter().next().ok_or(StockError::NotFound)
}
