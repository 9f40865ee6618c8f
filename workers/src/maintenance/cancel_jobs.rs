use jobs::maintenance::CancelJobs;
use queue::ops::cancel::{CancelledMany, cancel_these, cancellable};
use queue::ops::name_of;
use queue::{Handler, Outcome};

use super::bulk::{BATCH, LOOK_AGAIN_AFTER, percent};
use crate::turn::Turn;
use crate::{Cx, Services};

/// How often it looks again in vain for jobs that claims or finishes hold at that instant.
const LOOKS_AGAIN: u32 = 500;

impl Handler<Services> for CancelJobs {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let by = format!("{}, by job {}", name_of(self.actor()), cx.id());
        let mut done: CancelledMany = cx.checkpointed().await?.unwrap_or_default();
        let turn = Turn::begin();
        let mut idle_looks = 0;
        loop {
            let mut tx = cx.begin().await?;
            let found = cancellable(&mut tx, &self.matching, self.asked_at, cx.id()).await?;
            tx.commit().await?;
            if found.is_empty() {
                return Ok(Outcome::DoneWith(serde_json::to_value(done)?));
            }
            let before = done;
            for batch in found.chunks(BATCH) {
                if let Some(later) = turn.ends(cx)? {
                    return Ok(later);
                }
                let mut tx = cx.begin().await?;
                let some = cancel_these(&mut tx, batch, &by).await?;
                done.cancelled += some.cancelled;
                done.asked += some.asked;
                let (all, of) = (done.cancelled + done.asked, self.counted);
                cx.checkpoint(&mut tx, percent(all, of), &format!("{all} of {of}"), &done).await?;
                tx.commit().await?;
            }
            if before == done {
                idle_looks += 1;
                if idle_looks == LOOKS_AGAIN {
                    anyhow::bail!("{} jobs are held by others", found.len());
                }
                tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            } else {
                idle_looks = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests;
