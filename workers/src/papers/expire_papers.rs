use jobs::papers::ExpirePapers;
use market::papers::store;
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many papers are looked at together.
const PAGE: i64 = 200;

impl Handler<Services> for ExpirePapers {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = Turn::begin();
        work_through(cx, turn, "expired", || expire(cx, turn)).await
    }
}

/// Removes the files of one page; returns how many.
async fn expire(cx: &Cx, turn: Turn) -> anyhow::Result<u64> {
    let found = store::overdue(&mut *cx.db().acquire().await?, PAGE).await?;
    let mut expired = 0;
    for (paper, key) in found {
        // The file first: while the row names it, the next run knows of it.
        cx.blobs.delete(&key).await?;
        store::expire(&mut *cx.db().acquire().await?, paper).await?;
        expired += 1;
        if turn.cuts_short(cx) {
            break;
        }
    }
    Ok(expired)
}
