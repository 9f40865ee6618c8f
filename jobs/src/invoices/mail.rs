//! Mail with invoices and credit notes, to those who trade for the buyer now; and about missing proofs of exports, to those who trade for
//! the seller.

use market::emails::model::{Content, ExportProofMissing, InvoiceReady};
use market::emails::store::ToTraders;
use market::ids::OrderId;
use market::invoices::model::{Invoice, InvoiceKind};
use market::invoices::store;
use market::orders::store as orders;
use queue::JobTx;

use crate::checkout::mail::{more, title};
use crate::emails::{MailError, post_to_traders};

/// Posts that a document can be downloaded.
pub async fn ready(tx: &mut JobTx, invoice: &Invoice) -> Result<(), MailError> {
    let order = orders::find(tx, invoice.order).await?.ok_or(MailError::Missing("the order of an invoice"))?;
    let content = Content::InvoiceReady(InvoiceReady {
        invoice: invoice.id,
        kind: invoice.kind,
        reference: invoice.reference.clone(),
        seller: invoice.seller.name.clone(),
        title: title(&order),
        more: more(&order),
        gross: invoice.gross,
        anew: match invoice.kind {
            InvoiceKind::Invoice => invoice.replaces.is_some(),
            InvoiceKind::CreditNote => invoice.refund.is_none(),
        },
    });
    let mail = ToTraders { org: invoice.buyer.org, reference: invoice.id.to_string(), content };
    Ok(post_to_traders(tx, &[mail]).await?)
}

/// Posts that an export was not proved: that it is going to be taxed, or that it is now.
pub(super) async fn proof_missing(tx: &mut JobTx, order: OrderId) -> Result<(), MailError> {
    let missing = store::missing_proof(tx, order).await?.ok_or(MailError::Missing("the invoice of an export"))?;
    let order = orders::find(tx, order).await?.ok_or(MailError::Missing("the order of an invoice"))?;
    let content = Content::ExportProofMissing(ExportProofMissing {
        order: order.id,
        buyer: order.buyer_name.clone(),
        title: title(&order),
        more: more(&order),
        due_on: missing.due_on,
        tax: missing.tax,
    });
    let stage = if missing.tax.is_some() { "taxed" } else { "soon" };
    let mail = ToTraders { org: missing.seller, reference: format!("{}:{stage}", order.id), content };
    post_to_traders(tx, &[mail]).await?;
    Ok(())
}
