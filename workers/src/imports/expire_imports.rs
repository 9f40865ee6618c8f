use jobs::imports::ExpireImports;
use market::imports::store::{self, ImportError};
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many imports are looked at together.
const PAGE: i64 = 50;

impl Handler<Services> for ExpireImports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = Turn::begin();
        work_through(cx, turn, "expired", || expire(cx, turn, PAGE)).await
    }
}

/// Removes the files of one page; returns how many imports have expired.
async fn expire(cx: &Cx, turn: Turn, page: i64) -> anyhow::Result<u64> {
    let found = store::overdue(&mut *cx.db().acquire().await?, page).await?;
    let mut expired = 0;
    for import in found {
        // The file first: while the row names it, the next run knows of it.
        if let Some(key) = &import.object_key {
            cx.blobs.delete(key).await?;
        }
        let mut tx = cx.begin().await?;
        match store::expire(&mut tx, import.id).await {
            Ok(()) => {
                tx.commit().await?;
                expired += 1;
            }
            Err(ImportError::NotOpen(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if turn.cuts_short(cx) {
            break;
        }
    }
    Ok(expired)
}
