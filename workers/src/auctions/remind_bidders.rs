use jobs::auctions::RemindBidders;
use jobs::auctions::mail::{self, title};
use market::auctions::model::{AuctionStatus, LotMode};
use market::auctions::store;
use market::emails::model::EndingSoon;
use queue::{Handler, Outcome};
use shared::ids::OrgId;

use super::close_auction::after;
use crate::{Cx, Services};

/// How many bidders one transaction reminds; it takes as many statements for one as for all of
/// them.
const BATCH: i64 = 200;

impl Handler<Services> for RemindBidders {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // After an interruption, the next attempt goes on after the last bidder whose batch was
        // committed.
        let mut reminded: i64 = cx.checkpointed().await?.unwrap_or(0);
        loop {
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
            let bidders = store::bidders(&mut tx, self.auction, reminded, BATCH).await?;
            let Some(last) = bidders.last() else { return cx.commit(tx).await };
            let leader = store::leader(&mut tx, self.auction).await?;
            let (leading, others): (Vec<OrgId>, Vec<OrgId>) =
                bidders.iter().map(|bidder| bidder.org).partition(|org| Some(*org) == leader);
            let title = title(&mut tx, view.listing_id).await?;
            let reference = format!("{}:{}", self.auction, self.reminder);
            // The leader first: somebody who also trades for another bidder is reminded as the
            // leader.
            for (orgs, leads) in [(leading, true), (others, false)] {
                let ending = EndingSoon {
                    auction: self.auction,
                    title: title.clone(),
                    price: view.price,
                    leading: (view.lot_mode == LotMode::Whole).then_some(leads),
                    ends_at: view.ends_at,
                };
                mail::ending_soon(&mut tx, &orgs, &reference, ending).await?;
            }
            reminded = last.number;
            if bidders.len() < usize::try_from(BATCH)? {
                return cx.commit(tx).await;
            }
            cx.checkpoint(&mut tx, 0, &format!("{reminded} bidders"), &reminded).await?;
            tx.commit().await?;
        }
    }
}
