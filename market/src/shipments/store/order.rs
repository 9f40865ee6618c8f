//! The shipments of an order.

use shared::audit::Actor;
use sqlx::PgConnection;

use super::act::{Effect, arrives, call_off, take_away};
use super::locked::{Locked, everything, finish, lock_shipment, move_stock, set_status};
use super::read::find;
use super::{Done, OrderStep, ShipmentError};
use crate::cargo::ShipmentStatus;
use crate::escrow::store::{self as escrow, EscrowError, lock_as};
use crate::ids::{ItemId, OrderId, ShipmentId, SiteId};
use crate::offers::model::Party;
use crate::orders::model::{OrderStatus, Side};
use crate::shipments::model::{Shipment, Tracking};
use crate::shipments::rules::{Ordered, all_delivered, judge_delivery};
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
        let version = escrow::sent(conn, order, actor.user()).await?;
        order.status = OrderStatus::InFulfilment;
        step = Some(OrderStep::Sent { order: order.id, version });
    }
    Ok((moved, step))
}

/// The seller has sent all that is left of a paid order: what was to be picked up is, and the rest leaves in one more shipment.
pub async fn ship_order(conn: &mut PgConnection, by: Party, order: OrderId) -> Result<Vec<Done>, ShipmentError> {
    let mut of = lock_as(conn, Side::Seller, by.org, order).await?;
    if !matches!(of.status, OrderStatus::Paid | OrderStatus::InFulfilment) {
        return Err(EscrowError::OrderStatus(of.status).into());
    }
    let actor = Actor::User(by.user);
    let mut done = Vec::new();
    for id in open(conn, order).await? {
        let mut locked = lock_shipment(conn, id, Some(of)).await?;
        if locked.shipment.status == ShipmentStatus::Pending {
            done.push(take_away(conn, &mut locked, actor).await?);
        }
        of = locked.order.ok_or(ShipmentError::NoOrder)?;
    }
    let status = of.status;
    if let Some(shipment) = pack_rest(conn, by, &of).await? {
        // It leaves when it is made, and not when the order was locked.
        let now = shipment.created_at;
        let mut locked = Locked { shipment, order: Some(of), now, reported: None };
        let (moved, step) = leaves(conn, &mut locked, actor).await?;
        done.push(finish(conn, &locked, actor, "pick_up", moved, step).await?);
    }
    // It was sent before.
    if done.is_empty() { Err(EscrowError::OrderStatus(status).into()) } else { Ok(done) }
}

/// A shipment of all that no other one has of a locked order, from the site that its goods were sold from, if it is one.
async fn pack_rest(
    conn: &mut PgConnection,
    by: Party,
    order: &escrow::Locked,
) -> Result<Option<Shipment>, ShipmentError> {
    let left = ordered(conn, order.id).await?;
    pack(conn, by, order, None, left).await
}

/// A shipment of what no other one has of these lines of a locked order; `None` if that is nothing. It leaves from `from`; without that,
/// from the site that the order's goods were sold from, if it is one.
pub(super) async fn pack(
    conn: &mut PgConnection,
    by: Party,
    order: &escrow::Locked,
    from: Option<SiteId>,
    of: Vec<OrderedItem>,
) -> Result<Option<Shipment>, ShipmentError> {
    let left = of.into_iter().filter(|line| line.of.shipped < line.of.quantity);
    let (items, (lines, quantities)): (Vec<_>, (Vec<_>, Vec<_>)) =
        left.map(|line| (line.item.0, (line.of.line, line.of.quantity - line.of.shipped))).unzip();
    if lines.is_empty() {
        return Ok(None);
    }
    let (id, number) = (ShipmentId::generate(), Tracking::generate());
    // What was paid has left the stock book already. The lines are of the row that was made, which their trigger looks at.
    sqlx::query!(
        r#"WITH made AS (
               INSERT INTO shipments (id, org_id, consignee_org_id, order_id, from_site, tracking, planned_delivery, created_by)
               SELECT $1, $2, $3, $4,
                      coalesce(
                          $5,
                          (SELECT (array_agg(site_id))[1]
                           FROM reservations
                           WHERE order_id = $4
                             AND status = 'taken'
                           HAVING count(DISTINCT site_id) = 1)
                      ),
                      $6,
                      (SELECT ends_at
                       FROM appointments
                       WHERE order_id = $4
                         AND kind = 'delivery'
                         AND status = 'booked'
                       LIMIT 1),
                      $7
               RETURNING id, org_id, order_id
           )
           INSERT INTO shipment_lines
               (shipment_id, line_no, org_id, item_id, order_id, order_line, quantity, weight_g, volume_ml, stocked)
           SELECT made.id, rest.line_no, made.org_id, rest.item, made.order_id, rest.order_line, rest.quantity, 0, 0, false
           FROM made
           CROSS JOIN unnest($8::uuid[], $9::smallint[], $10::bigint[]) WITH ORDINALITY
               AS rest (item, order_line, quantity, line_no)"#,
        id.0,
        by.org.0,
        order.buyer.0,
        order.id.0,
        from.map(|site| site.0),
        number.as_str(),
        by.user.0,
        &items,
        &lines,
        &quantities,
    )
    .execute(&mut *conn)
    .await?;
    Ok(find(conn, id).await?)
}

