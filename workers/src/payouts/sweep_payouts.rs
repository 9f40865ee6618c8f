use chrono::TimeDelta;
use jobs::payouts::{CheckPayoutAccount, SendPayout, SweepPayouts};
use market::payouts::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many of each kind one sweep enqueues at most; the next one takes the rest.
const MOST: i64 = 200;

/// What is younger is still being dealt with.
const AGE: TimeDelta = TimeDelta::minutes(2);

/// How long an account is taken for what it was.
const UNCHECKED: TimeDelta = TimeDelta::hours(6);

impl Handler<Services> for SweepPayouts {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let payouts = store::unsettled(&mut tx, AGE, MOST).await?;
        let accounts = store::stale_accounts(&mut tx, AGE, UNCHECKED, MOST).await?;
        let mut found = Found::default();
        for payout in payouts {
            found.add(&mut tx, &SendPayout { payout }).await?;
        }
        for account in accounts {
            found.add(&mut tx, &CheckPayoutAccount { account }).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
