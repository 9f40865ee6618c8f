use jobs::auctions::{CloseAuction, OpenAuction, SweepAuctions};
use market::auctions::store;
use queue::ops::OpsError;
use queue::ops::retry::pull_forward;
use queue::{Enqueued, Handler, Job, JobTx, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many auctions one sweep opens, and how many it closes, at most; the next one takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepAuctions {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let (to_open, to_close) = (store::due_to_open(&mut tx, MOST).await?, store::overdue(&mut tx, MOST).await?);
        let mut found = Found::default();
        for auction in to_open {
            found.ensure(&mut tx, &OpenAuction { auction }).await?;
        }
        for auction in to_close {
            found.ensure(&mut tx, &CloseAuction { auction }).await?;
        }
        if found.added + found.pulled > 0 {
            // The exact timers should have run first, so somebody should know.
            let Found { added, pulled } = found;
            tracing::warn!(
                jobs.added = added,
                jobs.pulled = pulled,
                "the sweep found auctions whose timer was missing or late"
            );
        }
        cx.commit_with(tx, json!({ "added": found.added, "pulled": found.pulled })).await
    }
}

/// What the sweep had to do.
#[derive(Debug, Default)]
struct Found {
    /// Jobs that were missing.
    added: u32,
    /// Jobs that were waiting for a later time.
    pulled: u32,
}

impl Found {
    /// Makes sure that `job` runs now. One that is due or running is left alone.
    async fn ensure<J: Job>(&mut self, tx: &mut JobTx, job: &J) -> anyhow::Result<()> {
        let there = match tx.enqueue(job).await? {
            Enqueued::New(_) => {
                self.added += 1;
                return Ok(());
            }
            Enqueued::Existing(there) | Enqueued::Replaced(there) => there,
        };
        match pull_forward(tx, there, SweepAuctions::KIND.name).await {
            Ok(()) => self.pulled += 1,
            Err(OpsError::WrongState { .. } | OpsError::UnknownJob(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
