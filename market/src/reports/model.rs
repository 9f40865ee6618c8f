//! Kinds, formats and parameters of reports.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId, UserId};
use shared::money::Currency;
use utoipa::ToSchema;

use super::rules::{Cadence, Period};
use super::table::Sum;
use crate::ids::{CategoryId, RegionId, ReportId, ReportSubscriptionId};

/// What is reported; [`Kind::definition`] says all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = ReportKind)]
pub enum Kind {
    /// What the organisation sold: orders that it received as a seller and that came to something, and past sales that it has imported.
    Sales,
    /// What is at its sites, whether the movements add up to it, and what became low.
    InventoryCheck,
    /// Revenue and growth, buyers, cohorts, top listings and auctions by month.
    MonthlyAnalytics,
    /// What the platform took of its sales.
    Commissions,
    /// What went to its bank.
    Payouts,
    /// What it shipped, by weight and volume.
    CargoVolume,
    /// What all sellers on the platform sold; for its finance staff.
    PlatformSales,
    /// What people did on the whole platform; for its administrators.
    UserActivity,
    /// What jobs did on the whole platform; for its operators.
    JobActivity,
}

impl Kind {
    pub const ALL: &[Self] = &[
        Self::Sales,
        Self::InventoryCheck,
        Self::MonthlyAnalytics,
        Self::Commissions,
        Self::Payouts,
        Self::CargoVolume,
        Self::PlatformSales,
        Self::UserActivity,
        Self::JobActivity,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::InventoryCheck => "inventory_check",
            Self::MonthlyAnalytics => "monthly_analytics",
            Self::Commissions => "commissions",
            Self::Payouts => "payouts",
            Self::CargoVolume => "cargo_volume",
            Self::PlatformSales => "platform_sales",
            Self::UserActivity => "user_activity",
            Self::JobActivity => "job_activity",
        }
    }
}

/// What one row of a report stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportGrouping)]
pub enum Grouping {
    /// One thing, such as an order.
    None,
    Day,
    /// From Monday.
    Week,
    Month,
    Category,
    /// Where it was sold from: the region of the listing's site, or what the book of a past sale says.
    Region,
    Buyer,
    Seller,
    Currency,
}

impl Grouping {
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Category => "category",
            Self::Region => "region",
            Self::Buyer => "buyer",
            Self::Seller => "seller",
            Self::Currency => "currency",
        }
    }
}

/// How a report is grouped and filtered. Which of it a kind takes, its definition says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportParameters)]
pub struct Parameters {
    /// Of `sales`: any but `seller` and `currency`, `none` unless given; of `platform_sales`: any but `none` and `buyer`, `month` unless
    /// given; of `cargo_volume`, `user_activity` and `job_activity`: `day`, `week` or `month`, `month` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Grouping>,
    /// Of `sales` and `platform_sales`: only in this currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Of `sales` and `platform_sales`: only of this category and those below it. Past sales have none of the catalogue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// Of `sales` and `platform_sales`: only from sites in this region and those below it, which past sales have not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ReportFormat)]
pub enum Format {
    Csv,
    Xlsx,
    Json,
    /// For people: charts, and the first 2,000 rows of each table.
    Pdf,
}

impl Format {
    pub const ALL: &[Self] = &[Self::Csv, Self::Xlsx, Self::Json, Self::Pdf];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::Json => "JSON",
            Self::Pdf => "PDF",
        }
    }

    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Json => "json",
            Self::Pdf => "pdf",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Json => "application/json",
            Self::Pdf => "application/pdf",
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
    /// By which they get it after each period.
    pub subscription: Option<ReportSubscriptionId>,
    pub kind: Kind,
    pub format: Format,
    pub period: Period,
    pub parameters: Parameters,
}

/// A report that somebody wants to get after each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSubscription {
    pub kind: Kind,
    pub format: Format,
    pub cadence: Cadence,
    pub parameters: Parameters,
    pub falls_by: Option<i16>,
}

/// A report that somebody gets after each period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportSubscription)]
pub struct Subscription {
    pub id: ReportSubscriptionId,
    pub org: OrgId,
    pub kind: Kind,
    pub format: Format,
    pub cadence: Cadence,
    pub parameters: Parameters,
    /// It is mailed only when its first total, in some currency, is lower than that of the period before by so many percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub falls_by: Option<i16>,
    pub created_at: DateTime<Utc>,
}

/// What the statements of a report ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    pub org: OrgId,
    pub period: Period,
    pub parameters: Parameters,
}

/// A report as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub id: ReportId,
    pub org: OrgId,
    pub org_name: String,
    pub requested_by: Option<UserId>,
    pub subscription: Option<ReportSubscriptionId>,
    pub kind: Kind,
    pub format: Format,
    pub period: Period,
    pub parameters: Parameters,
    pub status: Status,
    pub failure: Option<String>,
    pub job: Option<JobId>,
    pub object_key: Option<String>,
    pub row_count: Option<i64>,
    /// In the order of sections and columns, then of the currencies' codes.
    pub sums: Vec<Sum>,
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
        let kind = self.kind.name();
        let (first, last) = (self.period.first_day(), self.period.last_day());
        let days = if first == last { first.to_string() } else { format!("{first}_to_{last}") };
        let zone = self.period.zone().name().replace('/', "-");
        let grouped = match self.parameters.group_by {
            None | Some(Grouping::None) => String::new(),
            Some(group) => format!("_by_{}", group.name()),
        };
        format!("{kind}{grouped}_{days}_{zone}.{}", self.format.extension())
    }

    /// What its statements ask for.
    pub const fn scope(&self) -> Scope {
        Scope { org: self.org, period: self.period, parameters: self.parameters }
    }
}
