use std::time::Duration;

use jobs::maintenance::PruneJobs;
use queue::ledger::reap::{forget_workers, prune};
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many rows one statement looks at: short enough that nobody waits for its locks.
const PAGE: i64 = 5_000;

impl Handler<Services> for PruneJobs {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut after = 0;
        let mut deleted = 0;
        loop {
            let mut conn = cx.db().acquire().await?;
            let page =
                prune(&mut conn, f64::from(self.finished_after_hours), f64::from(self.dead_after_hours), after, PAGE);
            let (count, last) = page.await?;
            deleted += count;
            match last {
                Some(last) if !cx.is_cancelled() => after = last,
                _ => break,
            }
            // The ledger has more urgent work than this.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let workers = forget_workers(&mut *cx.db().acquire().await?).await?;
        Ok(Outcome::DoneWith(json!({ "deleted": deleted, "workers": workers })))
    }
}
