//! Requests of one kind that share a transaction ([`queue::group`]): those that come while one is under way share the next one, with
//! as many statements for all of them as for one. A lone request goes at once.
//!
//! A request that is refused leaves nothing, and the others stand. When the transaction fails, or takes too long, each of them is done by
//! itself: who had the failure gets a refusal of its own, and a transaction that was committed after all is found by its keys.
//!
//! # How to get this wrong
//! - Going alone while the shared transaction is still being undone: the request meets its own key.
//! - Waiting, in a shared transaction, for a row that somebody holds: everybody would wait for it. What is held is left out.
//! - Letting a request whose key was used by another one of the same transaction pass: its lock is its own, too.

use std::collections::HashSet;
use std::fmt::Debug;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use queue::group::Group;
use queue::{JobTx, Ledger};
use serde::Serialize;
use shared::idempotency::{self, Answer, Key};
use uuid::Uuid;

use super::{IdempotencyKey, Made, before, send};
use crate::error::Problem;

/// How long a shared transaction may take before everybody goes alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a kind of requests does.
pub(crate) trait Act: Send + Sync + Sized + 'static {
    /// The metric's label.
    const NAME: &'static str;
    /// Of an answer to one that is done.
    const STATUS: StatusCode;
    type Body: Serialize + Send;

    /// Does several at once and returns what each has made, in their order; `None`: it has to be done alone. A refused one has written
    /// nothing. On `Err` nothing of them all may stay.
    fn all(tx: &mut JobTx, acts: &[&Self]) -> impl Future<Output = Result<Vec<Option<Done<Self>>>, Problem>> + Send;
}

/// What one request of several has made, or why it is refused.
pub(crate) type Done<A> = Result<Made<<A as Act>::Body>, Problem>;

/// One request.
struct Asked<A> {
    key: String,
    hash: [u8; 32],
    owner: Uuid,
    act: A,
}

/// `None`: it has to be done alone.
type Answered = Option<Result<Response, Problem>>;

/// Collects requests of one kind.
pub(crate) struct Together<A>(Group<Asked<A>, Answered>);

impl<A> Debug for Together<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<A: Act> Together<A> {
    /// Must be called inside a Tokio runtime.
    pub(crate) fn start(ledger: Ledger) -> Self {
        Self(Group::start(A::NAME, move |asked| {
            let ledger = ledger.clone();
            async move { all(&ledger, asked).await }
        }))
    }

    /// Does the act with others that come at the same time, once for each key; `None`: do it alone, under the same key.
    pub(crate) async fn ask(&self, key: &IdempotencyKey, owner: Uuid, act: A) -> Answered {
        // Without a key nobody could find out what became of a transaction whose end was lost.
        let text = key.key.clone()?;
        self.0.ask(Asked { key: text, hash: key.hash, owner, act }).await?
    }
}

async fn all<A: Act>(ledger: &Ledger, asked: Vec<Asked<A>>) -> Vec<Answered> {
    let ended = attempt(ledger, &asked).await;
    queue::together::count(A::NAME, ended.is_ok());
    match ended {
        Ok(answers) => answers,
        Err(problem) => {
            let count = asked.len();
            tracing::debug!(acts = A::NAME, count, ?problem, "a shared transaction failed; each goes alone");
            asked.iter().map(|_| None).collect()
        }
    }
}

/// One transaction for all of them.
async fn attempt<A: Act>(ledger: &Ledger, asked: &[Asked<A>]) -> Result<Vec<Answered>, Problem> {
    let mut tx = ledger.begin_with_plans_kept().await?;
    let late = || Err(Problem::internal(anyhow::anyhow!("it took more than {} s", PATIENCE.as_secs())));
    match tokio::time::timeout(PATIENCE, act(&mut tx, asked)).await.unwrap_or_else(|_| late()) {
        Ok((mut answers, kept)) => {
            tx.commit().await?;
            for (n, answer) in kept {
                answers[n] = Some(send(answer));
            }
            Ok(answers)
        }
        Err(problem) => {
            // Locks and keys are let go before anybody goes alone, who would meet them. Dropping would do so some time later.
            if let Err(error) = tx.rollback().await {
                tracing::debug!(%error, "a shared transaction was not rolled back by itself");
            }
            Err(problem)
        }
    }
}

/// What is answered whatever becomes of the transaction, and what is once it is committed, by their places.
async fn act<A: Act>(tx: &mut JobTx, asked: &[Asked<A>]) -> Result<(Vec<Answered>, Vec<(usize, Answer)>), Problem> {
    let mut answers: Vec<Answered> = asked.iter().map(|_| None).collect();
    let mut used = HashSet::with_capacity(asked.len());
    let firsts: Vec<usize> =
        (0..asked.len()).filter(|&n| used.insert((asked[n].owner, asked[n].key.as_str()))).collect();
    let key = |n: usize| Key { owner: asked[n].owner, key: &asked[n].key, hash: &asked[n].hash };
    let keys: Vec<_> = firsts.iter().map(|&n| key(n)).collect();

    let mut new = Vec::with_capacity(firsts.len());
    for (n, begun) in firsts.into_iter().zip(idempotency::begin_all(tx, &keys).await?) {
        match before(begun) {
            Some(answer) => answers[n] = Some(answer),
            None => new.push(n),
        }
    }
    let acts: Vec<&A> = new.iter().map(|&n| &asked[n].act).collect();
    let done = A::all(tx, &acts).await?;
    let mut kept = Vec::with_capacity(done.len());
    for (n, done) in new.into_iter().zip(done) {
        match done {
            Some(Ok(made)) => kept.push((n, made.answer(A::STATUS)?)),
            Some(Err(refusal)) => answers[n] = Some(Err(refusal)),
            None => {}
        }
    }
    let stored: Vec<_> = kept.iter().map(|(n, answer)| (key(*n), answer)).collect();
    if !stored.is_empty() {
        idempotency::store(tx, &stored).await?;
    }
    Ok((answers, kept))
}

#[cfg(test)]
mod tests;
