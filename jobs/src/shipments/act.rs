//! Acts on shipments, with the jobs and mails that follow.

use market::ids::OrderId;
use market::offers::model::Party;
use market::shipments::store::{self, Done, OrderStep, ShipmentError};
use queue::JobTx;
use queue::enqueue::{Enqueue, EnqueueError};

use super::{ReportShipment, mail};
use crate::emails::MailError;
use crate::escrow::{ReleaseEscrow, notify_with};
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
    moved(tx, done).await?;
    mail::step(tx, done).await?;
    enqueue(tx, vec![report(done, note)], done.order).await
}

/// What follows when a shipment has gone where the event log says: the same, but that the log knows it. Told of it, the log would take
/// the moment of following for that of the event, and hold it against what happened in between.
///
/// An order of which everything has arrived is told as arrived, also when nobody has said before that it was sent.
pub async fn followed(tx: &mut JobTx, done: &Done) -> Result<(), ActError> {
    moved(tx, done).await?;
    mail::step(tx, done).await?;
    enqueue(tx, Vec::new(), done.order).await
}

async fn moved(tx: &mut JobTx, done: &Done) -> Result<(), MailError> {
    for moved in &done.moved {
        stock::mail::moved(tx, moved).await?;
    }
    Ok(())
}

/// The job that reports an act to the event log.
fn report(done: &Done, note: Option<&str>) -> Enqueue {
    let shipment = &done.shipment;
    Enqueue::new(&ReportShipment {
        shipment: shipment.id,
        version: shipment.version,
        org: shipment.org_id,
        tracking: shipment.tracking.to_string(),
        status: shipment.status,
        act: done.act.to_owned(),
        at: done.at,
        note: note.map(str::to_owned),
    })
}

/// Enqueues these jobs, together with those that follow from what an order has become.
async fn enqueue(tx: &mut JobTx, mut jobs: Vec<Enqueue>, step: Option<OrderStep>) -> Result<(), ActError> {
    let (order, version) = match step {
        Some(OrderStep::Sent { order, version }) => (order, version),
        Some(OrderStep::Arrived { order, version, inspect_until }) => {
            jobs.push(Enqueue::new(&ReleaseEscrow { order }).run_at(inspect_until));
            (order, version)
        }
        None => {
            tx.enqueue_each(jobs).await?;
            return Ok(());
        }
    };
    Ok(notify_with(tx, order, version, jobs).await?)
}

/// What follows when an order is paid whose goods had left before, if they had.
pub async fn caught_up(tx: &mut JobTx, order: OrderId) -> Result<(), ActError> {
    let step = store::catch_up(tx, order).await?;
    enqueue(tx, Vec::new(), step).await
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
    let (done, step) = store::receive_order(tx, by, order).await?;
    let mut jobs = Vec::with_capacity(done.len() + 2);
    for done in &done {
        moved(tx, done).await?;
        jobs.push(report(done, None));
    }
    enqueue(tx, jobs, Some(step)).await
}
