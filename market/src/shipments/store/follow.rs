//! Shipments that go where carriers' reports say.

use shared::audit::Actor;
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::act::{arrives, call_off, comes_back};
use super::locked::{finish, lock, set_status};
use super::order::leaves;
use super::{Done, ShipmentError};
use crate::cargo::{ShipmentStatus, Standing};
use crate::shipments::model::Tracking;
use crate::shipments::rules::follow::{Step, judge};
use crate::shipments::rules::judge_delivery;

/// Moves the shipment of `org` with this reference to where its events say it is. Does nothing when there is no such shipment, when
/// it is there already, when somebody here has acted since, or when it has ended: reports come twice and late. Needs a transaction.
///
/// Whoever reads the standing before the shipment is [locked](super::lock_own) may bring old news.
///
/// What was not picked up leaves by that: whoever carries it has it, and the stock book follows.
pub async fn follow(
    conn: &mut PgConnection,
    org: OrgId,
    reference: &str,
    standing: &Standing,
) -> Result<Option<Done>, ShipmentError> {
    let Some(number) = Tracking::read(reference) else { return Ok(None) };
    let mut locked = match lock(conn, &number, |shipper, _| shipper == org).await {
        Ok(locked) => locked,
        Err(ShipmentError::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let step = judge(locked.shipment.status, locked.shipment.acted_at, standing);
    locked.reported = Some(standing.since.unwrap_or(locked.now));
    let actor = Actor::System;
    let (mut moved, mut order) = (Vec::new(), None);
    if locked.shipment.status == ShipmentStatus::Pending && !matches!(step, Step::Nothing | Step::Cancel) {
        (moved, order) = leaves(conn, &mut locked, actor).await?;
    }
    match step {
        Step::Nothing => return Ok(None),
        Step::Cancel => moved = call_off(conn, &locked, actor).await?,
        // It has just left.
        Step::Move(ShipmentStatus::PickedUp) if locked.shipment.status == ShipmentStatus::Pending => {}
        Step::Move(status) => set_status(conn, &locked, status).await?,
        Step::Deliver => {
            let units = judge_delivery(&locked.shipment.lines, None)?;
            let (arrived, step) = arrives(conn, &mut locked, &units, actor).await?;
            moved.extend(arrived);
            order = step.or(order);
        }
        Step::GiveBack => moved.extend(comes_back(conn, &locked, actor).await?),
    }
    finish(conn, &locked, actor, "follow", moved, order).await.map(Some)
}
