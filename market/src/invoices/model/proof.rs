//! The proof that goods have left the Union.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{InvoiceId, OrderId};
use crate::images::model::UploadId;

/// Whether an order was proved to be an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofStatus {
    /// It is not an export of a seller in the Union, or was not paid.
    NotNeeded,
    /// No tax is charged yet.
    Awaited,
    /// No proof has come in time, and the tax is charged until it comes.
    Taxed,
    Proved,
}

/// The proof that an order's goods have left the Union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportProof {
    pub status: ProofStatus,
    pub due_at: Option<DateTime<Utc>>,
    pub taxed_at: Option<DateTime<Utc>>,
    pub mrn: Option<String>,
    pub left_on: Option<NaiveDate>,
    pub handed_in_at: Option<DateTime<Utc>>,
    /// Type and key of its file.
    pub file: Option<(String, String)>,
}

/// What a seller hands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProof {
    /// The number of the customs declaration.
    pub mrn: String,
    pub left_on: NaiveDate,
    /// Its file, which has arrived.
    pub upload: UploadId,
}

/// An invoice was taken back, and another one has taken its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    pub credit_note: InvoiceId,
    pub invoice: InvoiceId,
}

/// An export without a proof, of which its seller is to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    pub order: OrderId,
    pub seller: OrgId,
    /// The last day on which it is in time, where the seller is.
    pub due_on: NaiveDate,
    /// What is charged for want of it; nothing yet.
    pub tax: Option<Money>,
}
