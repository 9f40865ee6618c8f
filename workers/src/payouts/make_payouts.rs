use jobs::payouts::MakePayouts;
use market::payouts::store::{self, Begun};
use queue::{Handler, Outcome};

use super::begin::begin;
use crate::{Cx, Services};

/// How many sellers are found at once; each has a transaction of its own, so that none waits for the others.
const BATCH: i64 = 200;

impl Handler<Services> for MakePayouts {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let Some(gateway) = cx.gateway.as_deref() else {
            cx.log("no payment provider is configured here");
            return Ok(Outcome::Done);
        };
        // After an interruption, the next attempt goes on after the last batch.
        let mut after: i64 = cx.checkpointed().await?.unwrap_or(0);
        let mut begun = 0_u32;
        loop {
            let found = store::due(&mut *cx.db().acquire().await?, after, BATCH).await?;
            for due in &found {
                let mut tx = cx.begin().await?;
                if begin(&mut tx, due.org, due.currency, gateway.provider()).await? != Begun::Nothing {
                    begun += 1;
                }
                tx.commit().await?;
            }
            let mut tx = cx.begin().await?;
            let Some(last) = found.last() else {
                cx.log(format!("{begun} payout(s) begun"));
                return cx.commit(tx).await;
            };
            after = last.account;
            cx.checkpoint(&mut tx, 0, &format!("{begun} payouts"), &after).await?;
            tx.commit().await?;
        }
    }
}
