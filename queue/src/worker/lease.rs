//! The worker's lease: it is the lease of every job that the process runs, so a heartbeat is one statement a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

/// After how long without a renewal a worker stops what runs, by its own clock: early enough for handlers to end within their
/// grace of three seconds before the reaper may give their jobs to others.
pub const FENCE: Duration = Duration::from_secs(11);
/// How often it renews the lease and looks for cancellations: an operator's cancel is seen within a second.
pub const HEARTBEAT: Duration = Duration::from_millis(500);

/// The id under which this process holds jobs. It changes when a lease was lost.
#[derive(Clone, Debug, Default)]
pub struct Lease(Arc<Held>);

#[derive(Debug, Default)]
struct Held {
    worker: AtomicI64,
    trusted: AtomicBool,
}

impl Lease {
    #[must_use]
    pub fn worker(&self) -> i64 {
        self.0.worker.load(Ordering::Acquire)
    }

    /// Whether the worker is registered and has renewed its lease in time.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.0.trusted.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, worker: i64) {
        self.0.worker.store(worker, Ordering::Release);
        self.trust(true);
    }

    pub(crate) fn trust(&self, trusted: bool) {
        self.0.trusted.store(trusted, Ordering::Relaxed);
    }
}
