use anyhow::Context;
use chrono::TimeDelta;
use jobs::auctions::{LateBid, NotifyOutbid, mail};
use market::auctions::model::AuctionView;
use market::auctions::rules::{Notice, decide_notice};
use market::auctions::store;
use market::emails::model::Outbid;
use market::ids::AuctionId;
use queue::{Handler, JobTx, Outcome};

use super::close_auction::after;
use crate::{Cx, Services};

impl Handler<Services> for NotifyOutbid {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match &self.late_bid {
            Some(late) => at_once(&mut tx, &self, late).await?,
            None => {
                if let Some(wait) = spaced(&mut tx, &self).await? {
                    return Ok(after(wait));
                }
            }
        }
        cx.commit(tx).await
    }
}

/// Notifies all of them of the bid as it was placed, unless the listing has been suspended since.
async fn at_once(tx: &mut JobTx, job: &NotifyOutbid, late: &LateBid) -> anyhow::Result<()> {
    store::note_notified(tx, job.auction, &job.orgs).await?;
    let seen = view(tx, job.auction).await?;
    if seen.suspended {
        return Ok(());
    }
    let title = title(tx, &seen).await?;
    let &LateBid { bid, price, next_minimum, ends_at } = late;
    let outbid = Outbid { auction: job.auction, title, price, next_minimum, ends_at };
    Ok(mail::outbid(tx, &job.orgs, &bid.to_string(), outbid).await?)
}

/// Sends the auction's present figures to those who have had no notice for a while, and schedules a
/// later notice for each of the others. `Some` means that the job is such a later notice and has to
/// wait longer.
async fn spaced(tx: &mut JobTx, job: &NotifyOutbid) -> anyhow::Result<Option<TimeDelta>> {
    let notices = store::lock_notices(tx, job.auction, &job.orgs).await?;
    // Read after the rows are locked: a bid that enqueued no job, because one of these
    // organisations already had one waiting, is included here.
    let seen = view(tx, job.auction).await?;
    if !seen.status.is_open() || seen.suspended || seen.ends_at <= seen.server_time {
        return Ok(None);
    }
    let leader = store::leader(tx, job.auction).await?;
    let (mut now, mut later) = (Vec::new(), Vec::new());
    for (org, notified_at) in notices {
        match decide_notice(notified_at, seen.ends_at, seen.server_time) {
            // It has regained the lead in the meantime.
            Notice::Now if leader == Some(org) => {}
            Notice::Now => now.push(org),
            // The end has moved, and the last hour with it.
            Notice::At(due) if job.waiting => return Ok(Some(due - seen.server_time)),
            Notice::At(due) => later.push(NotifyOutbid::again(job.auction, org, due)),
            Notice::Notified => {}
        }
    }
    tx.enqueue_all(later).await?;
    if now.is_empty() {
        return Ok(None);
    }
    store::note_notified(tx, job.auction, &now).await?;
    let title = title(tx, &seen).await?;
    let AuctionView { price, next_minimum, ends_at, .. } = seen;
    let outbid = Outbid { auction: job.auction, title, price, next_minimum, ends_at };
    let reference = format!("{}:{}", job.auction, seen.version);
    mail::outbid(tx, &now, &reference, outbid).await?;
    Ok(None)
}

async fn view(tx: &mut JobTx, auction: AuctionId) -> anyhow::Result<AuctionView> {
    store::view(tx, auction, None).await?.context("the auction of a bid")
}

async fn title(tx: &mut JobTx, auction: &AuctionView) -> anyhow::Result<String> {
    Ok(mail::title(tx, auction.listing_id).await?)
}
