//! Acts on appointments, with the mails that follow, and what follows from goods that are given out.

use chrono::{DateTime, Utc};
use market::appointments::model::{Appointment, NewAppointment};
use market::appointments::store::{self, AppointmentError};
use market::ids::{AppointmentId, OrderId, SiteId};
use market::offers::model::Party;
use queue::JobTx;

use super::mail;
use crate::emails::MailError;
use crate::shipments;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Appointment(#[from] AppointmentError),
    #[error(transparent)]
    Shipment(#[from] shipments::ActError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Makes an appointment. Both sides hear of what is booked, and the buyer of what is proposed.
pub async fn book(tx: &mut JobTx, by: Party, order: OrderId, new: &NewAppointment) -> Result<Appointment, ActError> {
    let made = store::book(tx, by, order, new).await?;
    mail::made(tx, &made).await?;
    Ok(made)
}

/// Agrees to what was proposed; both sides hear that it is booked.
pub async fn accept(tx: &mut JobTx, by: Party, id: AppointmentId) -> Result<Appointment, ActError> {
    let made = store::accept(tx, by, id).await?;
    mail::made(tx, &made).await?;
    Ok(made)
}

/// Moves an appointment; both sides hear of it.
pub async fn reschedule(
    tx: &mut JobTx,
    by: Party,
    id: AppointmentId,
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
) -> Result<Appointment, ActError> {
    let moved = store::reschedule(tx, by, id, starts_at, ends_at).await?;
    mail::moved(tx, &moved).await?;
    Ok(moved)
}

/// Cancels an appointment; both sides hear of it.
pub async fn cancel(tx: &mut JobTx, by: Party, id: AppointmentId) -> Result<Appointment, ActError> {
    let cancelled = store::cancel(tx, by, id).await?;
    mail::cancelled(tx, &cancelled).await?;
    Ok(cancelled)
}

/// Gives goods out for a pass; what follows is what follows from shipments that leave and arrive.
pub async fn redeem(tx: &mut JobTx, by: Party, site: SiteId, pass: &str) -> Result<Appointment, ActError> {
    let redeemed = store::redeem(tx, by, site, pass).await?;
    for done in &redeemed.done {
        shipments::after(tx, done, None).await?;
    }
    let found = store::find(tx, redeemed.appointment).await.map_err(AppointmentError::from)?;
    Ok(found.ok_or(AppointmentError::NotFound)?)
}
