use std::time::Duration;

use market::ids::ImportId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Keeps the lines of a book of past sales, or only tries to.
/// Each attempt goes on after the last chunk that was committed; a second run finds the import done and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportPastSales {
    pub import: ImportId,
    pub org: OrgId,
}

impl Job for ImportPastSales {
    const KIND: Kind = Kind::new("sales.import");
    const QUEUE: Queue = queues::REPORTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(10)).max_attempts(ImportPastSales::MAX_ATTEMPTS);
    const TIMEOUT: Duration = Duration::from_mins(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.import)
    }

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }
}

impl ImportPastSales {
    /// After the last one, the import is marked as failed.
    pub const MAX_ATTEMPTS: u32 = 8;
}
