//! A shipment under its lock, and what moves with it.

use chrono::{DateTime, Utc};
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::read::{find, find_now};
use super::{Done, OrderStep, ShipmentError};
use crate::cargo::ShipmentStatus;
use crate::checkout::store as checkouts;
use crate::escrow::store::{self as escrow, EscrowError};
use crate::ids::{CheckoutId, ItemId, OrderId, ShipmentId, SiteId};
use crate::orders::model::{OrderSource, OrderStatus};
use crate::shipments::model::{Shipment, ShipmentLine, Tracking};
use crate::shipments::rules::{ShipmentRefusal, judge_order};
use crate::stock::model::Moved;
use crate::stock::store::{Carriage, Load, carry};

/// A shipment whose row this transaction has locked, and its order's.
pub(super) struct Locked {
    pub(super) shipment: Shipment,
    /// Of the order, if it is one's; absent also when nothing was paid for that.
    pub(super) order: Option<escrow::Locked>,
    /// The clock after the lock.
    pub(super) now: DateTime<Utc>,
    /// When the status that it is given was reached, if reports say so; otherwise somebody here does it now.
    pub(super) reported: Option<DateTime<Utc>>,
}

/// Locks the shipment of this number for who may see it: to everybody else there is none.
pub(super) async fn lock(
    conn: &mut PgConnection,
    number: &Tracking,
    is_party: impl FnOnce(OrgId, Option<OrgId>) -> bool,
) -> Result<Locked, ShipmentError> {
    // None of these changes, so that this needs no lock.
    let row = sqlx::query!(
        r#"SELECT id AS "id: ShipmentId", org_id AS "org: OrgId", consignee_org_id AS "consignee: OrgId",
                  order_id AS "order: OrderId"
           FROM shipments
           WHERE tracking = $1"#,
        number.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ShipmentError::NotFound)?;
    if !is_party(row.org, row.consignee) {
        return Err(ShipmentError::NotFound);
    }
    let order = match row.order {
        Some(order) => lock_order(conn, order).await?,
        None => None,
    };
    lock_shipment(conn, row.id, order).await
}

/// Locks the order of a shipment; `None` while nothing is paid for it. What is traded may leave before: then its checkout is locked
/// first, so that it does not end meanwhile.
async fn lock_order(conn: &mut PgConnection, order: OrderId) -> Result<Option<escrow::Locked>, sqlx::Error> {
    let unpaid = sqlx::query_scalar!(
        r#"SELECT checkout_id AS "checkout: CheckoutId"
           FROM orders
           WHERE id = $1
             AND source = 'trade'
             AND (status = 'pending_payment') IS TRUE"#,
        order.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(checkout) = unpaid {
        checkouts::lock(conn, checkout).await?;
    }
    escrow::lock(conn, order).await
}

/// Whether the goods of a locked order may leave for which nothing was paid. Those of a trade may while its checkout is open: until that
/// has ended, by time or by somebody's wish, and so also when the time to pay is over, as long as other goods of it are owed for.
pub(super) async fn judge_unpaid(conn: &mut PgConnection, order: OrderId) -> Result<(), ShipmentError> {
    let row = sqlx::query!(
        r#"SELECT source AS "source: OrderSource", status AS "status: OrderStatus" FROM orders WHERE id = $1"#,
        order.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ShipmentError::NoOrder)?;
    match (row.source, row.status) {
        (OrderSource::Trade, OrderStatus::PendingPayment) => Ok(()),
        (OrderSource::Trade, status) => Err(ShipmentRefusal::OrderStatus(status).into()),
        _ => Err(EscrowError::NotPaid.into()),
    }
}

/// An order whose goods its seller sends.
pub(super) struct Sold {
    pub(super) buyer: OrgId,
    /// Absent: a trade that is not paid yet.
    pub(super) paid: Option<escrow::Locked>,
}

/// Locks an order of `seller` whose goods may leave.
pub(super) async fn lock_sold(conn: &mut PgConnection, seller: OrgId, order: OrderId) -> Result<Sold, ShipmentError> {
    // Neither changes, so that this needs no lock.
    let buyer = sqlx::query_scalar!(
        r#"SELECT buyer_org_id AS "buyer: OrgId" FROM orders WHERE id = $1 AND seller_org_id = $2"#,
        order.0,
        seller.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ShipmentError::NoOrder)?;
    let paid = lock_order(conn, order).await?;
    match &paid {
        Some(order) => judge_order(order.status)?,
        None => judge_unpaid(conn, order).await?,
    }
    Ok(Sold { buyer, paid })
}

/// Locks a shipment whose order is locked.
pub(super) async fn lock_shipment(
    conn: &mut PgConnection,
    id: ShipmentId,
    order: Option<escrow::Locked>,
) -> Result<Locked, ShipmentError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM shipments WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let (shipment, now) = find_now(conn, id).await?.ok_or(ShipmentError::NotFound)?;
    Ok(Locked { shipment, order, now, reported: None })
}

