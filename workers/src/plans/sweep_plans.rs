use chrono::TimeDelta;
use jobs::plans::{ChargePlan, DunCharge, RenewPlan, SweepPlans};
use market::plans::store;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many of each one sweep enqueues at most; the next one takes the rest.
const MOST: i64 = 500;

/// Payments that are younger are still being dealt with.
const AGE: TimeDelta = TimeDelta::minutes(2);

impl Handler<Services> for SweepPlans {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let due = store::due(&mut tx, MOST).await?;
        let unsettled = store::unsettled(&mut tx, AGE, MOST).await?;
        let (terms, charges, payments) = (due.terms.len(), due.charges.len(), unsettled.len());
        for (subscription, term) in due.terms {
            let _ = tx.enqueue(&RenewPlan { subscription, term }).await?;
        }
        for charge in due.charges {
            let _ = tx.enqueue(&DunCharge { charge }).await?;
        }
        for payment in unsettled {
            let _ = tx.enqueue(&ChargePlan { payment }).await?;
        }
        cx.commit_with(tx, json!({ "terms": terms, "charges": charges, "payments": payments })).await
    }
}
