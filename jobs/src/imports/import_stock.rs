use std::time::Duration;

use market::ids::ImportId;
use queue::{Job, Kind, Queue, Retry, Undecodable, Unique};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::OrgId;

use crate::queues;

/// Applies a file of stock row by row, or only tries it.
/// Each attempt goes on after the last chunk that was committed; a second run finds the import done and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportStock {
    pub import: ImportId,
    pub org: OrgId,
}

impl Job for ImportStock {
    const KIND: Kind = Kind::new("inventory.import");
    const QUEUE: Queue = queues::REPORTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(10)).max_attempts(ImportStock::MAX_ATTEMPTS);
    const TIMEOUT: Duration = Duration::from_mins(30);
    /// 2: an import may be one that is only tried. A program that knows 1 would apply it, and gives the job back instead.
    const VERSION: i16 = 2;

    fn unique(&self) -> Unique {
        Unique::while_open(self.import)
    }

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }

    fn upcast(_: i16, payload: Value) -> Result<Value, Undecodable> {
        Ok(payload)
    }
}

impl ImportStock {
    /// After the last one, the import is marked as failed.
    pub const MAX_ATTEMPTS: u32 = 8;
}
