use jobs::documents::SweepDocuments;
use market::documents::store;
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many documents or files are looked at together.
const PAGE: u16 = 200;

impl Handler<Services> for SweepDocuments {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = Turn::begin();
        loop {
            let mut tx = cx.begin().await?;
            let removed = store::remove_abandoned(&mut tx, i64::from(PAGE)).await?;
            tx.commit().await?;
            if let Some(later) = turn.ends(cx)? {
                return Ok(later);
            }
            if removed < u64::from(PAGE) {
                break;
            }
        }
        work_through(cx, turn, "deleted", || delete(cx, turn)).await
    }
}

/// Deletes one page; returns how many files.
async fn delete(cx: &Cx, turn: Turn) -> anyhow::Result<u64> {
    let found = store::leftovers(&mut *cx.db().acquire().await?, i64::from(PAGE)).await?;
    let mut deleted = 0;
    for (upload, key) in found {
        // The object first: while the row is left, the next run knows of it. Nobody can use the upload any more.
        cx.blobs.delete(&key).await?;
        deleted += u64::from(store::remove_leftover(&mut *cx.db().acquire().await?, upload).await?);
        if turn.cuts_short(cx) {
            break;
        }
    }
    Ok(deleted)
}
