//! Mail with invoices.

use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::InvoiceId;
use crate::invoices::model::InvoiceKind;

/// To those who trade for the buyer. Reference: the document. The download link is made when the mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceReady {
    pub invoice: InvoiceId,
    pub kind: InvoiceKind,
    pub reference: String,
    pub seller: String,
    /// Of the order's first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub gross: Money,
}
