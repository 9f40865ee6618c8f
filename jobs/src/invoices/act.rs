//! What is done about proofs of exports, with the papers and the mails that follow.

use market::ids::OrderId;
use market::invoices::model::{InvoiceOf, NewProof, Replaced};
use market::invoices::store::{self, InvoiceError, ProofError};
use market::offers::model::Party;
use queue::JobTx;
use queue::enqueue::{Enqueue, EnqueueError};

use super::{RenderInvoice, mail};
use crate::emails::MailError;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// Hands in the proof of an export. What was taxed for want of it is invoiced without the tax again.
pub async fn hand_in(tx: &mut JobTx, by: Party, order: OrderId, new: &NewProof) -> Result<(), ActError> {
    if let Some(replaced) = store::hand_in(tx, by.org, by.user, order, new).await? {
        render(tx, replaced).await?;
    }
    Ok(())
}

/// Taxes an export that was not proved in time, and tells its seller; whether it was taxed just now.
pub async fn tax(tx: &mut JobTx, order: OrderId) -> Result<bool, ActError> {
    let Some(replaced) = store::tax_unproved(tx, order).await? else { return Ok(false) };
    render(tx, replaced).await?;
    mail::proof_missing(tx, order).await?;
    Ok(true)
}

/// Reminds the sellers of up to `most` exports that are taxed soon, once each. Returns how many exports.
pub async fn remind(tx: &mut JobTx, most: i64) -> Result<u64, ActError> {
    let mut reminded = 0;
    for order in store::missing(tx, most).await? {
        if store::note_reminded(tx, order).await? {
            mail::proof_missing(tx, order).await?;
            reminded += 1;
        }
    }
    Ok(reminded)
}

/// Enqueues the papers of both documents.
async fn render(tx: &mut JobTx, replaced: Replaced) -> Result<(), EnqueueError> {
    let [note, invoice] =
        [replaced.credit_note, replaced.invoice].map(|id| RenderInvoice { of: InvoiceOf::Document(id) });
    tx.enqueue_each(vec![Enqueue::new(&note), Enqueue::new(&invoice)]).await?;
    Ok(())
}
