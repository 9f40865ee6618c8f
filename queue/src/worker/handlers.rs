//! The handlers of one pool, by kind.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::running::StopReason;
use crate::cx::Cx;
use crate::job::{Handler, Queue, decode};
use crate::outcome::{Decision, Outcome};
use crate::registry::DuplicateKind;
use crate::retry::Retry;

/// How an attempt ended, before the retry policy is applied.
#[derive(Debug)]
pub enum Verdict {
    Outcome(Outcome),
    /// The handler's error and what the job's contract says it means.
    Failed(anyhow::Error, Decision),
    /// The payload does not decode: the job stays, dead and visible, until a program that knows it retries it.
    Undecodable(String),
    /// The attempt was asked to stop and did.
    Stopped(StopReason),
}

type Run<S> = Arc<dyn Fn(i16, Value, Cx<S>) -> BoxFuture<'static, Verdict> + Send + Sync>;

/// One kind's handler.
pub struct Entry<S> {
    pub kind: &'static str,
    pub queue: Queue,
    /// The newest payload that this program reads.
    pub version: i16,
    pub retry: Retry,
    pub timeout: Duration,
    pub(crate) run: Run<S>,
}

impl<S> Debug for Entry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<S> Clone for Entry<S> {
    fn clone(&self) -> Self {
        Self { run: Arc::clone(&self.run), ..*self }
    }
}

/// The handlers that a pool offers. A kind that is added twice is refused at the start.
pub struct Handlers<S> {
    entries: HashMap<&'static str, Entry<S>>,
    duplicate: Option<&'static str>,
}

impl<S> Default for Handlers<S> {
    fn default() -> Self {
        Self { entries: HashMap::new(), duplicate: None }
    }
}

impl<S> Debug for Handlers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

impl<S: Send + Sync + 'static> Handlers<S> {
    /// Adds a job's handler under its kind and its former names.
    #[must_use]
    pub fn with<J: Handler<S>>(mut self) -> Self {
        let run: Run<S> = Arc::new(|version, payload, cx| {
            Box::pin(async move {
                match decode::<J>(version, payload) {
                    Err(error) => Verdict::Undecodable(error.to_string()),
                    Ok(job) => match job.run(&cx).await {
                        Ok(outcome) => Verdict::Outcome(outcome),
                        Err(error) => {
                            let decision = J::on_error(&error);
                            Verdict::Failed(error, decision)
                        }
                    },
                }
            })
        });
        let (kind, queue) = (J::KIND.name, J::QUEUE);
        let entry = Entry { kind, queue, version: J::VERSION, retry: J::RETRY, timeout: J::TIMEOUT, run };
        for name in std::iter::once(&J::KIND.name).chain(J::KIND.aliases) {
            if self.entries.insert(name, entry.clone()).is_some() {
                self.duplicate = Some(name);
            }
        }
        self
    }

    /// Refuses a set in which a kind has two handlers.
    pub fn checked(self) -> Result<Self, DuplicateKind> {
        match self.duplicate {
            Some(name) => Err(DuplicateKind(name)),
            None => Ok(self),
        }
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Entry<S>> {
        self.entries.get(kind)
    }

    /// The kinds, sorted, for the worker's own row.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> = self.entries.keys().map(|&kind| kind.to_owned()).collect();
        kinds.sort_unstable();
        kinds
    }

    /// The queues that these handlers work on, sorted by name.
    #[must_use]
    pub fn queues(&self) -> Vec<Queue> {
        let mut queues: Vec<Queue> = self.entries.values().map(|entry| entry.queue).collect();
        queues.sort_unstable_by_key(|queue| queue.name);
        queues.dedup();
        queues
    }
}
