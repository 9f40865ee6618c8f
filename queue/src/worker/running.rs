//! The attempts that run in this process, and how they are stopped.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::ids::JobId;
use tokio_util::sync::CancellationToken;

use crate::cx::{Attempt, Quiet};
use crate::ticket::Ticket;

/// Why a running attempt is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody cancelled the job.
    Cancelled,
    /// The process shuts down and its grace period is over.
    Shutdown,
    /// The lease is lost: another worker may run the job.
    LeaseLost,
    /// The attempt waits for an answer of the database that will not come.
    SessionLost,
}

/// The attempts that run now, so that they can be found by job and stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running(Arc<Mutex<Attempts>>);

type Attempts = HashMap<JobId, (Arc<Attempt>, StopCell)>;

/// Why this attempt is being stopped, if it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopCell {
    reason: Arc<Mutex<Option<StopReason>>>,
    pub(crate) asked: CancellationToken,
}

impl StopCell {
    pub(crate) fn reason(&self) -> Option<StopReason> {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self, reason: StopReason) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        self.asked.cancel();
    }
}

impl Running {
    pub(crate) fn add(&self, attempt: &Arc<Attempt>) -> StopCell {
        let cell = StopCell { reason: Arc::clone(&attempt.stopped_for), asked: attempt.cancelled.clone() };
        self.lock().insert(attempt.fence.job, (Arc::clone(attempt), cell.clone()));
        cell
    }

    /// Forgets the attempt, unless a newer one of the same job has taken its place.
    pub(crate) fn remove(&self, attempt: &Attempt) {
        let mut running = self.lock();
        if running.get(&attempt.fence.job).is_some_and(|(held, _)| held.fence == attempt.fence) {
            running.remove(&attempt.fence.job);
        }
    }

    pub(crate) fn holds(&self, ticket: Ticket) -> bool {
        self.lock().get(&ticket.job).is_some_and(|(held, _)| held.fence.epoch == ticket.epoch)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn stop(&self, jobs: &[JobId], reason: StopReason) {
        let running = self.lock();
        for (_, cell) in jobs.iter().filter_map(|job| running.get(job)) {
            cell.stop(reason);
        }
    }

    /// Stops the attempts that hold their jobs under this worker's id.
    pub(crate) fn stop_worker(&self, worker: i64, reason: StopReason) {
        for (_, cell) in self.lock().values().filter(|(attempt, _)| attempt.fence.worker == worker) {
            cell.stop(reason);
        }
    }

    pub(crate) fn stop_all(&self, reason: StopReason) {
        for (_, cell) in self.lock().values() {
            cell.stop(reason);
        }
    }

    /// The attempts with log lines that are not yet stored.
    pub(crate) fn with_unsaved_lines(&self) -> Vec<Arc<Attempt>> {
        self.lock().values().filter(|(attempt, _)| attempt.has_unsaved_lines()).map(|(a, _)| Arc::clone(a)).collect()
    }

    /// The attempts that have held their connection for so long without using it. Not those that record an effect: their tries have
    /// limits of their own.
    pub(crate) fn quiet(&self, at_least: Duration) -> Vec<(Arc<Attempt>, Quiet)> {
        let running = self.lock();
        let attempts = running.values().map(|(attempt, _)| attempt);
        let attempts = attempts.filter(|attempt| !attempt.recording.load(Ordering::Relaxed));
        attempts.filter_map(|attempt| Some((Arc::clone(attempt), attempt.connection.quiet(at_least)?))).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
