//! The mail about an erasure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Says when a person is erased who has asked for it. Reference: that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureAsked {
    pub due_at: DateTime<Utc>,
}
