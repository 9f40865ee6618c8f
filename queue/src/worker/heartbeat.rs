//! Keeps the worker's lease, and stops what runs when the lease can no longer be trusted.
//!
//! # How to get this wrong
//! - Trusting a lease that was renewed once: a process that is cut off from the database must stop by its own clock, before
//!   others take its jobs over.
//! - Waiting for an answer without a limit: on a connection that is half open it never comes.
//! - Taking a row that somebody holds for a database that is away: the reaper cannot take the lease either (docs/decisions/0033).

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::lease::{FENCE, HEARTBEAT};
use super::neighbours::has_ended;
use super::running::StopReason;
use super::sessions::give_up_lost_sessions;
use crate::ledger::connections::{Connections, within};
use crate::ledger::finish::{self, Ended, Ending};
use crate::ledger::locks::was_locked_out;
use crate::ledger::workers::{
    Registration, cancelling, has_lease, held_since, neighbours, register, renew, report_ended,
};

/// How long one beat may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(5);
/// A claim whose answer is under way is younger than this.
const CLAIM_SETTLES: Duration = Duration::from_secs(5);

/// The heartbeat of a worker process. Has a task of its own, so that no handler can hold it up.
pub(crate) struct Heartbeat<S> {
    engine: Arc<Engine<S>>,
    db: Connections,
    registration: Registration,
    /// When the last renewal that succeeded was sent: the lease counts from there at the earliest.
    renewed: Instant,
    /// What ran was stopped because renewals fail.
    fenced: bool,
    /// The lease is known to be lost and nothing has been renewed since.
    lost: bool,
}

impl<S: Send + Sync + 'static> Heartbeat<S> {
    /// For a worker that has just registered.
    pub(crate) fn new(engine: Arc<Engine<S>>, db: Connections, registration: Registration) -> Self {
        Self { engine, db, registration, renewed: Instant::now(), fenced: false, lost: false }
    }

    /// Beats until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut every = tokio::time::interval(HEARTBEAT);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut beats: u32 = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            beats = beats.wrapping_add(1);
            let db = self.db.clone();
            let limit = PATIENCE.min(self.until_fence());
            let beat = async {
                let mut conn = db.lend().await?;
                self.beat(&mut conn, beats).await?;
                conn.give_back();
                Ok(())
            };
            match within(limit, beat).await {
                Ok(()) => self.save_lines(&stop).await,
                Err(error) => tracing::warn!(%error, "heartbeat failed"),
            }
            if !self.fenced && self.until_fence().is_zero() {
                tracing::error!("the lease could not be renewed: stopping what runs before others take it over");
                self.fenced = true;
                self.count_loss();
                self.engine.running.stop_worker(self.engine.lease.worker(), StopReason::LeaseLost);
            }
        }
    }

    /// How long the lease can still be trusted; once it is not, a beat has its full time.
    fn until_fence(&self) -> Duration {
        if self.fenced { PATIENCE } else { FENCE.saturating_sub(self.renewed.elapsed()) }
    }

    async fn beat(&mut self, conn: &mut PgConnection, beats: u32) -> Result<(), sqlx::Error> {
        let engine = Arc::clone(&self.engine);
        let worker = engine.lease.worker();
        let sent = Instant::now();
        let running = i32::try_from(engine.running.len()).unwrap_or(i32::MAX);
        let renewed = match renew(conn, worker, running, &engine.run_times.means()).await {
            Err(error) if was_locked_out(&error) => {
                tracing::warn!(
                    worker.id = worker,
                    "somebody holds this worker's row: its lease goes on without a renewal"
                );
                has_lease(conn, worker).await?
            }
            renewed => renewed?,
        };
        if !renewed {
            return self.start_over(conn, worker).await;
        }
        (self.renewed, self.lost) = (sent, false);
        engine.lease.trust(true);
        let was_fenced = std::mem::take(&mut self.fenced);
        let cancelled = cancelling(conn, worker).await?;
        engine.running.stop(&cancelled, StopReason::Cancelled);
        if was_fenced || beats.is_multiple_of(10) {
            give_up_lost_claims(&engine, conn, worker).await?;
        }
        if beats.is_multiple_of(10) {
            give_up_lost_sessions(&engine, conn).await?;
        }
        if beats.is_multiple_of(2) {
            self.look_around(conn).await?;
        }
        Ok(())
    }

    /// Stores what handlers logged; a ledger that does not take it must not hold up the next beat.
    async fn save_lines(&self, stop: &CancellationToken) {
        let saving = async {
            for attempt in self.engine.running.with_unsaved_lines() {
                self.engine.save_lines(&attempt).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = saving => {}
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
    }

    /// Tells the reaper of workers of this place that have ended, so that their jobs need not wait for the leases.
    async fn look_around(&self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let Some(place) = &self.registration.place else { return Ok(()) };
        let there = neighbours(conn, place).await?;
        let ended: Vec<i64> = there.into_iter().filter(|(_, pid)| has_ended(*pid)).map(|(worker, _)| worker).collect();
        if !ended.is_empty() {
            report_ended(conn, &ended).await?;
        }
        Ok(())
    }

    /// A loss counts once, when it is first noticed; until a renewal the worker is not ready.
    fn count_loss(&mut self) {
        self.engine.lease.trust(false);
        if !std::mem::replace(&mut self.lost, true) {
            metrics::counter!("tradeyard_lease_losses_total").increment(1);
        }
    }

    /// The reaper has found the lease of this worker expired: others have its jobs. Whatever happens to the new registration, they stop now.
    async fn start_over(&mut self, conn: &mut PgConnection, worker: i64) -> Result<(), sqlx::Error> {
        self.count_loss();
        let engine = &self.engine;
        tracing::error!(worker.id = worker, "the lease is lost: stopping what runs and starting over");
        engine.running.stop_worker(worker, StopReason::LeaseLost);
        let sent = Instant::now();
        engine.lease.set(register(conn, &self.registration).await?);
        // Claims that were under way until here carry the old id as well.
        engine.running.stop_worker(worker, StopReason::LeaseLost);
        (self.renewed, self.lost, self.fenced) = (sent, false, false);
        Ok(())
    }
}

/// A claim whose answer was lost on the way, and an attempt that was stopped while the database was away, leave a job running
/// that nobody runs: give it back.
async fn give_up_lost_claims<S: Send + Sync + 'static>(
    engine: &Engine<S>,
    conn: &mut PgConnection,
    worker: i64,
) -> Result<(), sqlx::Error> {
    let queues: Vec<String> = engine.handlers.queues().iter().map(|queue| queue.name.to_owned()).collect();
    let held = held_since(conn, worker, &queues, CLAIM_SETTLES).await?;
    let lost: Vec<_> = held.into_iter().filter(|held| !engine.running.holds(held.ticket)).collect();
    if lost.is_empty() {
        return Ok(());
    }
    tracing::warn!(jobs = lost.len(), "giving back jobs that the ledger says run here and that do not");
    let ends: Vec<_> = lost
        .iter()
        .map(|held| Ended {
            job: held.ticket.job,
            epoch: held.ticket.epoch,
            ending: Ending::Returned,
            delay: 0.0,
            error: Some("the worker and the ledger lost sight of each other".to_owned()),
            fingerprint: None,
            started_at: held.started_at,
        })
        .collect();
    let done = finish::end(conn, worker, &ends.iter().collect::<Vec<_>>()).await?;
    for held in lost.into_iter().filter(|held| done.contains(&held.ticket.job)) {
        metrics::counter!("tradeyard_jobs_finished_total", "kind" => held.kind, "outcome" => "returned").increment(1);
    }
    Ok(())
}
