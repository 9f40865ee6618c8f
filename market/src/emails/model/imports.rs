//! Files that were imported.

use serde::{Deserialize, Serialize};

use crate::ids::ImportId;
use crate::imports::model::{ImportKind, RowCounts};

/// To whoever sent the file. Reference: the import and when it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportEnded {
    pub import: ImportId,
    pub kind: ImportKind,
    pub counts: RowCounts,
    /// Why the file was not applied to its end.
    pub failure: Option<String>,
    /// Its rows were only tried: the counts are of what would become of them.
    #[serde(default)]
    pub validate_only: bool,
}
