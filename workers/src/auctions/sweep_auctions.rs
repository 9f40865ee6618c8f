use jobs::auctions::{CloseAuction, OpenAuction, SweepAuctions};
use jobs::{Handler, Outcome};
use serde_json::json;
use shared::auctions::store;

use crate::{Cx, Services};

/// The next sweep takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepAuctions {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let (to_open, to_close) = (store::due_to_open(&mut tx, MOST).await?, store::overdue(&mut tx, MOST).await?);
        let mut added = 0;
        for auction in to_open {
            added += u32::from(tx.enqueue(&OpenAuction { auction }).await?.is_new());
        }
        for auction in to_close {
            added += u32::from(tx.enqueue(&CloseAuction { auction }).await?.is_new());
        }
        if added > 0 {
            // The exact timers should have been there first: somebody should know.
            tracing::warn!(jobs = added, "the sweep found auctions without a timer");
        }
        cx.commit_with(tx, json!({ "added": added })).await
    }
}
