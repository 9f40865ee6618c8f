//! Imports and what becomes of their rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::ids::{JobId, OrgId, UserId};
use utoipa::ToSchema;

use crate::ids::{ImportId, ListingId};
use crate::images::model::UploadId;

/// The type of a file to import.
pub const CSV: &str = "text/csv";
/// The largest file, in bytes.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// The most rows in a file, without its header and empty lines.
pub const MAX_ROWS: usize = 100_000;
/// The most characters in a cell.
pub const MAX_CELL_CHARS: usize = 4_000;
/// The most columns in a file.
pub const MAX_COLUMNS: usize = 200;
/// The most characters in a column's name.
pub const MAX_NAME_CHARS: usize = 100;

/// What the rows of an import are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ImportKind {
    Stock,
    Listings,
    /// Lines of a book of sales that were not made here.
    PastSales,
}

impl ImportKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Listings => "listings",
            Self::PastSales => "past_sales",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ImportStatus {
    Queued,
    Running,
    /// Every row was applied or refused.
    Done,
    /// The file cannot be read, or its job has given up; rows before that are applied.
    Failed,
    /// Somebody cancelled its job; rows before that are applied.
    Cancelled,
}

/// How a file's characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = FileEncoding)]
pub enum Encoding {
    Utf8,
    /// Latin-1 as Windows has it: every file that is not UTF-8.
    Windows1252,
}

/// What stands between a file's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[schema(as = CellSeparator)]
pub enum Separator {
    Comma,
    Semicolon,
    Tab,
}

impl Separator {
    pub const ALL: [Self; 3] = [Self::Semicolon, Self::Tab, Self::Comma];

    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// Which comes first where a file writes the day and the month as numbers, as in 11/8/2016.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    DayFirst,
    MonthFirst,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RowOutcome {
    Applied,
    /// It says what was so already.
    Unchanged,
    /// A draft was made of it that lacks something before it can be published.
    Incomplete,
    Refused,
}

impl RowOutcome {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Incomplete => "incomplete",
            Self::Refused => "refused",
        }
    }
}

/// Why a row is refused, or what its draft lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowFault {
    /// The name of the column as the file has it; absent: the row as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub reason: String,
}

impl RowFault {
    pub fn at(column: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { column: Some(column.into()), reason: reason.into() }
    }

    pub fn of_row(reason: impl Into<String>) -> Self {
        Self { column: None, reason: reason.into() }
    }
}

/// A row and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportRow {
    /// The line of the file on which the row begins.
    pub line: i32,
    pub outcome: RowOutcome,
    /// What the row itself calls what it is about; of a past sale, the id that its book gives to the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What was made of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing: Option<ListingId>,
    /// Why it was refused, or what its draft lacks.
    pub faults: Vec<RowFault>,
}

/// How many rows became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    pub applied: i32,
    pub unchanged: i32,
    pub incomplete: i32,
    pub refused: i32,
}

impl RowCounts {
    pub const fn add(&mut self, outcome: RowOutcome) {
        match outcome {
            RowOutcome::Applied => self.applied += 1,
            RowOutcome::Unchanged => self.unchanged += 1,
            RowOutcome::Incomplete => self.incomplete += 1,
            RowOutcome::Refused => self.refused += 1,
        }
    }
}

/// How the rows of a file are to be read, which is of files of listings and of past sales, and whether they are only tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingTerms {
    /// The column of each field. Empty: columns are called as the fields are.
    pub mapping: BTreeMap<String, String>,
    /// What a field says where it has no column, or an empty cell.
    pub defaults: BTreeMap<String, String>,
    /// Publish what is complete.
    pub publish: bool,
    /// Note what would become of each row, and apply none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub validate_only: bool,
    /// Of past sales: the book that the lines are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book: Option<String>,
    /// Of past sales: how dates are written that are not as ISO 8601 has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
}

/// A file to apply.
#[derive(Clone, Debug)]
pub struct NewImport {
    pub org: OrgId,
    pub created_by: UserId,
    pub kind: ImportKind,
    /// Of the file and the terms.
    pub checksum: [u8; 32],
    pub upload: UploadId,
    pub terms: ListingTerms,
}

impl NewImport {
    /// What makes it the same as another one. Whoever only tries a file may have mended what was in its way: a trial is never the same.
    pub(super) fn identity(&self, id: ImportId) -> [u8; 32] {
        if !self.terms.validate_only {
            return self.checksum;
        }
        Sha256::new().chain_update(self.checksum).chain_update(id.0).finalize().into()
    }
}

/// An import as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    pub id: ImportId,
    pub org: OrgId,
    pub created_by: UserId,
    pub kind: ImportKind,
    pub terms: ListingTerms,
    /// Where the file is, until it expires.
    pub object_key: Option<String>,
    pub status: ImportStatus,
    pub failure: Option<String>,
    pub encoding: Option<Encoding>,
    pub separator: Option<Separator>,
    /// In the file, once it has been looked at.
    pub row_count: Option<i32>,
    pub counts: RowCounts,
    pub job: Option<JobId>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
}
