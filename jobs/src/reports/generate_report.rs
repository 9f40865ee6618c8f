use std::time::Duration;

use market::ids::ReportId;
use market::reports::model::NewReport;
use market::reports::store::{self, ReportError};
use queue::enqueue::EnqueueError;
use queue::{Job, JobTx, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};

use crate::queues;

/// Writes a report's file and notifies whoever asked for it.
/// A second run finds it ready and does nothing; a run that died halfway left at most a file that the next one writes again
/// under the same key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerateReport {
    pub report: ReportId,
    pub org: OrgId,
}

impl Job for GenerateReport {
    const KIND: Kind = Kind::new("reports.generate");
    const QUEUE: Queue = queues::REPORTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(10)).max_attempts(GenerateReport::MAX_ATTEMPTS);
    const TIMEOUT: Duration = Duration::from_mins(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.report)
    }

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }
}

impl GenerateReport {
    /// After the last one, the report is marked as failed.
    pub const MAX_ATTEMPTS: u32 = 8;
}

/// Why a report was not requested.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Stores a report and enqueues the job that makes it, in one transaction. `None`: the schedule has
/// already requested it.
pub async fn request(tx: &mut JobTx, report: &NewReport) -> Result<Option<(ReportId, JobId)>, RequestError> {
    let Some(id) = store::insert(tx, report).await? else {
        return Ok(None);
    };
    let job = tx.enqueue(&GenerateReport { report: id, org: report.org }).await?.id();
    store::set_job(tx, id, job).await?;
    Ok(Some((id, job)))
}
