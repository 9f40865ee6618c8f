use jobs::auctions::RemindBidders;
use jobs::auctions::mail::{self, title};
use market::auctions::model::{AuctionStatus, AuctionView, LotMode};
use market::auctions::store;
use market::emails::model::{EndingSoon, Winning};
use market::watches::store as watches;
use queue::{Handler, JobTx, Outcome};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};

use super::close_auction::after;
use crate::{Cx, Services};

/// How many bidders, or watchers, one transaction reminds; it takes as many statements for one as for all of
/// them.
const BATCH: i64 = 200;

/// The last one who was reminded: first come the bidders, then those who only watch.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Reminded {
    /// By number; 0: nobody.
    Bidder(i64),
    Watcher(UserId),
}

impl Handler<Services> for RemindBidders {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // After an interruption, the next attempt goes on after the last one whose batch was
        // committed.
        let mut last = cx.checkpointed().await?.unwrap_or(Reminded::Bidder(0));
        let mut count = 0;
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
            let (next, reminded) = match last {
                Reminded::Bidder(number) => match bidders(&self, &mut tx, &view, number).await? {
                    (next, all) if all < BATCH => {
                        // Whoever has bid has that mail, and gets none as a watcher.
                        let (watcher, watchers) = watchers(&self, &mut tx, &view, None).await?;
                        (watcher.or(next), watchers)
                    }
                    batch => batch,
                },
                Reminded::Watcher(user) => watchers(&self, &mut tx, &view, Some(user)).await?,
            };
            count += reminded;
            match next {
                Some(next) if reminded == BATCH => last = next,
                _ => return cx.commit(tx).await,
            }
            cx.checkpoint(&mut tx, 0, &format!("{count} people and organisations"), &last).await?;
            tx.commit().await?;
        }
    }
}

/// The last one of a batch, and how many were in it.
type Batch = (Option<Reminded>, i64);

async fn bidders(job: &RemindBidders, tx: &mut JobTx, view: &AuctionView, after: i64) -> anyhow::Result<Batch> {
    let bidders = store::bidders(tx, job.auction, after, BATCH).await?;
    let Some(last) = bidders.last() else { return Ok((None, 0)) };
    let leader = store::leader(tx, job.auction).await?;
    let others: Vec<OrgId> = bidders.iter().map(|bidder| bidder.org).filter(|org| Some(*org) != leader).collect();
    let title = title(tx, view.listing_id).await?;
    let reference = format!("{}:{}", job.auction, job.reminder);
    // The leader first: somebody who also trades for another bidder is reminded as the
    // leader.
    if let Some(leader) = leader.filter(|leader| bidders.iter().any(|bidder| bidder.org == *leader)) {
        let winning = Winning {
            auction: job.auction,
            title: title.clone(),
            price: view.price,
            reserve_met: view.reserve_met,
            again: false,
            ends_at: view.ends_at,
        };
        mail::winning(tx, leader, &reference, winning).await?;
    }
    let ending = EndingSoon {
        auction: job.auction,
        title,
        price: view.price,
        leading: (view.lot_mode == LotMode::Whole).then_some(false),
        watching: false,
        ends_at: view.ends_at,
    };
    mail::ending_soon(tx, &others, &reference, ending).await?;
    Ok((Some(Reminded::Bidder(last.number)), i64::try_from(bidders.len())?))
}

async fn watchers(
    job: &RemindBidders,
    tx: &mut JobTx,
    view: &AuctionView,
    after: Option<UserId>,
) -> anyhow::Result<Batch> {
    let people = watches::watchers(tx, view.listing_id, after, BATCH).await?;
    let Some(last) = people.last() else { return Ok((None, 0)) };
    let ending = EndingSoon {
        auction: job.auction,
        title: title(tx, view.listing_id).await?,
        price: view.price,
        leading: None,
        watching: true,
        ends_at: view.ends_at,
    };
    mail::ending_soon_to(tx, &people, &format!("{}:{}", job.auction, job.reminder), ending).await?;
    Ok((Some(Reminded::Watcher(*last)), i64::try_from(people.len())?))
}
