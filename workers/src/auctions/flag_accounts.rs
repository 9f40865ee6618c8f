use jobs::auctions::FlagAccounts;
use market::auctions::store;
use queue::ops::Actor;
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for FlagAccounts {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let flagged = store::flag(&mut tx, Actor::System, self.auction, self.bidder).await?;
        if flagged > 0 {
            cx.log(format!("flagged {flagged} pair(s) of organisations"));
        }
        cx.commit(tx).await
    }
}
