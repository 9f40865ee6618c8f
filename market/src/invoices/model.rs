//! Documents as their two parties read them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{InvoiceId, OrderId, RefundId};
use crate::money::rules::vat::Treatment;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum InvoiceKind {
    Invoice,
    /// Takes back a part of an invoice, or all of it.
    CreditNote,
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
    pub issued_at: DateTime<Utc>,
    pub order: OrderId,
    /// The invoice that a credit note takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<InvoiceId>,
    /// The refund that a credit note is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
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
}

/// The tax of everything that has one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvoiceTax {
    /// In hundredths of a percent.
    pub rate_bps: i32,
    pub net: Money,
    pub tax: Money,
}
