use chrono::TimeDelta;
use jobs::escrow::{ApplyWebhook, Charge, ReleaseEscrow, SendRefund, SweepPayments};
use market::escrow::store;
use queue::{Enqueued, Handler, Job, JobTx, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many of each kind one sweep enqueues at most; the next one takes the rest.
const MOST: i64 = 200;

/// What is younger is still being dealt with.
const AGE: TimeDelta = TimeDelta::minutes(2);

impl Handler<Services> for SweepPayments {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let payments = store::unsettled_payments(&mut tx, AGE, MOST).await?;
        let refunds = store::unsettled_refunds(&mut tx, AGE, MOST).await?;
        let webhooks = store::unapplied(&mut tx, AGE, MOST).await?;
        let due = store::due(&mut tx, MOST).await?;
        let mut added = 0;
        for payment in payments {
            added += missing(&mut tx, &Charge { payment }).await?;
        }
        for refund in refunds {
            added += missing(&mut tx, &SendRefund { refund }).await?;
        }
        for webhook in webhooks {
            added += missing(&mut tx, &ApplyWebhook { webhook }).await?;
        }
        for order in due {
            added += missing(&mut tx, &ReleaseEscrow { order }).await?;
        }
        if added > 0 {
            tracing::warn!(jobs.added = added, "the sweep found payments without a job");
        }
        cx.commit_with(tx, json!({ "added": added })).await
    }
}

/// Enqueues a job unless it is there; how many were added.
async fn missing<J: Job>(tx: &mut JobTx, job: &J) -> anyhow::Result<u32> {
    Ok(u32::from(matches!(tx.enqueue(job).await?, Enqueued::New(_))))
}
