use jobs::maintenance::RetryJobs;
use queue::ops::name_of;
use queue::ops::retry::{Pace, RetriedMany, retry_these, retryable};
use queue::{Handler, Outcome};
use serde::{Deserialize, Serialize};
use shared::ids::JobId;

use super::bulk::{BATCH, percent};
use crate::turn::Turn;
use crate::{Cx, Services};

/// How far a bulk retry has got.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Progress {
    #[serde(flatten)]
    done: RetriedMany,
    /// The last job that was looked at.
    after: JobId,
    #[serde(flatten)]
    pace: Pace,
}

impl Handler<Services> for RetryJobs {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let registry = jobs::registry()?;
        let by = format!("{}, by job {}", name_of(self.actor()), cx.id());
        let fresh = Progress {
            done: RetriedMany::default(),
            after: JobId(0),
            pace: Pace { per_second: self.per_second, next_at: None },
        };
        let Progress { mut done, mut after, mut pace } = cx.checkpointed().await?.unwrap_or(fresh);
        let turn = Turn::begin();
        loop {
            let room = self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(done.retried));
            let most = i64::try_from(room).unwrap_or(i64::MAX).min(i64::try_from(BATCH)?);
            let mut tx = cx.begin().await?;
            let found = retryable(&mut tx, &self.matching, self.asked_at, after, most).await?;
            let Some(&last) = found.last() else { break };
            if let Some(later) = turn.ends(cx)? {
                return Ok(later);
            }
            let some = retry_these(&mut tx, &registry, &found, &mut pace, &by).await?;
            done.retried += some.retried;
            done.conflicts += some.conflicts;
            after = last;
            let (all, of) = (done.retried + done.conflicts, self.counted);
            let at = Progress { done, after, pace };
            cx.checkpoint(&mut tx, percent(all, of), &format!("{all} of {of}"), &at).await?;
            tx.commit().await?;
        }
        Ok(Outcome::DoneWith(serde_json::to_value(done)?))
    }
}

#[cfg(test)]
mod tests;
