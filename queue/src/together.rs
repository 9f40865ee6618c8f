//! Attempts of one kind that share a transaction: those that come while one is under way share the next one ([`crate::group`]), with as
//! many statements for all of them as for one. A lone attempt goes at once.
//!
//! The success of each job is in the transaction, with its effect, fenced by its own attempt. When the transaction fails, or takes too
//! long, each of them is done by itself, in a transaction of its own: who had the failure has it alone, and what was committed after all is
//! found there. An attempt that follows a failed one is alone from the start, so that it fails nobody else again.
//!
//! # How to get this wrong
//! - Committing while one of the attempts has lost its job: its effect is in the transaction, and another attempt repeats it.
//! - Going alone while the shared transaction is still being undone: the attempt waits for its own locks.
//! - Waiting, in a shared transaction, for a row that somebody holds for long: everybody would wait for it. What is held is left out, and
//!   what cannot be is waited for briefly (`BEGIN`). Giving up on this side alone is not enough: the server goes on waiting for as long
//!   as a handler may, with the locks of them all.
//! - Enqueuing without an [`Origin`]: the task is the group's, and knows neither the parent nor the trace.

use std::fmt::{self, Debug};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;

use crate::cx::Cx;
use crate::enqueue::Origin;
use crate::fault::{self, Point};
use crate::group::Group;
use crate::ledger::{Fence, JobTx, Ledger, begin_with_plans_kept, finish};
use crate::outcome::{Committed, Outcome};

/// How a shared transaction begins: the server gives up a wait for somebody's lock sooner than we give up the transaction. It is longer
/// than the server waits before it looks for a deadlock.
const BEGIN: &str = begin_with_plans_kept!("; SET LOCAL lock_timeout = '2s'");
/// How long the statements of a shared transaction may take before everybody goes alone.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long its commit may take, and how long undoing it, for which a wait that is under way ends first.
const COMMIT: Duration = Duration::from_secs(10);
const UNDO: Duration = Duration::from_secs(3);

/// What an attempt does, alone or with others.
pub trait Act: Send + Sync + Sized + 'static {
    /// The metric's label.
    const NAME: &'static str;
    /// The most that share a transaction.
    const MOST: usize;
    type Made: Send + 'static;

    /// Does several at once and returns what each has made, in their order; `None`: it has to be done alone, and has written nothing. On
    /// [`Err`] nothing of them all may stay. What they enqueue follows from their origins.
    fn all(
        tx: &mut JobTx,
        acts: &[(&Self, Origin)],
    ) -> impl Future<Output = anyhow::Result<Vec<Option<Done<Self::Made>>>>> + Send;
}

/// What an attempt has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done<M> {
    /// The job's effect: it succeeds in the same transaction.
    Effect(M),
    /// Nothing that the job is for: its handler says how the attempt ends.
    Nothing(M),
}

struct Asked<A> {
    act: A,
    fence: Fence,
    origin: Origin,
}

/// What was made, and the outcome if the job's success is committed with it. `None`: it has to be done alone.
type Answered<A> = Option<(<A as Act>::Made, Option<Outcome>)>;

/// Collects attempts of one kind. Starts with the first.
pub struct Together<A: Act>(Arc<OnceLock<Group<Asked<A>, Answered<A>>>>);

impl<A: Act> Default for Together<A> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<A: Act> Clone for Together<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Act> Debug for Together<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").field("acts", &A::NAME).finish_non_exhaustive()
    }
}

impl<A: Act> Together<A> {
    /// Does the act with others that come at the same time. Returns what was made and, if the job's success is committed with it, the
    /// handler's outcome; `None`: do it alone. The handler must not hold a connection.
    pub async fn ask<S>(&self, cx: &Cx<S>, act: A) -> Option<(A::Made, Option<Outcome>)> {
        let attempt = &cx.attempt;
        if attempt.number > 1 {
            return None;
        }
        let origin = Origin { job: attempt.fence.job, trace: attempt.trace };
        let group = self.0.get_or_init(|| {
            let ledger = attempt.ledger.clone();
            Group::of_at_most(A::MOST, A::NAME, move |asked| {
                let ledger = ledger.clone();
                async move { all(&ledger, asked).await }
            })
        });
        group.ask(Asked { act, fence: attempt.fence, origin }).await?
    }
}

/// Counts a shared transaction by what became of it. Nothing else shows that they fail: whoever was in one succeeds alone.
pub fn count(acts: &'static str, committed: bool) {
    let outcome = if committed { "committed" } else { "failed" };
    metrics::counter!("tradeyard_shared_transactions_total", "acts" => acts, "outcome" => outcome).increment(1);
}

async fn all<A: Act>(ledger: &Ledger, asked: Vec<Asked<A>>) -> Vec<Answered<A>> {
    let ended = attempt(ledger, &asked).await;
    count(A::NAME, ended.is_ok());
    match ended {
        Ok(made) => made,
        Err(error) => {
            let count = asked.len();
            let error = format!("{error:#}");
            tracing::debug!(acts = A::NAME, count, error, "a shared transaction failed; each goes alone");
            asked.iter().map(|_| None).collect()
        }
    }
}

/// One transaction for all of them.
async fn attempt<A: Act>(ledger: &Ledger, asked: &[Asked<A>]) -> anyhow::Result<Vec<Answered<A>>> {
    let mut tx = ledger.begin_by(BEGIN).await?;
    let written = tokio::time::timeout(PATIENCE, write(&mut tx, asked)).await;
    match written.unwrap_or_else(|_| Err(anyhow::anyhow!("it took longer than {PATIENCE:?}"))) {
        Ok(made) => {
            let committing = async {
                fault::pass(Point::BeforeCommit)?;
                tx.commit().await.context("commit effects and finishes")?;
                fault::pass(Point::Committed)?;
                Ok(made)
            };
            let committed = tokio::time::timeout(COMMIT, committing).await;
            committed.unwrap_or_else(|_| Err(anyhow::anyhow!("the commit got no answer within {COMMIT:?}")))
        }
        Err(error) => {
            // Locks are let go before anybody goes alone, who would meet them. Dropping does so some time later, as for a host that is gone.
            if !matches!(tokio::time::timeout(UNDO, tx.rollback()).await, Ok(Ok(()))) {
                tracing::debug!(acts = A::NAME, "a shared transaction was not rolled back by itself");
            }
            Err(error)
        }
    }
}

async fn write<A: Act>(tx: &mut JobTx, asked: &[Asked<A>]) -> anyhow::Result<Vec<Answered<A>>> {
    let acts: Vec<_> = asked.iter().map(|asked| (&asked.act, asked.origin)).collect();
    let done = A::all(tx, &acts).await?;
    anyhow::ensure!(done.len() == asked.len(), "{} acts, {} answers", asked.len(), done.len());
    let effects = asked.iter().zip(&done).filter(|(_, done)| matches!(done, Some(Done::Effect(_))));
    let fences: Vec<_> = effects.map(|(asked, _)| asked.fence).collect();
    finish::succeed_all_in(tx, &fences).await?;
    let made = done.into_iter().map(|done| {
        Some(match done? {
            Done::Effect(made) => (made, Some(Outcome::Committed(Committed::new()))),
            Done::Nothing(made) => (made, None),
        })
    });
    Ok(made.collect())
}

#[cfg(test)]
mod tests;
