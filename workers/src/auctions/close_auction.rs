use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use jobs::auctions::{CloseAuction, News, announce};
use jobs::{Handler, Outcome};
use shared::auctions::model::CloseOutcome;
use shared::auctions::store;

use super::mails;
use crate::{Cx, Services};

impl Handler<Services> for CloseAuction {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let closed = match store::close(&mut tx, self.auction).await? {
            CloseOutcome::Closed(closed) => closed,
            // A late bid moved the end.
            CloseOutcome::NotYet { ends_at } => return Ok(until(ends_at, cx)),
            CloseOutcome::Already(_) => return Ok(Outcome::Done),
        };
        if closed.awards.is_empty() {
            mails::unsold(&mut tx, &closed).await?;
        }
        for award in &closed.awards {
            mails::awarded(&mut tx, &closed, award).await?;
        }
        let view = store::view(&mut tx, self.auction, None).await?.context("the auction that was closed")?;
        announce(&mut tx, News::of(view.status), &view);
        let lateness = (closed.closed_at - closed.ends_at).as_seconds_f64();
        metrics::histogram!("tradeyard_auction_closing_lateness_seconds").record(lateness);
        cx.log(format!("closed {} ms after the end, {} award(s)", (lateness * 1000.0).round(), closed.awards.len()));
        cx.commit(tx).await
    }
}

/// Runs again at `time`, judged by this process's clock; whoever runs then reads the database's.
pub(super) fn until(time: DateTime<Utc>, cx: &Cx) -> Outcome {
    let wait = (time - cx.clock().now()).to_std().unwrap_or(Duration::ZERO);
    Outcome::Snooze(wait.max(Duration::from_millis(1)))
}
