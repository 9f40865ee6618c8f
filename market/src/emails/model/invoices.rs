//! Mail with invoices, and about proofs of exports.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::{InvoiceId, OrderId};
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
    /// It takes another invoice's place, or takes back one whose place is taken: no money moves.
    #[serde(default)]
    pub anew: bool,
}

/// To those who trade for the seller. Reference: the order, and whether it is taxed soon or is taxed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportProofMissing {
    pub order: OrderId,
    pub buyer: String,
    /// Of the order's first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    /// The last day on which it is in time, where the seller is.
    pub due_on: NaiveDate,
    /// What is charged for want of the proof; nothing yet.
    pub tax: Option<Money>,
}
