//! What jobs that work through many rows have in common: short pages, a turn of bounded length, and a stop between two pages after
//! which the next attempt goes on.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use queue::Outcome;
use serde_json::json;

use crate::Cx;

/// How long one attempt works; well within the time that its contract allows.
const TURN: Duration = Duration::from_mins(8);

/// One attempt's share of a long work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    began: Instant,
    length: Duration,
}

impl Turn {
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), length: TURN }
    }

    /// A turn that is over after its first page.
    #[cfg(test)]
    pub(crate) fn of_one_page() -> Self {
        Self { began: Instant::now(), length: Duration::ZERO }
    }

    /// Whether to stop here. Fails when somebody cancelled the job or the worker shuts down; when the turn is over, what is left
    /// comes back as another attempt.
    pub(crate) fn ends(&self, cx: &Cx) -> anyhow::Result<Option<Outcome>> {
        if cx.is_cancelled() {
            anyhow::bail!("asked to stop");
        }
        if !self.is_over() {
            return Ok(None);
        }
        cx.log("this attempt's time is over; the next one goes on from here");
        Ok(Some(Outcome::Snooze(Duration::ZERO)))
    }

    /// Whether a page is to end before its last row, which takes a request to another server for each.
    pub(crate) fn cuts_short(&self, cx: &Cx) -> bool {
        cx.is_cancelled() || self.is_over()
    }

    fn is_over(&self) -> bool {
        self.began.elapsed() >= self.length
    }
}

/// Runs `page`, which returns how many rows it dealt with, until there are none left. The result has their number, over all attempts,
/// under the name `counted`; a page after which the process dies is not counted.
pub(crate) async fn work_through<R>(
    cx: &Cx,
    turn: Turn,
    counted: &str,
    mut page: impl FnMut() -> R,
) -> anyhow::Result<Outcome>
where
    R: Future<Output = anyhow::Result<u64>>,
{
    let before: Option<BTreeMap<String, u64>> = cx.checkpointed().await?;
    let mut done = before.and_then(|before| before.get(counted).copied()).unwrap_or(0);
    loop {
        let some = page().await?;
        done += some;
        let result = json!({ counted: done });
        if some > 0 {
            let mut tx = cx.begin().await?;
            cx.checkpoint(&mut tx, 0, &format!("{done} {counted}"), &result).await?;
            tx.commit().await?;
        }
        if let Some(later) = turn.ends(cx)? {
            return Ok(later);
        }
        if some == 0 {
            return Ok(Outcome::DoneWith(result));
        }
    }
}

#[cfg(test)]
mod tests;
