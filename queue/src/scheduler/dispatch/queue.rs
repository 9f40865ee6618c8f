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
mod tests {
    use std::time::Duration;

    use super::*;

    fn led(transport: Transport) -> Led {
        Led { queue: "emails".to_owned(), transport: Some(transport), changed_at: None }
    }

    #[test]
    fn a_lease_that_is_not_renewed_runs_out_by_itself() {
        let queue = QueueState::new("emails".to_owned());
        let asked = Instant::now();
        assert_eq!(queue.renewed(asked, Some(&led(Transport::Redis))), (true, None));
        assert!(queue.is_led());
        // As after a freeze: the answer came in time, but nothing has since.
        let before = asked.checked_sub(LEASE + Duration::from_millis(1)).unwrap();
        queue.renewed(before, Some(&led(Transport::Redis)));
        assert!(!queue.is_led());
    }

    #[test]
    fn a_move_is_noticed_once() {
        let queue = QueueState::new("emails".to_owned());
        queue.renewed(Instant::now(), Some(&led(Transport::Redis)));
        let (_, changed) = queue.renewed(Instant::now(), Some(&led(Transport::Rabbit)));
        assert_eq!(changed, Some(Changed { left: Some(Transport::Redis) }));
        assert_eq!(queue.renewed(Instant::now(), Some(&led(Transport::Rabbit))).1, None);
        let other = Led { changed_at: Some(DateTime::UNIX_EPOCH), ..led(Transport::Rabbit) };
        assert_eq!(queue.renewed(Instant::now(), Some(&other)).1, Some(Changed { left: None }));
    }

    #[test]
    fn a_broker_that_tells_its_depth_but_refuses_messages_is_down() {
        let queue = QueueState::new("emails".to_owned());
        let alarm = BrokerError::blocked(Transport::Rabbit);
        queue.published(Err(alarm.clone()));
        queue.asked(None);
        assert_eq!(queue.seen().broker_error, Some(alarm));
        queue.published(Ok(()));
        assert_eq!(queue.seen().broker_error, None);
        let refused = BrokerError::new(Transport::Rabbit, "refused");
        queue.asked(Some(refused.clone()));
        assert_eq!(queue.seen().broker_error, Some(refused));
    }
}
