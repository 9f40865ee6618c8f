use anyhow::Context;
use jobs::auctions::{NotifyLeader, mail};
use market::auctions::store;
use market::emails::model::Winning;
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for NotifyLeader {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        // Until this job has ended with what it saw: a retraction meanwhile enqueues no job, since it finds this one open.
        store::hold(&mut tx, self.auction).await?;
        let seen = store::view(&mut tx, self.auction, Some(self.org)).await?.context("the auction of a bid")?;
        // It may have been outbid again since.
        let leads = seen.you_lead == Some(true);
        if !leads || !seen.status.is_open() || seen.suspended || seen.ends_at <= seen.server_time {
            return cx.commit(tx).await;
        }
        let winning = Winning {
            auction: seen.id,
            title: mail::title(&mut tx, seen.listing_id).await?,
            price: seen.price,
            reserve_met: seen.reserve_met,
            again: true,
            ends_at: seen.ends_at,
        };
        mail::winning(&mut tx, self.org, &self.taken_back.to_string(), winning).await?;
        cx.commit(tx).await
    }
}
