//! What happens to a job after an attempt.

use std::time::Duration;

use serde_json::Value;

/// A handler's answer. An `Err` instead is a retry, unless the job's `on_error` says otherwise.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Outcome {
    Done,
    /// Done; the value is kept with the job and shown with it.
    DoneWith(Value),
    /// The finish was already committed together with the effect, by `cx.commit`.
    Committed(Committed),
    /// Run again after this long. Costs no attempt.
    Snooze(Duration),
    /// The attempt failed in a way that may pass: run again by the retry policy.
    Retry(String),
    /// There is no point in this job any more.
    Cancel(String),
    /// It will never work: keep it for a person to look at.
    Dead(String),
}

/// Shows that the finish is committed: only the kit, which commits it, makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed(());

impl Committed {
    pub(super) const fn new() -> Self {
        Self(())
    }
}

/// What an error means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// By the policy, counting an attempt.
    Retry,
    /// After exactly this long, counting an attempt.
    RetryAfter(Duration),
    /// No further attempt.
    Dead,
    Cancel,
}
