use jobs::auctions::{ExpireApproval, unanswered};
use market::auctions::store::{self, Silence};
use queue::{Handler, Outcome};

use super::after;
use crate::{Cx, Services};

impl Handler<Services> for ExpireApproval {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::expire_approval(&mut tx, self.auction).await? {
            Silence::Expired { closed, approval, bidder } => {
                unanswered(&mut tx, &closed, &approval, bidder).await?;
                cx.commit(tx).await
            }
            Silence::NotYet { until, now } => Ok(after(until - now)),
            Silence::Nothing => Ok(Outcome::Done),
        }
    }
}
