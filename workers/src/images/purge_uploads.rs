use jobs::images::PurgeUploads;
use market::images::store;
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many uploads are looked at together.
const PAGE: i64 = 200;

impl Handler<Services> for PurgeUploads {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = Turn::begin();
        work_through(cx, turn, "purged", || purge(cx, turn, PAGE)).await
    }
}

/// Purges one page; returns how many uploads.
async fn purge(cx: &Cx, turn: Turn, page: i64) -> anyhow::Result<u64> {
    let found = store::abandoned(&mut *cx.db().acquire().await?, page).await?;
    let mut purged = 0;
    for (upload, key) in found {
        // The object first: while the row is left, the next run knows of it. Nobody can complete the upload any more.
        cx.blobs.delete(&key).await?;
        purged += u64::from(store::remove_abandoned(&mut *cx.db().acquire().await?, upload).await?);
        if turn.cuts_short(cx) {
            break;
        }
    }
    Ok(purged)
}

#[cfg(test)]
mod tests;
