//! Who may write and answer, and when a review is shown.

use chrono::{DateTime, Utc};

use super::model::WRITING_TERM;

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefusal {
    #[error("the order is not completed")]
    NotCompleted,
    #[error("the time to write about the order is over since {since}")]
    TooLate { since: DateTime<Utc> },
    #[error("the review is shown since {since} and stays as it is")]
    Shown { since: DateTime<Utc> },
    #[error("the review was answered before")]
    Answered,
    #[error("a moderator has hidden the review")]
    Hidden,
    #[error("nobody reports what their own organisation has written")]
    Own,
}

/// A review of an order that is locked, as far as time is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub due_at: DateTime<Utc>,
    pub shown_at: Option<DateTime<Utc>>,
}

/// Whether a side may write, or change what it has written; `now` was read after the order's lock. What is due counts as shown, whether
/// or not the job that shows it has run.
pub fn judge_writing(
    completed_at: Option<DateTime<Utc>>,
    own: Option<Written>,
    now: DateTime<Utc>,
) -> Result<(), ReviewRefusal> {
    let until = completed_at.ok_or(ReviewRefusal::NotCompleted)? + WRITING_TERM;
    match own {
        Some(Written { shown_at: Some(since), .. }) => Err(ReviewRefusal::Shown { since }),
        Some(Written { due_at, .. }) if due_at <= now => Err(ReviewRefusal::Shown { since: due_at }),
        None if now > until => Err(ReviewRefusal::TooLate { since: until }),
        Some(_) | None => Ok(()),
    }
}

/// Whether the reviews of an order are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    Now,
    NotYet {
        until: DateTime<Utc>,
    },
    /// There is none that is not shown.
    Nothing,
}

/// Shows what both sides have written, or what has waited long enough.
#[must_use]
pub fn judge_showing(written: &[Written], now: DateTime<Utc>) -> Showing {
    let waiting = written.iter().filter(|review| review.shown_at.is_none()).map(|review| review.due_at).min();
    match waiting {
        None => Showing::Nothing,
        Some(_) if written.len() > 1 => Showing::Now,
        Some(until) if until <= now => Showing::Now,
        Some(until) => Showing::NotYet { until },
    }
}

#[cfg(test)]
mod tests;
