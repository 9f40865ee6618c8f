use chrono::TimeDelta;
use jobs::webhooks::{SweepDeliveries, enqueue_missing};
use market::webhooks::store;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many of each kind one sweep enqueues at most; the next one takes the rest.
const MOST: i64 = 500;

/// What is younger is being enqueued by whoever has made it.
const AGE: TimeDelta = TimeDelta::seconds(10);

impl Handler<Services> for SweepDeliveries {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let waiting = store::waiting_long(&mut tx, AGE, MOST).await?;
        let added = enqueue_missing(&mut tx, &waiting).await?;
        cx.commit_with(tx, json!({"added": added})).await
    }
}
