use jobs::auctions::{DefaultAward, defaulted};
use market::auctions::store::{self, DefaultOutcome};
use queue::{Handler, Outcome};

use super::after;
use crate::{Cx, Services};

impl Handler<Services> for DefaultAward {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::default(&mut tx, self.award).await? {
            DefaultOutcome::Defaulted(found) => {
                defaulted(&mut tx, &found).await?;
                cx.log(if found.chance.is_some() { "not paid: offered to the next bidder" } else { "not paid" });
                cx.commit(tx).await
            }
            DefaultOutcome::NotYet { until, now } => Ok(after(until - now)),
            DefaultOutcome::Nothing => Ok(Outcome::Done),
        }
    }
}
