use std::time::Duration;

use chrono::{DateTime, Utc};
use market::ids::PaperId;
use market::offers::model::Party;
use market::papers::model::NewPaper;
use market::papers::store::{self, PaperError};
use queue::enqueue::EnqueueError;
use queue::{Job, JobTx, Kind, Priority, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};

use crate::queues;

/// Prints a paper as things are now.
/// A second run finds it printed and does nothing; one that died halfway left at most a file under the same key, which the next one
/// writes again. The pass of a release pass is made by the run and counts when the file is there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintPaper {
    pub paper: PaperId,
    pub org: OrgId,
}

impl Job for PrintPaper {
    const KIND: Kind = Kind::new("papers.print");
    const QUEUE: Queue = queues::REPORTS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(2), Duration::from_mins(5)).max_attempts(8);
    const TIMEOUT: Duration = Duration::from_mins(2);
    /// Somebody stands at a printer.
    const PRIORITY: Priority = Priority::High;

    fn unique(&self) -> Unique {
        Unique::while_open(self.paper)
    }

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }
}

/// Why no paper was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Paper(#[from] PaperError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Writes down a paper that somebody asks for, and enqueues the job that prints it.
pub async fn ask(tx: &mut JobTx, by: Party, new: &NewPaper) -> Result<(PaperId, JobId, DateTime<Utc>), AskError> {
    let (paper, at) = store::ask(tx, by, new).await?;
    let job = tx.enqueue(&PrintPaper { paper, org: by.org }).await?.id();
    store::set_job(tx, paper, job).await.map_err(PaperError::from)?;
    Ok((paper, job, at))
}
