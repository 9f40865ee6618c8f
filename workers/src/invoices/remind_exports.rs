use jobs::invoices::{RemindExports, remind};
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many exports one transaction reminds of at most.
const PAGE: i64 = 200;

impl Handler<Services> for RemindExports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        work_through(cx, Turn::begin(), "reminded", || page(cx)).await
    }
}

async fn page(cx: &Cx) -> anyhow::Result<u64> {
    let mut tx = cx.begin().await?;
    let reminded = remind(&mut tx, PAGE).await?;
    tx.commit().await?;
    Ok(reminded)
}
