//! The shipments of an order.

use chrono::{DateTime, Utc};
use shared::audit::Actor;
use sqlx::PgConnection;

use super::act::{Effect, arrives, take_away};
use super::create::create;
use super::locked::{Locked, everything, finish, lock_shipment, move_stock, set_status};
use super::{Done, OrderStep, ShipmentError};
use crate::cargo::ShipmentStatus;
use crate::escrow::store::{self as escrow, EscrowError, lock_for};
use crate::ids::{ItemId, OrderId, ShipmentId, SiteId};
use crate::offers::model::Party;
use crate::orders::model::OrderStatus;
use crate::shipments::model::{NewShipment, NewShipmentLine};
use crate::shipments::rules::{Ordered, judge_delivery};
use crate::stock::store::Carriage;

/// A line of an order, and its item.
pub(super) struct OrderedItem {
    pub(super) of: Ordered,
    pub(super) item: ItemId,
}

/// The lines of an order, and what its shipments have of them.
pub(super) async fn ordered(conn: &mut PgConnection, order: OrderId) -> Result<Vec<OrderedItem>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT o.line_no, o.item_id AS "item: ItemId", o.quantity,
                  coalesce(sum(l.quantity - l.returned_quantity) FILTER (WHERE s.status <> 'cancelled'), 0)::bigint AS "shipped!",
                  coalesce(sum(l.delivered_quantity), 0)::bigint AS "delivered!"
           FROM order_lines AS o
           LEFT JOIN shipment_lines AS l ON l.order_id = o.order_id AND l.order_line = o.line_no
           LEFT JOIN shipments AS s ON s.id = l.shipment_id
           WHERE o.order_id = $1
           GROUP BY o.order_id, o.line_no
           ORDER BY o.line_no"#,
        order.0,
    )
    .fetch_all(conn)
    .await?;
    let line = |line, quantity, shipped, delivered| Ordered { line, quantity, shipped, delivered };
    let items = rows
        .into_iter()
        .map(|row| OrderedItem { of: line(row.line_no, row.quantity, row.shipped, row.delivered), item: row.item });
    Ok(items.collect())
}

/// The shipments of a locked order that have not ended, oldest first.
async fn open(conn: &mut PgConnection, order: OrderId) -> Result<Vec<ShipmentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: ShipmentId" FROM shipments WHERE order_id = $1 AND ended_at IS NULL ORDER BY id"#,
        order.0,
    )
    .fetch_all(conn)
    .await
}

/// A locked shipment leaves, and its order is on its way if it was not.
pub(super) async fn leaves(
    conn: &mut PgConnection,
    locked: &mut Locked,
    actor: Actor,
) -> Result<Effect, ShipmentError> {
    let shipment = &locked.shipment;
    set_status(conn, locked, ShipmentStatus::PickedUp).await?;
    let moved = move_stock(conn, shipment, Carriage::Leave, &everything(shipment), actor).await?;
    let mut step = None;
    if let Some(order) = locked.order.as_mut().filter(|order| order.status == OrderStatus::Paid) {
        escrow::sent(conn, order, actor.user()).await?;
        order.status = OrderStatus::InFulfilment;
        step = Some(OrderStep::Sent(order.id));
    }
    Ok((moved, step))
}

/// The seller has sent all that is left of a paid order: what was to be picked up is, and the rest leaves in one more shipment.
pub async fn ship_order(conn: &mut PgConnection, by: Party, order: OrderId) -> Result<Vec<Done>, ShipmentError> {
    let locked = lock_for(conn, order, |parties| parties.seller == by.org).await?;
    if !matches!(locked.status, OrderStatus::Paid | OrderStatus::InFulfilment) {
        return Err(EscrowError::OrderStatus(locked.status).into());
    }
    let actor = Actor::User(by.user);
    let mut done = Vec::new();
    for id in open(conn, order).await? {
        let of = escrow::lock(conn, order).await?;
        let mut locked = lock_shipment(conn, id, of).await?;
        if locked.shipment.status == ShipmentStatus::Pending {
            done.push(take_away(conn, &mut locked, actor).await?);
        }
    }
    let left = ordered(conn, order).await?.into_iter().map(|line| line.of).filter(|line| line.shipped < line.quantity);
    let lines: Vec<_> = left
        .map(|line| NewShipmentLine {
            item_id: None,
            order_line: Some(line.line),
            quantity: line.quantity - line.shipped,
            weight_g: 0,
            volume_ml: 0,
        })
        .collect();
    if !lines.is_empty() {
        let new = NewShipment {
            order_id: Some(order),
            consignee_org_id: None,
            from_site: source(conn, order).await?,
            to_site: None,
            to_address: None,
            carrier: None,
            vehicle: None,
            planned_pickup: None,
            planned_delivery: None,
            lines,
        };
        let made = create(conn, by, &new).await?;
        let of = escrow::lock(conn, order).await?;
        let mut locked = lock_shipment(conn, made.shipment.id, of).await?;
        done.push(take_away(conn, &mut locked, actor).await?);
    }
    // It was sent before.
    if done.is_empty() { Err(EscrowError::OrderStatus(locked.status).into()) } else { Ok(done) }
}

/// The site that all goods of an order were sold from, if it is one.
async fn source(conn: &mut PgConnection, order: OrderId) -> Result<Option<SiteId>, sqlx::Error> {
    let sites = sqlx::query_scalar!(
        r#"SELECT DISTINCT site_id AS "site: SiteId"
           FROM reservations
           WHERE order_id = $1
             AND status = 'taken'"#,
        order.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(if let [site] = sites[..] { site } else { None })
}

/// The buyer has everything: what was on its way has arrived, and fault may be found until the time that is returned.
pub async fn receive_order(
    conn: &mut PgConnection,
    by: Party,
    order: OrderId,
) -> Result<(Vec<Done>, DateTime<Utc>), ShipmentError> {
    let mut of = lock_for(conn, order, |parties| parties.buyer == by.org).await?;
    if of.status != OrderStatus::InFulfilment {
        return Err(EscrowError::OrderStatus(of.status).into());
    }
    let actor = Actor::User(by.user);
    let mut done = Vec::new();
    for id in open(conn, order).await? {
        let mut locked = lock_shipment(conn, id, Some(of)).await?;
        let mut moved = Vec::new();
        if locked.shipment.status == ShipmentStatus::Pending {
            moved = leaves(conn, &mut locked, actor).await?.0;
        }
        let units = judge_delivery(&locked.shipment.lines, None)?;
        let (arrived, step) = arrives(conn, &mut locked, &units, actor).await?;
        moved.extend(arrived);
        done.push(finish(conn, &locked, actor, "deliver", moved, step).await?);
        of = locked.order.ok_or(ShipmentError::NoOrder)?;
    }
    let arrived = done.iter().find_map(|done| match done.order {
        Some(OrderStep::Arrived { inspect_until, .. }) => Some(inspect_until),
        _ => None,
    });
    let until = match arrived {
        Some(until) => until,
        // What no shipment has was handed over in another way.
        None => escrow::arrived(conn, &of, Some(by.user)).await?,
    };
    Ok((done, until))
}
