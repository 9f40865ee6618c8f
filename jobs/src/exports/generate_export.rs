use std::time::Duration;

use chrono::{DateTime, Utc};
use market::exports::model::NewExport;
use market::exports::store::{self, ExportError};
use market::ids::ExportId;
use queue::enqueue::EnqueueError;
use queue::{Job, JobTx, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};

use crate::queues;

/// Writes an export's file and notifies whoever asked for it.
/// A second run finds it ready and does nothing; a run that died halfway left at most a file that the next one writes again
/// under the same key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerateExport {
    pub export: ExportId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<OrgId>,
}

impl Job for GenerateExport {
    const KIND: Kind = Kind::new("exports.generate");
    const QUEUE: Queue = queues::REPORTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_mins(10)).max_attempts(GenerateExport::MAX_ATTEMPTS);
    const TIMEOUT: Duration = Duration::from_mins(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.export)
    }

    fn tenant(&self) -> Option<OrgId> {
        self.org
    }
}

impl GenerateExport {
    /// After the last one, the export is marked as failed.
    pub const MAX_ATTEMPTS: u32 = 8;
}

/// Why an export was not requested.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// An export that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    pub export: ExportId,
    pub job: JobId,
    pub at: DateTime<Utc>,
}

/// Stores an export that somebody asks for and enqueues the job that makes it, in one transaction.
pub async fn ask(tx: &mut JobTx, new: &NewExport) -> Result<Begun, RequestError> {
    let (export, at) = store::insert(tx, new).await?;
    let job = tx.enqueue(&GenerateExport { export, org: new.org }).await?.id();
    store::set_job(tx, export, job).await?;
    Ok(Begun { export, job, at })
}
