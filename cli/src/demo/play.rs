//! Places each bid at its moment: those of one auction one after the other, all auctions side by
//! side.
//!
//! Ends are fixed when the auctions are made. A bid that came after its auction's end would be
//! refused, and the figures would be wrong. So the play ends with [`TooSlow`] as soon as it is too
//! far behind, and another round begins.

use std::time::Duration;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use market::ids::AuctionId;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::bids::Recorded;
use super::client::{ApiError, Client};
use super::people::Trader;
use super::plan::Plan;
use super::progress::Step;
use super::timeline::Slot;

/// A bid that could not be sent this long before its auction's end is no longer sent.
const LAST_MOMENT: Duration = Duration::from_millis(1_500);
/// Refusals by the rules. Any other refusal is a fault.
const RULES: [&str; 2] = ["bid_too_low", "not_a_raise"];

/// Everything needed to place the bids.
#[derive(Debug)]
pub(crate) struct Play<'a> {
    pub(crate) client: &'a Client,
    pub(crate) plan: &'a Plan,
    /// In the order of [`Plan::bidders`].
    pub(crate) bidders: &'a [Trader],
    /// The moment that slots count from.
    pub(crate) zero: Instant,
}

/// The API's answers to the bids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// The longest time from a bid's moment to its answer.
    pub(crate) behind: Duration,
}

impl Play<'_> {
    /// Places every bid at its moment.
    pub(crate) async fn run(&self, auctions: &[AuctionId], slots: &[Slot], step: &Step) -> anyhow::Result<Answers> {
        stream::iter(self.plan.auctions.iter().zip(auctions).zip(slots))
            .map(|((recorded, auction), slot)| self.one(recorded, *auction, slot, step))
            // All at once, as each waits for its own moments.
            .buffer_unordered(auctions.len().max(1))
            .try_fold(Answers::default(), async |all, one| {
                Ok(Answers {
                    accepted: all.accepted + one.accepted,
                    refused: all.refused + one.refused,
                    behind: all.behind.max(one.behind),
                })
            })
            .await
    }

    async fn one(&self, recorded: &Recorded, auction: AuctionId, slot: &Slot, step: &Step) -> anyhow::Result<Answers> {
        let mut answers = Answers::default();
        let last_moment = self.zero + slot.ends.saturating_sub(LAST_MOMENT);
        for (bid, after) in recorded.bids.iter().zip(&slot.bids) {
            let moment = self.zero + *after;
            sleep_until(moment).await;
            if Instant::now() > last_moment {
                return Err(TooSlow(moment.elapsed()).into());
            }
            let place = self.plan.place_of(&bid.bidder).context("a bidder that is not in the plan")?;
            let call = self
                .client
                .post(format!("/v1/auctions/{auction}/bids"))
                .as_(&self.bidders[place].token)
                .idempotent(format!("demo-{auction}-{}", bid.number))
                .json(&json!({"maximum": bid.maximum}));
            match call.done().await {
                Ok(()) => answers.accepted += 1,
                Err(error) => match error.downcast_ref().and_then(ApiError::code) {
                    Some(code) if RULES.contains(&code) => answers.refused += 1,
                    Some("auction_ended") => return Err(TooSlow(moment.elapsed()).into()),
                    _ => return Err(error.context(format!("bid {} of {}", bid.number, recorded.name))),
                },
            }
            answers.behind = answers.behind.max(moment.elapsed());
            step.inc();
        }
        Ok(answers)
    }
}

/// A bid could not be placed before its auction's end: the machine is too slow for the pace, or the API was away.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a bid was {:.1} s behind its moment, too late for its auction", .0.as_secs_f64())]
pub(crate) struct TooSlow(pub(crate) Duration);
