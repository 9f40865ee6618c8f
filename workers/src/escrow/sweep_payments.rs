use chrono::TimeDelta;
use jobs::escrow::{ApplyWebhook, Charge, ReleaseEscrow, SendRefund, SweepPayments};
use market::escrow::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
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
        let mut found = Found::default();
        for payment in payments {
            found.add(&mut tx, &Charge { payment }).await?;
        }
        for refund in refunds {
            found.add(&mut tx, &SendRefund { refund }).await?;
        }
        for webhook in webhooks {
            found.add(&mut tx, &ApplyWebhook { webhook }).await?;
        }
        for order in due {
            found.ensure(&mut tx, &ReleaseEscrow { order }, Self::KIND.name).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
