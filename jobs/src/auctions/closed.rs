//! What follows from auctions that are decided, for one as for several that share a transaction.

use market::auctions::model::{Asked, CloseOutcome, Closed};
use market::emails::store::ToTraders;
use queue::JobTx;
use queue::enqueue::{Enqueue, Origin};

use super::events::{News, announce};
use super::mail::{self, MOST_PER_ORG};
use super::{DefaultAward, ExpireApproval, approval};
use crate::checkout::reminder;
use crate::emails::{MailError, PostError, store_for_traders};
use crate::webhooks::deliver_each;

/// How an auction was decided.
#[derive(Clone, Copy, Debug)]
enum Decided<'a> {
    /// By bids, by a purchase or by an accepted offer, or not sold.
    Closed(&'a Closed),
    /// The seller decides about the highest bid.
    OnApproval(&'a Asked),
}

impl Decided<'_> {
    fn mails(self) -> Vec<ToTraders> {
        match self {
            Self::Closed(closed) => mail::closed(closed),
            Self::OnApproval(asked) => approval::mails(asked),
        }
    }

    /// The reminder of each payment, and the timers that end what is not paid or not answered.
    fn timers(self) -> Vec<Enqueue> {
        match self {
            Self::Closed(closed) => {
                let mut timers = Vec::with_capacity(2 * closed.awards.len());
                for (award, order) in closed.awards.iter().zip(&closed.orders) {
                    timers.extend(reminder(order.checkout, order.created_at, order.pay_by));
                    timers.push(Enqueue::new(&DefaultAward { award: award.id }).run_at(order.pay_by));
                }
                timers
            }
            Self::OnApproval(asked) => {
                let timer = ExpireApproval { auction: asked.auction.id };
                vec![Enqueue::new(&timer).run_at(asked.approval.answer_by)]
            }
        }
    }
}

/// Tells both sides of each award and their systems, reminds the buyers of the payment later, and sets the timers that end what is
/// not paid.
pub async fn awarded(tx: &mut JobTx, closed: &Closed) -> Result<(), MailError> {
    follow(tx, &[(Decided::Closed(closed), None)]).await
}

/// Tells everybody concerned what became of auctions at their ends, whoever watches them as well, and sets the timers that follow: the
/// jobs of each belong to the attempt that it is given with. What is not closed yet, or was before, is passed over.
pub async fn closed(tx: &mut JobTx, outcomes: &[(&CloseOutcome, Option<Origin>)]) -> Result<(), MailError> {
    let decided = outcomes.iter().filter_map(|(outcome, origin)| match outcome {
        CloseOutcome::Closed(closed) => Some((Decided::Closed(closed), *origin)),
        CloseOutcome::OnApproval(asked) => Some((Decided::OnApproval(asked), *origin)),
        CloseOutcome::NotYet { .. } | CloseOutcome::Already(_) => None,
    });
    let decided: Vec<_> = decided.collect();
    follow(tx, &decided).await?;
    for (decided, _) in decided {
        match decided {
            Decided::Closed(closed) => announce(tx, News::of(closed.auction.status), &closed.auction),
            Decided::OnApproval(asked) => announce(tx, News::OnApproval, &asked.auction),
        }
    }
    Ok(())
}

/// The jobs go in together, apart from deliveries, of which one by itself is published at once.
async fn follow(tx: &mut JobTx, all: &[(Decided<'_>, Option<Origin>)]) -> Result<(), MailError> {
    let (mut mails, mut origins) = (Vec::new(), Vec::new());
    for (decided, origin) in all {
        mails.extend(decided.mails());
        origins.resize(mails.len(), *origin);
    }
    // Cancelled: nobody is bound to anything.
    if mails.is_empty() {
        return Ok(());
    }
    let stored = store_for_traders(tx, &mails, MOST_PER_ORG).await?;
    let mut jobs: Vec<_> = stored.into_iter().map(|(place, job)| job.following(origins[place])).collect();
    for (decided, origin) in all {
        jobs.extend(decided.timers().into_iter().map(|timer| timer.following(*origin)));
    }
    tx.enqueue_all(jobs).await.map_err(PostError::from)?;
    let orders = all.iter().filter_map(|(decided, origin)| match decided {
        Decided::Closed(closed) => Some(closed.orders.iter().map(move |order| (order.id, *origin))),
        Decided::OnApproval(_) => None,
    });
    let orders: Vec<_> = orders.flatten().collect();
    if !orders.is_empty() {
        deliver_each(tx, &orders).await.map_err(PostError::from)?;
    }
    Ok(())
}
