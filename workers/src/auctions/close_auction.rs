use std::time::Duration;

use chrono::TimeDelta;
use jobs::auctions::{CloseAuction, closed};
use market::auctions::model::CloseOutcome;
use market::auctions::store;
use market::ids::AuctionId;
use queue::together::{Act, Done};
use queue::{Handler, JobTx, Origin, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for CloseAuction {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let (outcome, committed) = match cx.closings.ask(cx, Close(self.auction)).await {
            Some(closed) => closed,
            None => alone(cx, self.auction).await?,
        };
        match outcome {
            CloseOutcome::Closed(closed) => {
                let late = closed.closed_at - closed.auction.ends_at;
                note_lateness(cx, late, &format!("{} award(s)", closed.awards.len()));
            }
            CloseOutcome::OnApproval(ended) => {
                note_lateness(cx, ended.closed_at - ended.auction.ends_at, "the seller decides");
            }
            // A late bid moved the end. One in another lot of its group may have, which the close has written down.
            CloseOutcome::NotYet { ends_at, now } => return Ok(after(ends_at - now)),
            CloseOutcome::Already(_) => {}
        }
        Ok(committed.unwrap_or(Outcome::Done))
    }
}

/// The closing of an auction, which shares a transaction with those that come at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Close(AuctionId);

impl Act for Close {
    const NAME: &'static str = "closings";
    /// Each takes some rows in twenty tables, and holds its locks until all are written.
    const MOST: usize = 64;
    type Made = CloseOutcome;

    async fn all(tx: &mut JobTx, acts: &[(&Self, Origin)]) -> anyhow::Result<Vec<Option<Done<CloseOutcome>>>> {
        let auctions: Vec<_> = acts.iter().map(|(act, _)| act.0).collect();
        let outcomes = store::close_all(tx, &auctions).await?;
        let made = acts.iter().zip(&outcomes);
        let made = made.filter_map(|((_, origin), outcome)| Some((outcome.as_ref()?, Some(*origin))));
        closed(tx, &made.collect::<Vec<_>>()).await?;
        let done = outcomes.into_iter().map(|outcome| {
            let outcome = outcome?;
            Some(if ends(&outcome) { Done::Effect(outcome) } else { Done::Nothing(outcome) })
        });
        Ok(done.collect())
    }
}

/// Closes the auction in a transaction of its own. The outcome of the job, if its success is committed with it.
async fn alone(cx: &Cx, auction: AuctionId) -> anyhow::Result<(CloseOutcome, Option<Outcome>)> {
    let mut tx = cx.begin().await?;
    let outcome = store::close(&mut tx, auction).await?;
    closed(&mut tx, &[(&outcome, None)]).await?;
    let committed = if ends(&outcome) {
        Some(cx.commit(tx).await?)
    } else {
        tx.commit().await?;
        None
    };
    Ok((outcome, committed))
}

/// Whether the auction has ended by this.
fn ends(outcome: &CloseOutcome) -> bool {
    match outcome {
        CloseOutcome::Closed(_) | CloseOutcome::OnApproval(_) => true,
        CloseOutcome::NotYet { .. } | CloseOutcome::Already(_) => false,
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
