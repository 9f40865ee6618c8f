//! Asking and receiving, with the jobs and mails that follow.

use market::ids::ReturnId;
use market::offers::model::Party;
use market::returns::model::{Disposition, Return};
use market::returns::store::{self, NewReturn, Received, ReturnError};
use queue::JobTx;
use queue::enqueue::{Enqueue, EnqueueError};

use super::{LapseReturn, mail};
use crate::emails::MailError;
use crate::invoices::repay;
use crate::stock;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Return(#[from] ReturnError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Asks for a return, tells the seller, and enqueues the job that decides when nobody does; it waits longer by itself when the return
/// goes on.
pub async fn request(tx: &mut JobTx, by: Party, new: NewReturn<'_>) -> Result<Return, ActError> {
    let id = store::request(tx, by, new).await?;
    let made = store::find(tx, id).await.map_err(ReturnError::from)?.ok_or(ReturnError::NotFound)?;
    let mut job = Enqueue::new(&LapseReturn { id });
    if let Some(due_at) = made.due_at {
        job = job.run_at(due_at);
    }
    let _ = tx.enqueue_with(job).await?;
    mail::step(tx, id).await?;
    Ok(made)
}

/// Receives what came back, and does what follows.
pub async fn receive(
    tx: &mut JobTx,
    by: Party,
    id: ReturnId,
    given: &[(i16, Disposition)],
) -> Result<Return, ActError> {
    let received = store::receive(tx, by, id, given).await?;
    follow(tx, id, &received).await?;
    Ok(store::find(tx, id).await.map_err(ReturnError::from)?.ok_or(ReturnError::NotFound)?)
}

/// What follows from goods that are back: the provider is asked for the refund, and those whom it concerns hear of the return and of
/// stock that has recovered.
pub async fn follow(tx: &mut JobTx, id: ReturnId, received: &Received) -> Result<(), ActError> {
    if let Some(refund) = received.refund {
        repay(tx, refund).await?;
    }
    for moved in &received.moved {
        stock::mail::moved(tx, moved).await?;
    }
    Ok(mail::step(tx, id).await?)
}
