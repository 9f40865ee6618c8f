//! Units that shipments hold, take away and bring.

use std::collections::{BTreeMap, BTreeSet};

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::StockError;
use super::levels::{Change, Locked, Place, open};
use crate::ids::{ItemId, ShipmentId, SiteId};
use crate::stock::model::{Level, Moved, MovementKind};
use crate::stock::rules::reserve::grant;

/// Units of an item at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Whose item and site they are.
    pub org: OrgId,
    pub item: ItemId,
    pub site: SiteId,
    pub quantity: i64,
}

/// What a shipment does to the stock of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// It will take available units: nobody else gets them.
    Hold,
    /// It will not, after all.
    Free,
    /// It takes what it has held.
    Leave,
    Arrive,
    /// It brings back what it has taken.
    ComeBack,
}

/// Whether the stock of an item is counted anywhere.
pub async fn has_book(conn: &mut PgConnection, item: ItemId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM stock_levels WHERE item_id = $1) AS "has!""#, item.0)
        .fetch_one(conn)
        .await
}

/// Moves the units of a shipment, by one movement a level; all of them or none. The shipment, which this transaction has locked, says
/// that it is their turn.
pub async fn carry(
    conn: &mut PgConnection,
    shipment: ShipmentId,
    carriage: Carriage,
    loads: &[Load],
    actor: Option<UserId>,
) -> Result<Vec<Moved>, StockError> {
    let mut units: BTreeMap<Place, i64> = BTreeMap::new();
    for load in loads.iter().filter(|load| load.quantity > 0) {
        *units.entry((load.item, load.site)).or_default() += load.quantity;
        if carriage == Carriage::Arrive {
            open(conn, load.org, (load.item, load.site)).await?;
        }
    }
    let locked = Locked::lock(conn, units.keys().copied().collect::<BTreeSet<_>>()).await?;
    let mut changes = Vec::with_capacity(units.len());
    for (place, quantity) in units {
        if carriage == Carriage::Hold {
            let available = locked.get(place).map_or(0, Level::available);
            let (item, site) = (place.0, Some(place.1));
            grant(available, quantity).map_err(|available| StockError::OutOfStock {
                listing: None,
                item,
                site,
                available,
            })?;
        }
        let (kind, on_hand, reserved) = match carriage {
            Carriage::Hold => (MovementKind::Reserve, 0, quantity),
            Carriage::Free => (MovementKind::Free, 0, -quantity),
            Carriage::Leave => (MovementKind::TransferOut, -quantity, -quantity),
            Carriage::Arrive => (MovementKind::TransferIn, quantity, 0),
            Carriage::ComeBack => (MovementKind::Return, quantity, 0),
        };
        let (reference, shipment) = (Some(shipment.0), Some(shipment));
        changes.push((place, Change { on_hand, reserved, reference, shipment, actor, ..Change::of(kind) }));
    }
    locked.write(conn, &changes).await
}
