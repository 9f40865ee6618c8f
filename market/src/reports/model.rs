//! Kinds, formats and rows of reports.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId, UserId};
use shared::money::{Currency, Money, MoneyError};
use utoipa::ToSchema;

use super::rules::Period;
use crate::ids::{OrderId, ReportId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ReportKind)]
pub enum Kind {
    /// Every order that the organisation received as a seller and that came to something.
    Sales,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ReportFormat)]
pub enum Format {
    Csv,
    Xlsx,
}

impl Format {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
        }
    }

    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ReportStatus)]
pub enum Status {
    Queued,
    Running,
    Ready,
    Failed,
    /// Somebody cancelled its job.
    Cancelled,
    /// The file is gone; the figures stay.
    Expired,
}

/// A report to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReport {
    pub org: OrgId,
    /// `None`: the schedule, which makes a period's report once.
    pub requested_by: Option<UserId>,
    pub kind: Kind,
    pub format: Format,
    pub period: Period,
}

/// A report as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub id: ReportId,
    pub org: OrgId,
    pub org_name: String,
    pub requested_by: Option<UserId>,
    pub kind: Kind,
    pub format: Format,
    pub period: Period,
    pub status: Status,
    pub failure: Option<String>,
    pub job: Option<JobId>,
    pub object_key: Option<String>,
    pub row_count: Option<i64>,
    /// One entry per currency, in the order of their codes.
    pub totals: Vec<Totals>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Report {
    /// The key of the file's object. A second run writes the same one.
    pub fn key(id: ReportId, format: Format) -> String {
        format!("reports/{id}.{}", format.extension())
    }

    /// What a download is called: `sales_2026-11-19_Europe-Berlin.xlsx`.
    pub fn file_name(&self) -> String {
        let kind = match self.kind {
            Kind::Sales => "sales",
        };
        let (first, last) = (self.period.first_day(), self.period.last_day());
        let days = if first == last { first.to_string() } else { format!("{first}_to_{last}") };
        let zone = self.period.zone().name().replace('/', "-");
        format!("{kind}_{days}_{zone}.{}", self.format.extension())
    }
}

/// One sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesRow {
    pub order: OrderId,
    pub sold_at: DateTime<Utc>,
    /// `auction`, `buy_now`, …
    pub source: String,
    pub buyer: String,
    /// Titles of the lines.
    pub items: String,
    pub quantity: i64,
    /// All three in one currency.
    pub total: Money,
    pub fee: Money,
    pub net: Money,
    pub status: String,
}

/// What the sales in one currency add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub rows: i64,
    pub total: Money,
    pub fee: Money,
    pub net: Money,
}

impl Totals {
    pub const fn none(currency: Currency) -> Self {
        let zero = Money::from_minor(0, currency);
        Self { rows: 0, total: zero, fee: zero, net: zero }
    }

    /// # Errors
    /// When the sum no longer fits, or the currencies differ.
    pub fn with(self, row: &SalesRow) -> Result<Self, MoneyError> {
        Ok(Self {
            rows: self.rows + 1,
            total: self.total.checked_add(row.total)?,
            fee: self.fee.checked_add(row.fee)?,
            net: self.net.checked_add(row.net)?,
        })
    }
}
