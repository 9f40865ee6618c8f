//! Group commit: requests that arrive while a statement is under way share the next one.
//!
//! Nothing waits for company: a lone request goes at once. Under load the statements get larger by themselves, and the cost
//! of a round trip and a commit is shared by all that are in the group.
//!
//! # How to get this wrong
//! - Waiting a fixed time to fill a group adds that time to every idle request.
//! - One statement at a time leaves the database idle while the answer travels; two are enough to keep it busy. But a second
//!   one for a handful of requests costs more than it saves: they wait until it is worth a statement, or the first is over.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// The most requests in one statement: past this, a statement grows faster than its cost shrinks.
const LARGEST: usize = 400;
/// How many statements may be under way.
const UNDER_WAY: usize = 2;
/// So many requests are worth a statement beside one that is under way.
const ENOUGH: usize = 100;

/// Collects requests `I` and answers each with `O`.
pub struct Group<I, O> {
    requests: mpsc::UnboundedSender<(I, oneshot::Sender<O>)>,
}

impl<I, O> Clone for Group<I, O> {
    fn clone(&self) -> Self {
        Self { requests: self.requests.clone() }
    }
}

impl<I, O> Debug for Group<I, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl<I: Send + 'static, O: Send + 'static> Group<I, O> {
    /// Starts a group. `run` gets the requests and must answer each, in order. `name` is the metric's label.
    pub fn start<F, R>(name: &'static str, run: F) -> Self
    where
        F: Fn(Vec<I>) -> R + Send + Sync + 'static,
        R: Future<Output = Vec<O>> + Send + 'static,
    {
        Self::of_at_most(LARGEST, name, run)
    }

    /// [`Group::start`] for requests that cost more than a row each: at most `most` of them go together.
    pub fn of_at_most<F, R>(most: usize, name: &'static str, run: F) -> Self
    where
        F: Fn(Vec<I>) -> R + Send + Sync + 'static,
        R: Future<Output = Vec<O>> + Send + 'static,
    {
        // Unbounded, but whoever asks waits for the answer: never longer than there are jobs, requests and sockets at once.
        let (requests, mut incoming) = mpsc::unbounded_channel::<(I, oneshot::Sender<O>)>();
        tokio::spawn(async move {
            let sizes = metrics::histogram!("tradeyard_group_size", "statement" => name);
            let run = Arc::new(run);
            let mut under_way = JoinSet::new();
            let (mut inputs, mut answers) = (Vec::new(), Vec::new());
            loop {
                tokio::select! {
                    biased;
                    Some(_) = under_way.join_next() => {}
                    request = incoming.recv(), if inputs.len() < most => {
                        let Some((input, answer)) = request else { break };
                        inputs.push(input);
                        answers.push(answer);
                        // Requests that are ready now, but not yet polled, join in.
                        tokio::task::yield_now().await;
                    }
                }
                while inputs.len() < most
                    && let Ok((input, answer)) = incoming.try_recv()
                {
                    inputs.push(input);
                    answers.push(answer);
                }
                while under_way.try_join_next().is_some() {}
                let worth_it = match under_way.len() {
                    0 => !inputs.is_empty(),
                    busy => busy < UNDER_WAY && inputs.len() >= ENOUGH.min(most),
                };
                if !worth_it {
                    continue;
                }
                #[expect(clippy::cast_precision_loss, reason = "a group has at most some hundred requests")]
                sizes.record(inputs.len() as f64);
                under_way.spawn(answer_all(
                    Arc::clone(&run),
                    std::mem::take(&mut inputs),
                    std::mem::take(&mut answers),
                ));
            }
            // Nobody can ask any more; what was asked before is still done.
            if !inputs.is_empty() {
                under_way.spawn(answer_all(run, inputs, answers));
            }
            under_way.detach_all();
        });
        Self { requests }
    }

    /// Sends one request and waits for its answer. `None`: the group's task is gone, as at the end of the process.
    pub async fn ask(&self, input: I) -> Option<O> {
        let (answer, answered) = oneshot::channel();
        self.requests.send((input, answer)).ok()?;
        answered.await.ok()
    }
}

async fn answer_all<I, O, F, R>(run: Arc<F>, inputs: Vec<I>, answers: Vec<oneshot::Sender<O>>)
where
    F: Fn(Vec<I>) -> R,
    R: Future<Output = Vec<O>>,
{
    let outputs = run(inputs).await;
    for (answer, output) in answers.into_iter().zip(outputs) {
        // A caller that gave up does not need its answer.
        let _ = answer.send(output);
    }
}

#[cfg(test)]
mod tests;
