//! What becomes of a shipment, by the act of somebody.

use shared::audit::Actor;
use sqlx::PgConnection;

use super::locked::{Locked, everything, finish, judge_unpaid, lock, move_stock, set_status};
use super::order::{leaves, ordered};
use super::room::take_room;
use super::{Done, OrderStep, ShipmentError};
use crate::cargo::ShipmentStatus;
use crate::escrow::store as escrow;
use crate::offers::model::Party;
use crate::orders::model::OrderStatus;
use crate::shipments::model::Tracking;
use crate::shipments::rules::{Act, Ordered, all_delivered, judge_act, judge_delivery, judge_order};
use crate::stock::model::Moved;
use crate::stock::store::Carriage;

/// What of a shipment has moved, and its order by that.
pub(super) type Effect = (Vec<Moved>, Option<OrderStep>);

/// Cancels a shipment that was not picked up: what was held for it is available again. By the shipper. Needs a transaction, as
/// everything here does.
pub async fn cancel(conn: &mut PgConnection, by: Party, number: &Tracking) -> Result<Done, ShipmentError> {
    let locked = lock(conn, number, |shipper, _| shipper == by.org).await?;
    judge_act(Act::Cancel, locked.shipment.status)?;
    let actor = Actor::User(by.user);
    let moved = call_off(conn, &locked, actor).await?;
    finish(conn, &locked, actor, "cancel", moved, None).await
}

pub(super) async fn call_off(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Actor,
) -> Result<Vec<Moved>, ShipmentError> {
    set_status(conn, locked, ShipmentStatus::Cancelled).await?;
    move_stock(conn, &locked.shipment, Carriage::Free, &everything(&locked.shipment), actor).await
}

/// It leaves: its units are out of the shipper's stock. By the shipper.
pub async fn pick_up(conn: &mut PgConnection, by: Party, number: &Tracking) -> Result<Done, ShipmentError> {
    let mut locked = lock(conn, number, |shipper, _| shipper == by.org).await?;
    take_away(conn, &mut locked, Actor::User(by.user)).await
}

/// [`pick_up`] of a locked shipment.
pub(super) async fn take_away(
    conn: &mut PgConnection,
    locked: &mut Locked,
    actor: Actor,
) -> Result<Done, ShipmentError> {
    let shipment = &locked.shipment;
    judge_act(Act::PickUp, shipment.status)?;
    match (&locked.order, shipment.order_id) {
        (Some(order), _) => judge_order(order.status)?,
        (None, Some(order)) => judge_unpaid(conn, order).await?,
        (None, None) => {}
    }
    if let Some((vehicle, until)) = shipment.vehicle.zip(shipment.planned_delivery) {
        take_room(conn, (shipment.org_id, vehicle), shipment.id, (locked.now, until), &shipment.lines).await?;
    }
    let (moved, order) = leaves(conn, locked, actor).await?;
    finish(conn, locked, actor, "pick_up", moved, order).await
}

/// It has arrived: all that is still on its way, or so many units of these lines. By the shipper or the consignee. Money never moves
/// by that: an order of which everything has arrived is inspected, and stays as paid as it was.
pub async fn deliver(
    conn: &mut PgConnection,
    by: Party,
    number: &Tracking,
    given: Option<&[(i16, i64)]>,
) -> Result<Done, ShipmentError> {
    let mut locked = lock(conn, number, |shipper, consignee| shipper == by.org || consignee == Some(by.org)).await?;
    judge_act(Act::Deliver, locked.shipment.status)?;
    let units = judge_delivery(&locked.shipment.lines, given)?;
    let actor = Actor::User(by.user);
    let (moved, order) = arrives(conn, &mut locked, &units, actor).await?;
    finish(conn, &locked, actor, "deliver", moved, order).await
}

/// Delivers these units of a locked shipment that has left.
pub(super) async fn arrives(
    conn: &mut PgConnection,
    locked: &mut Locked,
    units: &[(i16, i64)],
    actor: Actor,
) -> Result<Effect, ShipmentError> {
    let shipment = &locked.shipment;
    let (numbers, quantities): (Vec<i16>, Vec<i64>) = units.iter().copied().unzip();
    sqlx::query!(
        "UPDATE shipment_lines AS l
         SET delivered_quantity = delivered_quantity + given.quantity
         FROM unnest($2::smallint[], $3::bigint[]) AS given (line_no, quantity)
         WHERE l.shipment_id = $1
           AND l.line_no = given.line_no",
        shipment.id.0,
        &numbers,
        &quantities,
    )
    .execute(&mut *conn)
    .await?;
    let open: i64 = shipment.lines.iter().map(crate::shipments::model::ShipmentLine::open_quantity).sum();
    let rest = open - quantities.iter().sum::<i64>();
    // Of the rest it is not known more than before; one that has just left is still picked up.
    let status = match shipment.status {
        _ if rest == 0 => ShipmentStatus::Delivered,
        ShipmentStatus::Pending => ShipmentStatus::PickedUp,
        status => status,
    };
    set_status(conn, locked, status).await?;
    let moved = move_stock(conn, shipment, Carriage::Arrive, units, actor).await?;
    let Some(order) = locked.order.as_mut().filter(|order| order.status == OrderStatus::InFulfilment) else {
        return Ok((moved, None));
    };
    let lines: Vec<Ordered> = ordered(conn, order.id).await?.into_iter().map(|line| line.of).collect();
    if !all_delivered(&lines) {
        return Ok((moved, None));
    }
    let (inspect_until, version) = escrow::arrived(conn, order, actor.user()).await?;
    order.status = OrderStatus::Delivered;
    Ok((moved, Some(OrderStep::Arrived { order: order.id, version, inspect_until })))
}

/// Nobody was there to take it. By the shipper.
pub async fn fail(conn: &mut PgConnection, by: Party, number: &Tracking) -> Result<Done, ShipmentError> {
    let locked = lock(conn, number, |shipper, _| shipper == by.org).await?;
    judge_act(Act::Fail, locked.shipment.status)?;
    set_status(conn, &locked, ShipmentStatus::AttemptFailed).await?;
    finish(conn, &locked, Actor::User(by.user), "fail", Vec::new(), None).await
}

/// What was not delivered is back, and in the shipper's stock where that has it. By the shipper.
pub async fn give_back(conn: &mut PgConnection, by: Party, number: &Tracking) -> Result<Done, ShipmentError> {
    let locked = lock(conn, number, |shipper, _| shipper == by.org).await?;
    judge_act(Act::GiveBack, locked.shipment.status)?;
    let actor = Actor::User(by.user);
    let moved = comes_back(conn, &locked, actor).await?;
    finish(conn, &locked, actor, "return", moved, None).await
}

/// Brings back all units of a locked shipment that are still on their way.
pub(super) async fn comes_back(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Actor,
) -> Result<Vec<Moved>, ShipmentError> {
    let shipment = &locked.shipment;
    let units: Vec<_> = shipment.lines.iter().map(|line| (line.line, line.open_quantity())).collect();
    sqlx::query!(
        "UPDATE shipment_lines
         SET returned_quantity = quantity - delivered_quantity
         WHERE shipment_id = $1",
        shipment.id.0,
    )
    .execute(&mut *conn)
    .await?;
    set_status(conn, locked, ShipmentStatus::Returned).await?;
    move_stock(conn, shipment, Carriage::ComeBack, &units, actor).await
}
