//! Mail with invoices and credit notes, to those who trade for the buyer now.

use market::emails::model::{Content, InvoiceReady};
use market::emails::store::ToTraders;
use market::invoices::model::Invoice;
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
    });
    let mail = ToTraders { org: invoice.buyer.org, reference: invoice.id.to_string(), content };
    Ok(post_to_traders(tx, &[mail]).await?)
}
