//! Takes jobs back from workers that fell silent, and quarantines a job that keeps killing them.

use std::time::Duration;

use crate::error_text::fingerprint;
use crate::ledger::reap::{DeadWorker, Lost, Verdict, clock, expire, lost, take_back};
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::scheduler::Scheduler;
use crate::scheduler::dispatch::{Dispatcher, pause};
use crate::scheduler::reconcile::{self, Compared};

const EVERY: Duration = Duration::from_secs(1);
/// A job that was lost with this many workers is dead: it is more likely the cause than a victim.
pub const QUARANTINE: i16 = 3;
const BATCH: i64 = 500;

/// How long the reaper must have looked without a gap before it buries anybody, in seconds of the database's clock. After an
/// outage of the database every worker's lease has passed; within this time those that live have renewed it.
const SETTLED: f64 = 5.0;

/// Since when the reaper and the database have seen each other without a gap.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contact(Option<(DateTime<Utc>, DateTime<Utc>)>);

impl Contact {
    /// Notes a look; tells whether the reaper may trust what it sees.
    fn look(&mut self, now: DateTime<Utc>) -> bool {
        let seconds = |from: DateTime<Utc>| (now - from).as_seconds_f64();
        let since = self.0.filter(|(_, last)| seconds(*last) < SETTLED).map_or(now, |(since, _)| since);
        self.0 = Some((since, now));
        seconds(since) >= SETTLED
    }
}

/// Runs until `stop`.
pub async fn run(scheduler: Scheduler, dispatcher: Dispatcher, stop: CancellationToken) {
    let mut contact = Contact::default();
    while !stop.is_cancelled() {
        match reap(&scheduler, &mut contact).await {
            Ok(dead) => repeat_for(&scheduler, &dispatcher, &dead).await,
            Err(error) => {
                contact = Contact::default();
                tracing::warn!(%error, "cannot look for dead workers");
            }
        }
        pause(EVERY, &stop).await;
    }
}

/// One look: finds workers whose lease has expired and takes their jobs back; returns those workers.
pub async fn reap(scheduler: &Scheduler, contact: &mut Contact) -> Result<Vec<DeadWorker>, sqlx::Error> {
    let mut conn = scheduler.pool.acquire().await?;
    let now = clock(&mut conn).await?;
    let dead = if contact.look(now) { expire(&mut conn, now, SETTLED).await? } else { Vec::new() };
    for worker in &dead {
        tracing::error!(worker.id = worker.id, worker.name = worker.name, "the worker's lease ran out");
        metrics::counter!("tradeyard_workers_lost_total").increment(1);
    }
    drop(conn);
    loop {
        let mut tx = scheduler.pool.begin().await?;
        let found = lost(&mut tx, BATCH).await?;
        let verdicts: Vec<Verdict> = found.iter().map(|job| judge(scheduler, job)).collect();
        let taken = if verdicts.is_empty() { Vec::new() } else { take_back(&mut tx, &verdicts).await? };
        tx.commit().await?;
        if !taken.is_empty() {
            tracing::warn!(jobs = taken.len(), "took jobs back from workers that are gone");
        }
        for job in taken {
            let labels = [("kind", job.kind), ("outcome", job.outcome)];
            metrics::counter!("tradeyard_jobs_finished_total", &labels).increment(1);
        }
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
    let goes_on = retry.is_none_or(|retry| retry.after(attempts, job.due_at, job.now, 0.5).is_some());
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

#[cfg(test)]
mod tests;
