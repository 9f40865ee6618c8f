//! Acts on shipments, with the jobs and mails that follow.

use chrono::{DateTime, Utc};
use market::ids::OrderId;
use market::offers::model::Party;
use market::shipments::store::{self, Done, OrderStep, ShipmentError};
use queue::JobTx;
use queue::enqueue::{Enqueue, EnqueueError};

use super::{ReportShipment, mail};
use crate::emails::MailError;
use crate::escrow::{ReleaseEscrow, notify};
use crate::stock;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Shipment(#[from] ShipmentError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// What follows from an act: the event log has it, those whom it concerns hear of stock that has become low, of what went wrong on the
/// way, and of an order that is on its way or has arrived; of that one the time of inspection runs.
pub async fn after(tx: &mut JobTx, done: &Done, note: Option<&str>) -> Result<(), ActError> {
    report(tx, done, note).await?;
    consequences(tx, done).await
}

/// What follows when a shipment has gone where the event log says: the same, but that the log knows it. Told of it, the log would take
/// the moment of following for that of the event, and hold it against what happened in between.
///
/// An order of which everything has arrived is told as arrived, also when nobody has said before that it was sent.
pub async fn followed(tx: &mut JobTx, done: &Done) -> Result<(), ActError> {
    for moved in &done.moved {
        stock::mail::moved(tx, moved).await?;
    }
    consequences(tx, done).await
}

async fn consequences(tx: &mut JobTx, done: &Done) -> Result<(), ActError> {
    mail::step(tx, done).await?;
    match done.order {
        Some(OrderStep::Sent(order)) => notify(tx, order).await?,
        Some(OrderStep::Arrived { order, inspect_until }) => arrived(tx, order, inspect_until).await?,
        None => {}
    }
    Ok(())
}

async fn report(tx: &mut JobTx, done: &Done, note: Option<&str>) -> Result<(), ActError> {
    let shipment = &done.shipment;
    let job = ReportShipment {
        shipment: shipment.id,
        version: shipment.version,
        org: shipment.org_id,
        tracking: shipment.tracking.to_string(),
        status: shipment.status,
        act: done.act.to_owned(),
        at: done.at,
        note: note.map(str::to_owned),
    };
    let _ = tx.enqueue(&job).await?;
    for moved in &done.moved {
        stock::mail::moved(tx, moved).await?;
    }
    Ok(())
}

async fn arrived(tx: &mut JobTx, order: OrderId, inspect_until: DateTime<Utc>) -> Result<(), EnqueueError> {
    let _ = tx.enqueue_with(Enqueue::new(&ReleaseEscrow { order }).run_at(inspect_until)).await?;
    notify(tx, order).await
}

/// Sends what is left of an order, and tells its buyer once that it is on its way.
pub async fn ship_order(tx: &mut JobTx, by: Party, order: OrderId) -> Result<(), ActError> {
    for done in store::ship_order(tx, by, order).await? {
        after(tx, &done, None).await?;
    }
    Ok(())
}

/// Takes an order as arrived with all its shipments, and tells both sides once.
pub async fn receive_order(tx: &mut JobTx, by: Party, order: OrderId) -> Result<(), ActError> {
    let (done, inspect_until) = store::receive_order(tx, by, order).await?;
    for done in &done {
        report(tx, done, None).await?;
    }
    Ok(arrived(tx, order, inspect_until).await?)
}
