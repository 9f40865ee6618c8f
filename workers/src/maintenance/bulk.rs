//! What jobs that act on many other jobs have in common.

use std::time::Duration;

/// How many jobs one transaction acts on: few enough that nobody waits for its locks.
pub(super) const BATCH: usize = 500;
/// How long to wait before looking again for rows that somebody held; they are free within
/// milliseconds.
pub(super) const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// How much of it is done, in percent. The last percent comes with the end.
pub(super) fn percent(done: u64, of: u64) -> u8 {
    u8::try_from((done * 100).checked_div(of).unwrap_or(0).min(99)).unwrap_or(99)
}
