//! Files that were exported.

use serde::{Deserialize, Serialize};

use crate::exports::model::Kind;
use crate::ids::ExportId;

/// To whoever asked for the export. Reference: the export. There is no link to the file itself: whoever has the mail has not everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReady {
    pub export: ExportId,
    pub kind: Kind,
    /// Whose rows they are, if they are an organisation's.
    pub org_name: Option<String>,
    pub rows: i64,
}
