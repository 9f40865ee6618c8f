use jobs::exports::ExpireExports;
use market::exports::store::{self, ExportError};
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many exports are looked at together.
const PAGE: i64 = 200;

impl Handler<Services> for ExpireExports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = Turn::begin();
        work_through(cx, turn, "expired", || expire(cx, turn, PAGE)).await
    }
}

/// Removes the files of one page; returns how many.
async fn expire(cx: &Cx, turn: Turn, page: i64) -> anyhow::Result<u64> {
    let found = store::overdue(&mut *cx.db().acquire().await?, page).await?;
    let mut expired = 0;
    for (export, key) in found {
        // The file first: while the row names it, the next run knows of it.
        cx.blobs.delete(&key).await?;
        match store::expire(&mut *cx.db().acquire().await?, export).await {
            Ok(()) => expired += 1,
            Err(ExportError::NotOpen(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if turn.cuts_short(cx) {
            break;
        }
    }
    Ok(expired)
}
