//! What is changed of a shipment before it is picked up.

use std::collections::BTreeSet;

use shared::audit::Actor;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::locked::{Locked, finish, lock, move_stock};
use super::read::find;
use super::room::take_room;
use super::{Done, ShipmentError};
use crate::ids::VehicleId;
use crate::offers::model::Party;
use crate::shipments::model::{LineChange, Shipment, ShipmentChange, Tracking};
use crate::shipments::rules::{Act, judge_act, judge_lines};
use crate::stock::model::Moved;
use crate::stock::store::{Carriage, lock_all};

/// A shipment of `shipper`, locked until the transaction ends.
pub async fn lock_own(conn: &mut PgConnection, shipper: OrgId, number: &Tracking) -> Result<Shipment, ShipmentError> {
    Ok(lock(conn, number, |org, _| org == shipper).await?.shipment)
}

/// Changes a shipment that was not picked up; what is held for it follows the quantities, and nothing else does. By the shipper. Needs
/// a transaction, which is rolled back after an error.
pub async fn change(
    conn: &mut PgConnection,
    by: Party,
    number: &Tracking,
    change: &ShipmentChange,
) -> Result<Done, ShipmentError> {
    let locked = lock(conn, number, |shipper, _| shipper == by.org).await?;
    judge_act(Act::Change, locked.shipment.status)?;
    judge_lines(&locked.shipment.lines, change.lines.iter().map(|line| line.line))?;
    if change.to_address.is_some() && locked.shipment.to_site.is_some() {
        return Err(Invalid::new("/to_address", "the shipment goes to a site").into());
    }
    let id = locked.shipment.id;
    sqlx::query!(
        "UPDATE shipments
         SET to_address = coalesce($2, to_address),
             carrier = coalesce($3, carrier),
             vehicle_id = CASE WHEN $4 THEN $5 ELSE vehicle_id END,
             planned_pickup = coalesce($6, planned_pickup),
             planned_delivery = coalesce($7, planned_delivery),
             version = version + 1
         WHERE id = $1",
        id.0,
        change.to_address,
        change.carrier,
        change.vehicle.is_some(),
        change.vehicle.flatten().map(|vehicle: VehicleId| vehicle.0),
        change.planned_pickup,
        change.planned_delivery,
    )
    .execute(&mut *conn)
    .await?;
    for (place, line) in change.lines.iter().enumerate() {
        change_line(conn, &locked, line).await.map_err(|error| error.within(place))?;
    }
    let after = find(conn, id).await?.ok_or(ShipmentError::NotFound)?;
    if let Some((vehicle, planned)) = after.vehicle.zip(after.planned_pickup.zip(after.planned_delivery)) {
        take_room(conn, (by.org, vehicle), id, planned, &after.lines).await?;
    }
    let actor = Actor::User(by.user);
    let moved = hold_difference(conn, &locked.shipment, &after, actor).await?;
    finish(conn, &locked, actor, "change", moved, None).await
}

async fn change_line(conn: &mut PgConnection, locked: &Locked, change: &LineChange) -> Result<(), ShipmentError> {
    sqlx::query!(
        "UPDATE shipment_lines
         SET quantity = coalesce($3, quantity),
             weight_g = coalesce($4, weight_g),
             volume_ml = coalesce($5, volume_ml)
         WHERE shipment_id = $1
           AND line_no = $2",
        locked.shipment.id.0,
        change.line,
        change.quantity,
        change.weight_g,
        change.volume_ml,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds what has become more, and frees what has become less.
async fn hold_difference(
    conn: &mut PgConnection,
    before: &Shipment,
    after: &Shipment,
    actor: Actor,
) -> Result<Vec<Moved>, ShipmentError> {
    let lines = before.lines.iter().zip(&after.lines);
    let differences: Vec<_> = lines.map(|(old, new)| (new.line, new.quantity - old.quantity)).collect();
    let part = |sign: i64| -> Vec<(i16, i64)> {
        let of = differences.iter().filter(|(_, difference)| difference * sign > 0);
        of.map(|(line, difference)| (*line, difference * sign)).collect()
    };
    let (more, less) = (part(1), part(-1));
    if let (false, false, Some(site)) = (more.is_empty(), less.is_empty(), after.from_site) {
        // What follows takes them in two turns, and nobody may come between.
        let places: BTreeSet<_> =
            after.lines.iter().filter(|line| line.stocked).map(|line| (line.item_id, site)).collect();
        lock_all(conn, &places).await?;
    }
    // First what is freed: another line of the item may need it.
    let mut moved = move_stock(conn, after, Carriage::Free, &less, actor).await?;
    moved.extend(move_stock(conn, after, Carriage::Hold, &more, actor).await?);
    Ok(moved)
}
