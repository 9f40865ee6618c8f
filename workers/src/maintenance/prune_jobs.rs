use jobs::maintenance::PruneJobs;
use queue::ledger::reap::{forget_workers, prune};
use queue::{Handler, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bulk::{LOOK_AGAIN_AFTER, percent};
use crate::turn::Turn;
use crate::{Cx, Services};

/// How many rows one statement looks at: few enough that nobody waits for its locks.
const PAGE: i64 = 5_000;

/// How far the walk through the ledger is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// The last job that was looked at.
    after: i64,
    deleted: u64,
}

impl Handler<Services> for PruneJobs {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        sweep(&self, cx, PAGE, Turn::begin()).await
    }
}

/// Deletes page by page. An attempt whose turn is over snoozes, which costs none; the next one goes on from its checkpoint, so that
/// the walk comes to its end however many rows are kept.
async fn sweep(ages: &PruneJobs, cx: &Cx, page: i64, turn: Turn) -> anyhow::Result<Outcome> {
    let (finished, dead) = (f64::from(ages.finished_after_hours), f64::from(ages.dead_after_hours));
    // Ids follow creation: most of what there is to look at is older than this job.
    let of = cx.id().0.unsigned_abs();
    let mut at: Progress = cx.checkpointed().await?.unwrap_or_default();
    loop {
        let mut tx = cx.begin().await?;
        let (deleted, last) = prune(&mut tx, finished, dead, at.after, page).await?;
        let Some(last) = last else {
            tx.commit().await?;
            break;
        };
        at = Progress { after: last, deleted: at.deleted + deleted };
        let text = format!("deleted {} jobs", at.deleted);
        cx.checkpoint(&mut tx, percent(last.unsigned_abs(), of), &text, &at).await?;
        tx.commit().await?;
        if let Some(later) = turn.ends(cx)? {
            return Ok(later);
        }
        // The ledger has more urgent work than this.
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
    let workers = forget_workers(&mut *cx.db().acquire().await?).await?;
    Ok(Outcome::DoneWith(json!({ "deleted": at.deleted, "workers": workers })))
}

#[cfg(test)]
mod tests;
