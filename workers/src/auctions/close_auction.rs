use std::time::Duration;

use chrono::TimeDelta;
use jobs::auctions::events::{News, announce};
use jobs::auctions::{CloseAuction, asked, awarded, mail};
use market::auctions::model::{AuctionStatus, CloseOutcome};
use market::auctions::store;
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for CloseAuction {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let closed = match store::close(&mut tx, self.auction).await? {
            CloseOutcome::Closed(closed) => closed,
            CloseOutcome::OnApproval(ended) => {
                asked(&mut tx, &ended).await?;
                note_lateness(cx, ended.closed_at - ended.auction.ends_at, "the seller decides");
                return cx.commit(tx).await;
            }
            // A late bid moved the end. One in another lot of its group may have, which the close has written down.
            CloseOutcome::NotYet { ends_at, now } => {
                tx.commit().await?;
                return Ok(after(ends_at - now));
            }
            CloseOutcome::Already(_) => return Ok(Outcome::Done),
        };
        let view = &closed.auction;
        if view.status == AuctionStatus::Unsold {
            mail::unsold(&mut tx, &closed).await?;
        }
        awarded(&mut tx, &closed).await?;
        announce(&mut tx, News::of(view.status), view);
        note_lateness(cx, closed.closed_at - view.ends_at, &format!("{} award(s)", closed.awards.len()));
        cx.commit(tx).await
    }
}

fn note_lateness(cx: &Cx, late: TimeDelta, outcome: &str) {
    let late = late.as_seconds_f64();
    metrics::histogram!("tradeyard_auction_closing_lateness_seconds").record(late);
    cx.log(format!("closed {} ms after the end, {outcome}", (late * 1000.0).round()));
}

/// Snoozes for `wait`, the difference between two times from the database: this process's clock may
/// be an hour off.
pub(crate) fn after(wait: TimeDelta) -> Outcome {
    let wait = wait.to_std().unwrap_or(Duration::ZERO);
    Outcome::Snooze(wait.max(Duration::from_millis(1)))
}
