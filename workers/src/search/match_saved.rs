use anyhow::Context;
use jobs::search::{MatchSaved, mail};
use market::search::store::saved::{begin_looking, lock_due, look};
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many searches to look at between two checkpoints.
const PAGE: u64 = 100;

impl Handler<Services> for MatchSaved {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run(cx, Turn::begin()).await
    }
}

/// Looks at every search once; each in a transaction of its own, so that people who change theirs do not wait.
async fn run(cx: &Cx, turn: Turn) -> anyhow::Result<Outcome> {
    let began = begin_looking(&mut *cx.db().acquire().await?).await.context("read the clock")?;
    work_through(cx, turn, "searches", || async move {
        let mut looked = 0;
        while looked < PAGE {
            let mut tx = cx.begin().await?;
            let Some(due) = lock_due(&mut tx, began).await? else { break };
            if let Some(digest) = look(&mut tx, &due).await? {
                mail::digest(&mut tx, digest).await?;
            }
            tx.commit().await?;
            looked += 1;
        }
        Ok(looked)
    })
    .await
}

#[cfg(test)]
mod tests;
