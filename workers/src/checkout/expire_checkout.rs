use jobs::checkout::ExpireCheckout;
use market::checkout::store::{self, Expiry};
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

impl Handler<Services> for ExpireCheckout {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::expire(&mut tx, self.checkout).await? {
            Expiry::Ended(ended) => cx.commit_with(tx, json!({"orders": ended.orders})).await,
            Expiry::NotYet { pay_by, now } => Ok(crate::auctions::after(pay_by - now)),
            Expiry::Nothing => Ok(Outcome::Done),
        }
    }
}