/// Which sites a movement of a shipment is at.
enum At {
    Source,
    Target,
}

/// The loads that these units of lines are, where a stock book has them.
fn loads(shipment: &Shipment, units: &[(i16, i64)], at: &At) -> Vec<Load> {
    let load = |line: &ShipmentLine, quantity| -> Option<Load> {
        let (org, item, site): (OrgId, ItemId, Option<SiteId>) = match at {
            At::Source => (shipment.org_id, line.stocked.then_some(line.item_id)?, shipment.from_site),
            At::Target => (shipment.consignee_org_id.unwrap_or(shipment.org_id), line.to_item?, shipment.to_site),
        };
        Some(Load { org, item, site: site?, quantity })
    };
    let line = |number| shipment.lines.iter().find(|line| line.line == number);
    units.iter().filter_map(|(number, quantity)| load(line(*number)?, *quantity)).collect()
}

/// Moves these units of a locked shipment in the stock books.
pub(super) async fn move_stock(
    conn: &mut PgConnection,
    shipment: &Shipment,
    carriage: Carriage,
    units: &[(i16, i64)],
    actor: Actor,
) -> Result<Vec<Moved>, ShipmentError> {
    let at = if carriage == Carriage::Arrive { At::Target } else { At::Source };
    Ok(carry(conn, shipment.id, carriage, &loads(shipment, units, &at), actor.user()).await?)
}

/// All units of a shipment.
pub(super) fn everything(shipment: &Shipment) -> Vec<(i16, i64)> {
    shipment.lines.iter().map(|line| (line.line, line.quantity)).collect()
}

/// Sets the status of a locked shipment, with the times that go with it.
pub(super) async fn set_status(
    conn: &mut PgConnection,
    locked: &Locked,
    status: ShipmentStatus,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE shipments
         SET status = $2::cargo_status,
             picked_up_at = CASE WHEN $2::cargo_status NOT IN ('pending', 'cancelled') THEN coalesce(picked_up_at, clock_timestamp()) END,
             ended_at = CASE WHEN $2::cargo_status IN ('delivered', 'returned', 'cancelled') THEN clock_timestamp() END,
             status_since = CASE WHEN status = $2::cargo_status THEN coalesce(status_since, $3) ELSE $3 END,
             acted_at = coalesce($4, acted_at),
             version = version + 1
         WHERE id = $1",
        locked.shipment.id.0,
        status as ShipmentStatus,
        locked.reported.unwrap_or(locked.now),
        locked.reported.is_none().then_some(locked.now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the act down, and reads what came of it.
pub(super) async fn finish(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Actor,
    act: &'static str,
    moved: Vec<Moved>,
    order: Option<OrderStep>,
) -> Result<Done, ShipmentError> {
    let shipment = find(conn, locked.shipment.id).await?.ok_or(ShipmentError::NotFound)?;
    let data = serde_json::json!({"status": shipment.status, "version": shipment.version});
    let action = format!("shipment.{act}");
    let subject = ("shipment", shipment.id.to_string());
    audit::append(conn, audit::Entry { actor, action: &action, subject, data }).await?;
    Ok(Done { shipment, act, at: locked.now, moved, order })
}
