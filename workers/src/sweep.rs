//! What the sweeps behind exact timers have in common.

use queue::ops::OpsError;
use queue::ops::retry::pull_forward;
use queue::{Enqueued, Job, JobTx};
use serde_json::{Value, json};
use shared::ids::JobId;

/// What a sweep had to do.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Jobs that were missing.
    added: u32,
    /// Jobs that were waiting for a later time.
    pulled: u32,
}

impl Found {
    /// Makes sure that `job` runs now, by the wish of the sweep that is called so. One that is due or running is left alone.
    pub(crate) async fn ensure<J: Job>(&mut self, tx: &mut JobTx, job: &J, sweep: &'static str) -> anyhow::Result<()> {
        let Some(there) = self.add(tx, job).await? else { return Ok(()) };
        match pull_forward(tx, there, sweep).await {
            Ok(()) => self.pulled += 1,
            Err(OpsError::WrongState { .. } | OpsError::UnknownJob(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Enqueues `job` if it is missing; the one that is there keeps its time, as one does that is tried again later and later.
    pub(crate) async fn add<J: Job>(&mut self, tx: &mut JobTx, job: &J) -> anyhow::Result<Option<JobId>> {
        match tx.enqueue(job).await? {
            Enqueued::New(_) => {
                self.added += 1;
                Ok(None)
            }
            Enqueued::Existing(there) | Enqueued::Replaced(there) => Ok(Some(there)),
        }
    }

    /// Warns if there was something to do, since the exact timers should have run first; what the job answers.
    pub(crate) fn summary(&self, sweep: &'static str) -> Value {
        let Self { added, pulled } = *self;
        if added + pulled > 0 {
            tracing::warn!(
                job.kind = sweep,
                jobs.added = added,
                jobs.pulled = pulled,
                "the sweep found something whose timer was missing or late"
            );
        }
        json!({ "added": added, "pulled": pulled })
    }
}
