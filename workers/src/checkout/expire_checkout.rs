use chrono::TimeDelta;
use jobs::checkout::{ExpireCheckout, News, NotifyParties, after};
use market::checkout::store::{self, Expiry};
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How long to leave a payment alone that is under way.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(10);

impl Handler<Services> for ExpireCheckout {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::expire(&mut tx, self.checkout).await? {
            Expiry::Ended(ended) => {
                let _ = tx.enqueue(&NotifyParties { checkout: self.checkout, news: News::Expired }).await?;
                after(&mut tx, &ended).await?;
                cx.commit_with(tx, json!({"orders": ended.orders})).await
            }
            Expiry::NotYet { pay_by, now } => Ok(crate::auctions::after(pay_by - now)),
            Expiry::Paying { until, now } => Ok(crate::auctions::after((until - now).min(LOOK_AGAIN))),
            Expiry::Nothing => Ok(Outcome::Done),
        }
    }
}