/// What an order that was just paid has become by what left before: a trade's goods may. Needs a transaction.
pub async fn catch_up(conn: &mut PgConnection, order: OrderId) -> Result<Option<OrderStep>, ShipmentError> {
    let Some(of) = escrow::lock(conn, order).await?.filter(|of| of.status == OrderStatus::Paid) else {
        return Ok(None);
    };
    let left = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT
               FROM shipments
               WHERE order_id = $1
                 AND picked_up_at IS NOT NULL
                 AND status <> 'returned'
           ) AS "left!""#,
        order.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    let lines: Vec<Ordered> = ordered(conn, order).await?.into_iter().map(|line| line.of).collect();
    if !left && lines.iter().all(|line| line.delivered == 0) {
        return Ok(None);
    }
    let version = escrow::sent(conn, &of, None).await?;
    if !all_delivered(&lines) {
        return Ok(Some(OrderStep::Sent { order, version }));
    }
    let (inspect_until, version) = escrow::arrived(conn, &of, None).await?;
    Ok(Some(OrderStep::Arrived { order, version, inspect_until }))
}

/// Calls off what was packed of locked orders that have ended unpaid: a trade's goods may be packed before. Needs a transaction.
pub(crate) async fn call_off_packed(
    conn: &mut PgConnection,
    orders: &[OrderId],
    actor: Actor,
) -> Result<Vec<Done>, ShipmentError> {
    let ids: Vec<_> = orders.iter().map(|order| order.0).collect();
    let packed = sqlx::query_scalar!(
        r#"SELECT id AS "id: ShipmentId" FROM shipments WHERE order_id = ANY ($1) AND status = 'pending' ORDER BY id"#,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut done = Vec::with_capacity(packed.len());
    for id in packed {
        let locked = lock_shipment(conn, id, None).await?;
        let moved = call_off(conn, &locked, actor).await?;
        done.push(finish(conn, &locked, actor, "cancel", moved, None).await?);
    }
    Ok(done)
}

/// How many units of each line of a locked order have left and are not back, when nothing of it is packed any more.
pub(crate) async fn gone(conn: &mut PgConnection, order: OrderId) -> Result<Vec<(i16, i64)>, sqlx::Error> {
    Ok(ordered(conn, order).await?.into_iter().map(|line| (line.of.line, line.of.shipped)).collect())
}

/// The buyer has everything: what was on its way has arrived, and so has the order, which is returned.
pub async fn receive_order(
    conn: &mut PgConnection,
    by: Party,
    order: OrderId,
) -> Result<(Vec<Done>, OrderStep), ShipmentError> {
    let mut of = lock_as(conn, Side::Buyer, by.org, order).await?;
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
    let arrived = done.iter().filter_map(|done| done.order).find(|step| matches!(step, OrderStep::Arrived { .. }));
    if let Some(arrived) = arrived {
        return Ok((done, arrived));
    }
    // What no shipment has was handed over in another way.
    let (inspect_until, version) = escrow::arrived(conn, &of, Some(by.user)).await?;
    Ok((done, OrderStep::Arrived { order, version, inspect_until }))
}
