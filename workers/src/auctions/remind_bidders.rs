use jobs::auctions::RemindBidders;
use jobs::auctions::mail::{title, traders};
use jobs::emails::post_to;
use market::auctions::model::AuctionStatus;
use market::auctions::store;
use market::emails::model::{Content, EndingSoon};
use queue::{Handler, Outcome};

use super::close_auction::after;
use crate::{Cx, Services};

impl Handler<Services> for RemindBidders {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let Some(view) = store::view(&mut tx, self.auction, None).await? else { return Ok(Outcome::Done) };
        if view.status != AuctionStatus::Live || view.suspended || view.ends_at <= view.server_time {
            return Ok(Outcome::Done);
        }
        let due = view.ends_at - self.reminder.before_end();
        if due > view.server_time {
            // A late bid moved the end, and the reminder with it.
            return Ok(after(due - view.server_time));
        }
        let title = title(&mut tx, view.listing_id).await?;
        for bidder in store::participants(&mut tx, self.auction).await? {
            let seen = store::view(&mut tx, self.auction, Some(bidder.org)).await?;
            let content = Content::EndingSoon(EndingSoon {
                auction: self.auction,
                title: title.clone(),
                price: view.price,
                leading: seen.and_then(|view| view.you_lead),
                ends_at: view.ends_at,
            });
            let reference = format!("{}:{}", self.auction, self.reminder);
            let people = traders(&mut tx, bidder.org).await?;
            post_to(&mut tx, &people, &reference, &content).await?;
        }
        cx.commit(tx).await
    }
}
