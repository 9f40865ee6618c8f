use std::time::{Duration, Instant};

use jobs::maintenance::PruneJobs;
use queue::ledger::reap::{forget_workers, prune};
use queue::{Handler, Job, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many rows one statement looks at: few enough that nobody waits for its locks.
const PAGE: i64 = 5_000;
/// How soon a run that is out of time goes on.
const GO_ON: Duration = Duration::from_secs(1);

impl Handler<Services> for PruneJobs {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // Leaves it time to end by itself, and to say so.
        let latest = Instant::now() + Self::TIMEOUT.mul_f64(0.8);
        sweep(&self, cx, PAGE, latest).await
    }
}

/// Deletes page by page. A run that is out of time says how far it got and snoozes, which costs no
/// attempt; the next one finds what is left.
async fn sweep(ages: &PruneJobs, cx: &Cx, page: i64, latest: Instant) -> anyhow::Result<Outcome> {
    let (finished, dead) = (f64::from(ages.finished_after_hours), f64::from(ages.dead_after_hours));
    let mut after = 0;
    let mut deleted = 0;
    loop {
        let mut conn = cx.db().acquire().await?;
        let (count, last) = prune(&mut conn, finished, dead, after, page).await?;
        drop(conn);
        deleted += count;
        let Some(last) = last else { break };
        after = last;
        if cx.is_cancelled() || Instant::now() >= latest {
            let text = format!("deleted {deleted} jobs; more may be left, going on");
            cx.log(text.clone());
            cx.progress(50, &text).await?;
            return Ok(Outcome::Snooze(GO_ON));
        }
        // The ledger has more urgent work than this.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let workers = forget_workers(&mut *cx.db().acquire().await?).await?;
    Ok(Outcome::DoneWith(json!({ "deleted": deleted, "workers": workers })))
}

#[cfg(test)]
mod tests;
