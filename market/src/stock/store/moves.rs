//! Counting stock, and moving it between sites.

use std::collections::BTreeSet;

use shared::ids::{OrgId, UserId};
use shared::invalid::Invalid;
use sqlx::PgConnection;
use uuid::Uuid;

use super::StockError;
use super::levels::{Change, Locked, open};
use crate::ids::{ImportId, ItemId, SiteId, TransferId};
use crate::stock::model::{Level, Moved, MovementKind};
use crate::stock::rules::reserve::{Count, grant};

/// What somebody has counted, or corrects.
#[derive(Clone, Copy, Debug)]
pub struct Adjust<'a> {
    pub org: OrgId,
    pub item: ItemId,
    pub site: SiteId,
    pub count: Count,
    pub reason: Option<&'a str>,
    pub actor: UserId,
}

/// Changes what is on hand; makes the level if there is none. A count that changes nothing is not a movement.
pub async fn adjust(conn: &mut PgConnection, adjust: &Adjust<'_>) -> Result<Moved, StockError> {
    Ok(count(conn, adjust, MovementKind::Adjust, None).await?.0)
}

/// [`adjust`] by a row of a file; absent when it changes nothing.
pub async fn import(
    conn: &mut PgConnection,
    adjust: &Adjust<'_>,
    import: ImportId,
) -> Result<Option<Moved>, StockError> {
    let (moved, changed) = count(conn, adjust, MovementKind::Import, Some(import.0)).await?;
    Ok(changed.then_some(moved))
}

/// Locks those of these levels that there are, then their sites: what follows in this transaction may come in any order.
pub async fn lock_all(conn: &mut PgConnection, levels: &BTreeSet<(ItemId, SiteId)>) -> Result<(), StockError> {
    let _ = Locked::lock(conn, levels.clone()).await?;
    let sites: BTreeSet<_> = levels.iter().map(|(_, site)| *site).collect();
    for site in sites {
        sqlx::query!("SELECT FROM sites WHERE id = $1 FOR NO KEY UPDATE", site.0).fetch_optional(&mut *conn).await?;
    }
    Ok(())
}

/// The level, and whether it has changed.
async fn count(
    conn: &mut PgConnection,
    adjust: &Adjust<'_>,
    kind: MovementKind,
    reference: Option<Uuid>,
) -> Result<(Moved, bool), StockError> {
    let place = (adjust.item, adjust.site);
    open(conn, adjust.org, place).await?;
    let locked = Locked::lock(conn, BTreeSet::from([place])).await?;
    let level = locked.get(place).filter(|level| level.org_id == adjust.org).ok_or(StockError::NotFound)?;
    let delta = adjust.count.delta(level.on_hand);
    if delta == 0 {
        return Ok((Moved { level: level.clone(), alert: None }, false));
    }
    if !(-MOST..=MOST).contains(&delta) {
        return Err(Invalid::new("/quantity", "a level has at most 1000000000 units").into());
    }
    grant(level.available(), -delta).map_err(|available| StockError::OutOfStock {
        listing: None,
        item: adjust.item,
        site: Some(adjust.site),
        available,
    })?;
    let (reason, actor) = (adjust.reason, Some(adjust.actor));
    let change = Change { on_hand: delta, reason, reference, actor, ..Change::of(kind) };
    let moved = locked.write(conn, &[(place, change)]).await?;
    Ok((moved.into_iter().next().ok_or(StockError::NotFound)?, true))
}

/// The most units of a level.
pub(super) const MOST: i64 = 1_000_000_000;

/// Units that go from one site of an organisation to another.
#[derive(Clone, Copy, Debug)]
pub struct Transfer<'a> {
    pub org: OrgId,
    pub item: ItemId,
    pub from: SiteId,
    pub to: SiteId,
    pub quantity: i64,
    pub reason: Option<&'a str>,
    pub actor: UserId,
}

/// Both ends of a transfer, after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transferred {
    pub id: TransferId,
    pub from: Moved,
    pub to: Moved,
}

/// Moves available units; all of them or, when there are fewer or the target has no room, none.
pub async fn transfer(conn: &mut PgConnection, transfer: &Transfer<'_>) -> Result<Transferred, StockError> {
    if !(1..=MOST).contains(&transfer.quantity) {
        return Err(Invalid::new("/quantity", "must lie between 1 and 1000000000").into());
    }
    if transfer.from == transfer.to {
        return Err(Invalid::new("/to", "must be another site").into());
    }
    let (from, to) = ((transfer.item, transfer.from), (transfer.item, transfer.to));
    // The level that it makes holds back only who makes the same one, and who does holds no other level yet.
    open(conn, transfer.org, to).await?;
    let locked = Locked::lock(conn, BTreeSet::from([from, to])).await?;
    if locked.get(to).is_none_or(|level| level.org_id != transfer.org) {
        return Err(StockError::NotFound);
    }
    let source = locked.get(from);
    if source.is_some_and(|level| level.org_id != transfer.org) {
        return Err(StockError::NotFound);
    }
    grant(source.map_or(0, Level::available), transfer.quantity).map_err(|available| StockError::OutOfStock {
        listing: None,
        item: transfer.item,
        site: Some(transfer.from),
        available,
    })?;
    let id = TransferId::generate();
    let change = |kind, on_hand| Change {
        on_hand,
        reason: transfer.reason,
        reference: Some(id.0),
        actor: Some(transfer.actor),
        ..Change::of(kind)
    };
    let changes = [
        (from, change(MovementKind::TransferOut, -transfer.quantity)),
        (to, change(MovementKind::TransferIn, transfer.quantity)),
    ];
    match <[Moved; 2]>::try_from(locked.write(conn, &changes).await?) {
        Ok([from, to]) => Ok(Transferred { id, from, to }),
        Err(_) => Err(StockError::NotFound),
    }
}
