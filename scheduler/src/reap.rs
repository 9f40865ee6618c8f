//! Takes jobs back from workers that fell silent, and quarantines a job that keeps killing them.

use std::time::Duration;

use jobs::kit::error_text::fingerprint;
use jobs::kit::ledger::reap::{DeadWorker, Lost, Verdict, bury, lost, take_back};
use tokio_util::sync::CancellationToken;

use crate::Scheduler;
use crate::dispatch::{Dispatcher, pause};
use crate::reconcile::{self, Compared};

const EVERY: Duration = Duration::from_secs(1);
/// A job that was lost with this many workers is dead: it is more likely the cause than a victim.
pub const QUARANTINE: i16 = 3;
const BATCH: i64 = 500;

/// Runs until `stop`.
pub async fn run(scheduler: Scheduler, dispatcher: Dispatcher, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match reap(&scheduler).await {
            Ok(dead) => repeat_for(&scheduler, &dispatcher, &dead).await,
            Err(error) => tracing::warn!(%error, "cannot look for dead workers"),
        }
        pause(EVERY, &stop).await;
    }
}

/// One look: buries dead workers and takes their jobs back; returns the buried.
pub async fn reap(scheduler: &Scheduler) -> Result<Vec<DeadWorker>, sqlx::Error> {
    let mut conn = scheduler.pool.acquire().await?;
    let dead = bury(&mut conn).await?;
    for worker in &dead {
        tracing::error!(worker.id = worker.id, worker.name = worker.name, "the worker's lease ran out");
        metrics::counter!("tradeyard_workers_lost_total").increment(1);
    }
    drop(conn);
    loop {
        let mut tx = scheduler.pool.begin().await?;
        let found = lost(&mut tx, BATCH).await?;
        let verdicts: Vec<Verdict> = found.iter().map(|job| judge(scheduler, job)).collect();
        if !verdicts.is_empty() {
            let taken = take_back(&mut tx, &verdicts).await?;
            tracing::warn!(jobs = taken, "took jobs back from workers that are gone");
        }
        tx.commit().await?;
        if i64::try_from(found.len()).is_ok_and(|count| count < BATCH) {
            return Ok(dead);
        }
    }
}

/// A first loss costs a second; a job that was there every time a worker died is quarantined.
fn judge(scheduler: &Scheduler, job: &Lost) -> Verdict {
    let error = format!("the worker died during attempt {}", job.attempt);
    let attempts = u32::try_from(job.attempt).unwrap_or(1);
    let retry = scheduler.registry.get(&job.kind).map(|info| info.retry);
    let goes_on = retry.is_none_or(|retry| retry.after(attempts, job.created_at, job.now, 0.5).is_some());
    let delay = if job.losses + 1 >= QUARANTINE || !goes_on {
        None
    } else {
        // Spread, so that the jobs that died together do not run together again.
        Some(4_f64.powi(i32::from(job.losses)) * (0.5 + rand::random::<f64>()))
    };
    Verdict { job: job.job, delay, fingerprint: fingerprint(&job.kind, "the worker died"), error }
}

/// Messages that the dead held in their buffers are sent again at once.
async fn repeat_for(scheduler: &Scheduler, dispatcher: &Dispatcher, dead: &[DeadWorker]) {
    let led = dispatcher.led();
    let mut queues: Vec<&String> = dead.iter().flat_map(|worker| &worker.queues).collect();
    queues.sort_unstable();
    queues.dedup();
    for queue in queues.into_iter().filter(|queue| led.contains(queue)) {
        match reconcile::repeat_orphans(scheduler, queue).await {
            Ok(Compared::Down(problem)) => dispatcher.broker_answers(queue, Some(problem)),
            Ok(_) => {}
            Err(error) => tracing::warn!(queue, %error, "cannot send again what a dead worker held"),
        }
    }
}
