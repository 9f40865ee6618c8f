//! Takes jobs back from workers that fell silent, and quarantines a job that keeps killing them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::error_text::fingerprint;
use crate::ledger::connections::within;
use crate::ledger::reap::{
    DeadWorker, Lost, SignOfLife, Verdict, bring_forward, clock, expire, held, lost, signs_of_life, take_back,
};
use crate::ledger::workers::LEASE;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::scheduler::dispatch::{Dispatcher, pause};
use crate::scheduler::reconcile::{self, Compared};
use crate::scheduler::{LIMIT, Scheduler};

const EVERY: Duration = Duration::from_secs(1);
/// A job that was lost with this many workers is dead: it is more likely the cause than a victim.
pub const QUARANTINE: i16 = 3;
const BATCH: i64 = 500;

/// How long the reaper must have looked without a gap before it declares anybody dead. After an outage of the database every worker is
/// late; within this time those that live have renewed their leases.
const SETTLED: Duration = Duration::from_secs(5);
/// A worker that has been silent for so long, several renewals, may be kept from renewing.
const QUIET: Duration = Duration::from_secs(3);
/// By how much the database's clock must be behind what it should show to count as set back.
const SET_BACK: Duration = Duration::from_secs(2);

/// What the reaper has seen of the workers, and when, by this process's own measure: clocks that are set make nobody dead and
/// keep nobody alive.
#[derive(Debug, Default)]
pub struct Watch {
    last_look: Option<Instant>,
    workers: HashMap<i64, Seen>,
    clock: Option<(DateTime<Utc>, Instant)>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: DateTime<Utc>,
    /// Since when this is the worker's last sign of life.
    since: Instant,
}

impl Watch {
    /// Notes a look; returns the workers that have been silent for longer than a lease, or have ended.
    fn look(&mut self, now: Instant, signs: &[SignOfLife]) -> Vec<SignOfLife> {
        let had_gap = self.last_look.is_none_or(|last| now.duration_since(last) > SETTLED);
        self.last_look = Some(now);
        let mut before = std::mem::take(&mut self.workers);
        let mut silent = Vec::new();
        for sign in signs {
            let known = before.remove(&sign.worker).filter(|seen| seen.at == sign.at);
            let mut seen = known.unwrap_or(Seen { at: sign.at, since: now });
            if had_gap {
                // What happened meanwhile is not known: whoever lives has some time to say so.
                let earliest = now.checked_sub(LEASE.saturating_sub(SETTLED)).unwrap_or(now);
                seen.since = seen.since.max(earliest);
            }
            if sign.ended || now.duration_since(seen.since) >= LEASE {
                silent.push(*sign);
            }
            self.workers.insert(sign.worker, seen);
        }
        silent
    }

    /// The workers that have been silent for a while.
    fn quiet(&self, now: Instant) -> Vec<i64> {
        let quiet = self.workers.iter().filter(|(_, seen)| now.duration_since(seen.since) >= QUIET);
        quiet.map(|(worker, _)| *worker).collect()
    }

    /// Notes that nothing is known of these workers' silence until now: somebody holds their rows. One that lives has its whole lease
    /// to say so from the moment on when its row is free.
    fn excuse(&mut self, now: Instant, held: &[i64]) {
        for worker in held {
            if let Some(seen) = self.workers.get_mut(worker) {
                seen.since = now;
            }
        }
    }

    /// Makes everything that was seen older, as if this process had looked for so long.
    #[cfg(test)]
    pub(crate) fn age(&mut self, by: Duration) {
        for seen in self.workers.values_mut() {
            seen.since = seen.since.checked_sub(by).unwrap_or(seen.since);
        }
    }

    /// Notes what the database's clock shows; returns whether it may have been set back since the last look.
    fn was_set_back(&mut self, now: Instant, shown: DateTime<Utc>) -> bool {
        let before = self.clock.replace((shown, now));
        before.is_none_or(|(then, at)| shown + SET_BACK < then + now.duration_since(at))
    }
}

/// Runs until `stop`.
pub async fn run(scheduler: Scheduler, dispatcher: Dispatcher, stop: CancellationToken) {
    let mut watch = Watch::default();
    while !stop.is_cancelled() {
        match reap(&scheduler, &mut watch).await {
            Ok(dead) => repeat_for(&scheduler, &dispatcher, &dead).await,
            Err(error) => tracing::warn!(%error, "cannot look for dead workers"),
        }
        pause(EVERY, &stop).await;
    }
}

/// One look: finds workers that are gone and takes their jobs back; returns those workers.
pub async fn reap(scheduler: &Scheduler, watch: &mut Watch) -> Result<Vec<DeadWorker>, sqlx::Error> {
    let looked = within(LIMIT, async {
        let mut conn = scheduler.db.lend().await?;
        let asked = Instant::now();
        let shown = clock(&mut conn).await?;
        let set_back = watch.was_set_back(asked, shown);
        let quiet = watch.quiet(asked);
        if !quiet.is_empty() {
            watch.excuse(asked, &held(&mut conn, &quiet).await?);
        }
        let silent = watch.look(asked, &signs_of_life(&mut conn).await?);
        let dead = if silent.is_empty() {
            Vec::new()
        } else {
            expire(&mut conn, &silent, shown, SETTLED.as_secs_f64()).await?
        };
        conn.give_back();
        Ok((dead, set_back))
    });
    let (dead, set_back) = looked.await?;
    if set_back {
        bring_all_forward(scheduler).await?;
    }
    for worker in &dead {
        tracing::error!(worker.id = worker.id, worker.name = worker.name, "the worker's lease ran out");
        metrics::counter!("tradeyard_workers_lost_total").increment(1);
    }
    loop {
        let taking_back = within(LIMIT, async {
            let mut tx = scheduler.db.begin().await?;
            let found = lost(&mut tx, BATCH).await?;
            let verdicts: Vec<Verdict> = found.iter().map(|job| judge(scheduler, job)).collect();
            let taken = if verdicts.is_empty() { Vec::new() } else { take_back(&mut tx, &verdicts).await? };
            tx.commit().await?;
            Ok((found, taken))
        });
        let (found, taken) = taking_back.await?;
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

/// Sets right what a clock that was set back would delay.
async fn bring_all_forward(scheduler: &Scheduler) -> Result<(), sqlx::Error> {
    loop {
        let moving = within(LIMIT, async {
            let mut conn = scheduler.db.lend().await?;
            let moved = bring_forward(&mut conn, BATCH).await?;
            conn.give_back();
            Ok(moved)
        });
        let moved = moving.await?;
        if moved > 0 {
            tracing::warn!(jobs = moved, "the database's clock was set back: brought retries and snoozes forward");
        }
        if i64::try_from(moved).is_ok_and(|moved| moved < BATCH) {
            return Ok(());
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
