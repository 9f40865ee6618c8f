//! One queue as its dispatcher sees it: whether it is led, what its broker says, and what must be set right after a change.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::ledger::lead::{LEASE, Led, Seen};
use crate::ledger::reason::Reason;
use crate::transport::{BrokerError, Transport};
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// What the parts of a scheduler share about a queue.
#[derive(Debug)]
pub(crate) struct QueueState {
    pub(super) name: String,
    pub(super) wake: Notify,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The lease by this process's own clock, counted from before it was asked for: it never outlives the ledger's.
    led_until: Option<Instant>,
    backlog: bool,
    /// Kept apart: a broker may report its depth and yet refuse messages.
    publish_error: Option<BrokerError>,
    depth_error: Option<BrokerError>,
    settings: Option<Settings>,
}

/// The settings as they were last seen.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Settings {
    transport: Option<Transport>,
    changed_at: Option<DateTime<Utc>>,
}

/// Somebody changed the queue's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    /// The transport from which the queue was moved.
    pub(super) left: Option<Transport>,
}

impl Changed {
    /// Why jobs go back in line for it.
    pub(super) const fn reason(self) -> Reason {
        if self.left.is_some() { Reason::Moved } else { Reason::Limits }
    }
}

impl QueueState {
    pub(super) fn new(name: String) -> Self {
        Self { name, wake: Notify::new(), inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this scheduler's lease has not run out. One that was frozen learns it here, without asking anybody.
    pub(super) fn is_led(&self) -> bool {
        self.inner().led_until.is_some_and(|until| Instant::now() < until)
    }

    /// The lease was renewed by a statement that was sent at `asked`, or was not. Returns whether the lead is new, and what
    /// has changed since it was last renewed.
    pub(super) fn renewed(&self, asked: Instant, led: Option<&Led>) -> (bool, Option<Changed>) {
        let before = self.is_led();
        let mut inner = self.inner();
        inner.led_until = led.map(|_| asked + LEASE);
        let Some(led) = led else { return (false, None) };
        let now = Settings { transport: led.transport, changed_at: led.changed_at };
        let changed = inner
            .settings
            .replace(now)
            .filter(|then| *then != now)
            .map(|then| Changed { left: then.transport.filter(|_| then.transport != now.transport) });
        (!before, changed)
    }

    /// Jobs wait for room, or do not.
    pub(super) fn see_backlog(&self, backlog: bool) {
        self.inner().backlog = backlog;
    }

    /// How a publish ended.
    pub(super) fn published(&self, result: Result<(), BrokerError>) {
        self.inner().publish_error = result.err();
    }

    /// Whether the last publish failed.
    pub(super) fn publish_fails(&self) -> bool {
        self.inner().publish_error.is_some()
    }

    /// How the broker answered when it was asked for its depth.
    pub(super) fn asked(&self, problem: Option<BrokerError>) {
        let known = std::mem::replace(&mut self.inner().depth_error, problem.clone());
        match (known, problem) {
            (None, Some(problem)) => {
                tracing::warn!(queue = self.name, %problem, "the broker does not answer or is blocked");
            }
            (Some(_), None) => tracing::info!(queue = self.name, "the broker answers again"),
            _ => {}
        }
    }

    /// What carries the queue, as far as this scheduler knows.
    pub(super) fn transport(&self) -> Option<Transport> {
        self.inner().settings.and_then(|settings| settings.transport)
    }

    /// Whether the broker did not answer when it was last asked.
    pub(super) fn does_not_answer(&self) -> bool {
        self.inner().depth_error.is_some()
    }

    /// What the fast paths and the operators see.
    pub(super) fn seen(&self) -> Seen {
        let inner = self.inner();
        Seen {
            queue: self.name.clone(),
            backlog: inner.backlog,
            broker_error: inner.publish_error.clone().or_else(|| inner.depth_error.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
