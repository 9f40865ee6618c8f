//! Documents as their two parties read them.

mod proof;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{InvoiceId, OrderId, RefundId};
use crate::money::rules::vat::Treatment;

pub use proof::{ExportProof, Missing, NewProof, ProofStatus, Replaced};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum InvoiceKind {
    Invoice,
    /// Takes back a part of an invoice, or all of it.
    CreditNote,
}

impl InvoiceKind {
    /// What people call the document of this number: no other one of its seller's is called so.
    #[must_use]
    pub fn reference(self, year: i16, number: i64) -> String {
        let series = match self {
            Self::Invoice => "",
            Self::CreditNote => "C-",
        };
        format!("{series}{year}-{number:06}")
    }
}

/// Which document is meant, by what it was issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceOf {
    /// The invoice of a paid order.
    Order(OrderId),
    /// The credit note of a refund.
    Refund(RefundId),
    /// This one: it takes another one's place, or takes that one back.
    Document(InvoiceId),
}

/// A side of a document, as it was when that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceParty {
    pub org: OrgId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<String>,
    /// ISO 3166-1, two letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "DE")]
    pub country: Option<String>,
}

/// An invoice, or a credit note with amounts that go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invoice {
    pub id: InvoiceId,
    pub kind: InvoiceKind,
    /// The seller's documents of a kind are numbered without gaps in each year.
    pub year: i16,
    pub number: i64,
    /// What stands on the document as its number.
    #[schema(example = "2026-000417")]
    pub reference: String,
    pub issued_at: DateTime<Utc>,
    pub order: OrderId,
    /// The invoice that a credit note takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<InvoiceId>,
    /// The refund that a credit note is about; absent when it takes back what another invoice says anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    /// The invoice whose place this one takes: the sale is taxed in another way. What was paid stays the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<InvoiceId>,
    pub seller: InvoiceParty,
    pub buyer: InvoiceParty,
    pub net: Money,
    pub tax: Money,
    pub gross: Money,
    pub vat_treatment: Treatment,
    /// Why no tax is charged, in the words of the law.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_note: Option<String>,
    /// The tax in the currency of the seller's country, by the rates that the order was made with; absent when these do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounting_tax: Option<Money>,
    #[schema(max_items = 101)]
    pub lines: Vec<InvoiceLine>,
    /// By rate, the lowest first.
    #[schema(max_items = 101)]
    pub taxes: Vec<InvoiceTax>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum InvoicePart {
    Goods,
    /// The buyer's premium.
    Premium,
}

/// One line of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvoiceLine {
    pub part: InvoicePart,
    pub title: String,
    pub quantity: i64,
    pub unit: String,
    pub net: Money,
    /// Of a service: the days that it was hired for when the document was issued, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 366)]
    pub days: Vec<NaiveDate>,
}

/// The tax of everything that has one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvoiceTax {
    /// In hundredths of a percent.
    pub rate_bps: i32,
    pub net: Money,
    pub tax: Money,
}

/// A document with what its paper says besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printable {
    pub invoice: Invoice,
    /// By the seller's calendar.
    pub issued_on: NaiveDate,
    /// Reference and day of the invoice that a credit note takes back, or whose place an invoice takes.
    pub takes_back: Option<(String, NaiveDate)>,
}

/// The file of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceFile {
    pub kind: InvoiceKind,
    pub reference: String,
    pub object_key: String,
    pub bytes: i64,
    pub sha256: Vec<u8>,
    /// What EN 16931 demands and is not known; nothing: the file is Factur-X.
    pub lacks: Option<String>,
}

impl InvoiceFile {
    /// Where the file of a document lies in the blob store.
    #[must_use]
    pub fn key(id: InvoiceId) -> String {
        format!("invoices/{id}.pdf")
    }

    /// The name under which it is downloaded.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = match self.kind {
            InvoiceKind::Invoice => "invoice",
            InvoiceKind::CreditNote => "credit-note",
        };
        format!("{kind}-{}.pdf", self.reference.trim_start_matches("C-"))
    }
}
