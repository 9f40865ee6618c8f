//! Documents of organisations.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::documents::model::DocumentKind;
use crate::ids::DocumentId;

/// To the owners. Reference: the document, the day on which it expires, and how many days before they are to be reminded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentExpiring {
    pub document: DocumentId,
    pub org: OrgId,
    pub org_name: String,
    pub kind: DocumentKind,
    pub number: String,
    /// The last day on which it is valid.
    pub expires_on: NaiveDate,
    /// When the mail was written; negative if it had expired by then.
    pub days_left: i64,
}
