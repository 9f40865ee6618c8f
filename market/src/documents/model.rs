//! Documents as their organisation and moderators see them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::ToSchema;

use crate::chat::model::PDF;
use crate::ids::DocumentId;
use crate::images::model::UploadId;

/// How many days before a document expires its organisation is reminded, once each.
pub const STAGES: [i16; 3] = [30, 7, 0];
/// For how many days after a document has expired its last reminder is still sent: that long the jobs may have been away.
pub const LATE_DAYS: i32 = 7;
/// The most documents of an organisation, as the table's rule says.
pub const MOST: i64 = 100;
/// What a document's file may be.
pub const DOCUMENT_TYPES: [&str; 4] = [PDF, "image/jpeg", "image/png", "image/webp"];

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DocumentKind {
    /// Allows a trade.
    Licence,
    /// Says that something was examined.
    Certificate,
    Insurance,
    /// Allows a single thing, such as a transport of waste.
    Permit,
    Other,
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DocumentStatus {
    /// No moderator has looked at it.
    Pending,
    Verified,
    /// The reason says why.
    Rejected,
    /// Its last day has passed, where the organisation is; it was not rejected before.
    Expired,
}

impl DocumentStatus {
    /// What a document with this status is.
    #[must_use]
    pub const fn described(self) -> &'static str {
        match self {
            Self::Pending => "waiting for a moderator",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
        }
    }
}

/// A document of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Document {
    pub id: DocumentId,
    #[serde(rename = "org")]
    pub org_id: OrgId,
    pub kind: DocumentKind,
    pub number: String,
    pub issued_on: NaiveDate,
    /// The last day on which it is valid.
    pub expires_on: NaiveDate,
    pub status: DocumentStatus,
    /// Why it was rejected, as the moderator wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// When what is here now was handed in.
    pub placed_at: DateTime<Utc>,
}

/// What an organisation hands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocument {
    pub kind: DocumentKind,
    pub number: String,
    pub issued_on: NaiveDate,
    pub expires_on: NaiveDate,
    /// Its file, which has arrived.
    pub upload: UploadId,
}

/// A document whose organisation is to be reminded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    pub document: DocumentId,
    pub org: OrgId,
    pub org_name: String,
    pub kind: DocumentKind,
    pub number: String,
    pub expires_on: NaiveDate,
    /// How many days are left where the organisation is; negative once it has expired.
    pub days_left: i32,
    /// Which of the [`STAGES`] has come.
    pub stage: i16,
}

/// What a moderator decides about a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Verified,
    Rejected { reason: String },
}

/// How a file of this type is called.
#[must_use]
pub fn file_name(kind: DocumentKind, content_type: &str) -> String {
    let name = match kind {
        DocumentKind::Licence => "licence",
        DocumentKind::Certificate => "certificate",
        DocumentKind::Insurance => "insurance",
        DocumentKind::Permit => "permit",
        DocumentKind::Other => "document",
    };
    let extension = match content_type {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        _ => "pdf",
    };
    format!("{name}.{extension}")
}
