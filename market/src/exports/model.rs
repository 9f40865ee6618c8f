//! Kinds, formats and filters of exports.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId, UserId};
use utoipa::ToSchema;

use crate::ids::ExportId;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = ExportKind)]
pub enum Kind {
    /// What the organisation offers or offered.
    Listings,
    /// What it bought and what it sold.
    Orders,
    /// What it bid.
    Bids,
    /// What was reported about its shipments and is in the log.
    CargoEvents,
    /// Everything that is kept about the person who asks.
    OwnData,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listings => "listings",
            Self::Orders => "orders",
            Self::Bids => "bids",
            Self::CargoEvents => "cargo_events",
            Self::OwnData => "own_data",
        }
    }
}

/// What can be exported of an organisation or of everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportedRows)]
pub enum Rows {
    Listings,
    Orders,
    Bids,
    CargoEvents,
}

impl From<Rows> for Kind {
    fn from(rows: Rows) -> Self {
        match rows {
            Rows::Listings => Self::Listings,
            Rows::Orders => Self::Orders,
            Rows::Bids => Self::Bids,
            Rows::CargoEvents => Self::CargoEvents,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ExportFormat)]
pub enum Format {
    Csv,
    /// JSON Lines: an object a line.
    Jsonl,
    /// CSV and JSON files together, of a person's own data.
    Zip,
}

impl Format {
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Zip => "zip",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl; charset=utf-8",
            Self::Zip => "application/zip",
        }
    }
}

/// A format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ExportedRowsFormat)]
pub enum RowsFormat {
    Csv,
    /// JSON Lines: an object a line.
    Jsonl,
}

impl From<RowsFormat> for Format {
    fn from(format: RowsFormat) -> Self {
        match format {
            RowsFormat::Csv => Self::Csv,
            RowsFormat::Jsonl => Self::Jsonl,
        }
    }
}

/// Which rows are exported; all of them unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExportFilters)]
pub struct Filters {
    /// Made at this time or later; of cargo events, by when they occurred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Made before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    /// With this status: of a listing, an order, a cargo event, or of the auction that was bid in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 40, example = "paid")]
    pub status: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = ExportStatus)]
pub enum Status {
    Queued,
    Running,
    Ready,
    Failed,
    /// Somebody cancelled its job.
    Cancelled,
    /// The file is gone.
    Expired,
}

/// An export to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExport {
    /// `None`: of the whole platform, or of the person.
    pub org: Option<OrgId>,
    pub requested_by: UserId,
    pub kind: Kind,
    pub format: Format,
    pub filters: Filters,
}

/// An export as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    pub id: ExportId,
    pub org: Option<OrgId>,
    pub org_name: Option<String>,
    pub requested_by: UserId,
    pub kind: Kind,
    pub format: Format,
    pub filters: Filters,
    pub status: Status,
    pub failure: Option<String>,
    pub job: Option<JobId>,
    pub object_key: Option<String>,
    pub row_count: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Export {
    /// The key of the file's object. A second run writes the same one.
    pub fn key(&self) -> String {
        format!("exports/{}.{}", self.id, self.format.extension())
    }

    /// What a download is called: `orders_2026-11-19.csv`.
    pub fn file_name(&self) -> String {
        format!("{}_{}.{}", self.kind.name(), self.created_at.date_naive(), self.format.extension())
    }

    /// Which rows belong in it.
    pub fn scope(&self) -> Scope {
        Scope {
            org: self.org,
            person: self.requested_by,
            from: self.filters.from,
            until: self.filters.to,
            // What comes while it is being made is not part of it.
            to: self.filters.to.map_or(self.created_at, |to| to.min(self.created_at)),
            asked_at: self.created_at,
            status: self.filters.status.clone(),
        }
    }
}

/// Which rows the statements of an export ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `None`: everybody's.
    pub org: Option<OrgId>,
    /// Who asks.
    pub person: UserId,
    pub from: Option<DateTime<Utc>>,
    /// Before which rows were made: as asked for, and before it was asked for.
    pub to: DateTime<Utc>,
    /// As asked for. What is planned lies ahead of whoever asks.
    pub until: Option<DateTime<Utc>>,
    pub asked_at: DateTime<Utc>,
    pub status: Option<String>,
}
