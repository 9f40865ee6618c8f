//! What makes two jobs the same, for how long, and what happens to the second one.

use std::fmt::Display;
use std::time::Duration;

/// What to do with a job whose key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Keep the first and return its id.
    Keep,
    /// Give the first one this payload, priority and time, unless it already runs. It begins anew: attempts made so far do not
    /// count, and what they left behind is gone.
    Replace,
    /// Refuse with an error that names the first.
    Reject,
}

/// A job's uniqueness, kept by a unique index of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    pub(crate) key: Option<String>,
    /// `None`: while the job is open.
    pub(crate) period: Option<Duration>,
    pub(crate) on_conflict: OnConflict,
}

impl Unique {
    /// Every job of the kind is its own.
    pub const NO: Self = Self { key: None, period: None, on_conflict: OnConflict::Keep };

    /// One job of the kind with this key as long as it is not finished.
    pub fn while_open(key: impl Display) -> Self {
        Self { key: Some(key.to_string()), ..Self::NO }
    }

    /// One job of the kind with this key within `period` of its creation, finished or not.
    pub fn for_period(key: impl Display, period: Duration) -> Self {
        Self { key: Some(key.to_string()), period: Some(period), ..Self::NO }
    }

    /// Sets what happens to the second job; the default keeps the first.
    #[must_use]
    pub fn on_conflict(self, on_conflict: OnConflict) -> Self {
        Self { on_conflict, ..self }
    }
}
