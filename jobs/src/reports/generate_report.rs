use std::time::Duration;

use chrono::{DateTime, Utc};
use market::ids::ReportId;
use market::reports::model::NewReport;
use market::reports::store::{self, ReportError};
use queue::enqueue::EnqueueError;
use queue::{Enqueue, Job, JobTx, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};
use shared::trace::TraceParent;

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

/// A report that somebody asks for, and the trace of the request.
#[derive(Clone, Debug)]
pub struct Wish {
    pub report: NewReport,
    pub trace: Option<TraceParent>,
}

/// A report that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    pub report: ReportId,
    pub job: JobId,
    pub at: DateTime<Utc>,
}

/// Stores reports that people ask for and enqueues the jobs that make them, in one transaction and two statements. Returns them in
/// their order.
pub async fn ask(tx: &mut JobTx, wishes: &[Wish]) -> Result<Vec<Begun>, RequestError> {
    let ids: Vec<ReportId> = wishes.iter().map(|_| ReportId::generate()).collect();
    let job = |(id, wish): (&ReportId, &Wish)| {
        Enqueue::new(&GenerateReport { report: *id, org: wish.report.org }).traced(wish.trace)
    };
    let enqueued = tx.enqueue_each(ids.iter().zip(wishes).map(job).collect()).await?;
    let made: Vec<_> = ids.into_iter().zip(enqueued).map(|(id, enqueued)| (id, enqueued.id())).collect();
    let asked: Vec<_> =
        made.iter().zip(wishes).map(|(&(id, job), wish)| store::Asked { id, job, report: &wish.report }).collect();
    let at = store::insert_asked(tx, &asked).await?;
    Ok(made.into_iter().zip(at.into_iter().cycle()).map(|((report, job), at)| Begun { report, job, at }).collect())
}

/// Stores a scheduled report and enqueues the job that makes it, in one transaction. `None`: it was requested before.
pub async fn request(tx: &mut JobTx, report: &NewReport) -> Result<Option<(ReportId, JobId)>, RequestError> {
    let Some(id) = store::insert(tx, report).await? else {
        return Ok(None);
    };
    let job = tx.enqueue(&GenerateReport { report: id, org: report.org }).await?.id();
    store::set_job(tx, id, job).await?;
    Ok(Some((id, job)))
}
