//! Fires the schedules. Every scheduler does it; the row `(schedule, fire_at)`, committed with its job, decides who fired.
//!
//! The database's clock decides what is due; this process's clock only measures how long to sleep. It looks at the table
//! at least once a second, so that edits, resumes and clocks that jump are seen.
//!
//! # How to get this wrong
//! - Sleeping until the next fire time and no shorter: an operator's edit would wait for it.
//! - Keeping "last fired" in memory: a scheduler that takes over would fire again, or skip.
//! - Firing only what could be declared just now: one row that somebody holds would stop every schedule.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::Ledger;
use crate::ledger::connections::Connections;
use crate::registry::Registry;
use crate::schedule::store::{self, Declarations, Due, Faults, Outcome};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::scheduler::dispatch::pause;

/// The longest sleep.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The shortest: several schedulers wake at the same tick, and one of them needs a moment to commit it.
const SHORTEST: Duration = Duration::from_millis(20);
/// How often a scheduler says that its declarations stand.
const DECLARE_EVERY: Duration = Duration::from_secs(30);
/// How soon it says so again when that did not succeed.
const DECLARE_AGAIN: Duration = Duration::from_secs(2);
/// How long a round may take: past that its connections are given up, and the next round begins anew.
const ROUND: Duration = Duration::from_secs(10);
/// Longer than any clock should ever jump back: a forgotten tick could fire again.
const KEEP_TICKS: Duration = Duration::from_hours(7 * 24);

/// Fires the schedules of one scheduler.
#[derive(Debug)]
pub struct Ticker {
    ledger: Ledger,
    db: Connections,
    registry: Arc<Registry>,
    declarations: Declarations,
    /// Added to the database's clock; zero but in tests.
    skew: TimeDelta,
    /// Schedules whose fault was logged.
    reported: HashSet<String>,
}

impl Ticker {
    /// Checks every declared schedule of the registry.
    pub fn new(pool: PgPool, registry: Arc<Registry>) -> Result<Self, Faults> {
        let declarations = Declarations::of(&registry)?;
        let db = Connections::few(&pool, 1);
        Ok(Self {
            ledger: Ledger::new(pool),
            db,
            registry,
            declarations,
            skew: TimeDelta::zero(),
            reported: HashSet::new(),
        })
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let (mut anew, mut next) = (true, Instant::now());
        while !stop.is_cancelled() {
            let round = async {
                if Instant::now() >= next {
                    next = Instant::now() + DECLARE_AGAIN;
                    match self.declare(anew).await {
                        Ok(true) => (anew, next) = (false, Instant::now() + DECLARE_EVERY),
                        Ok(false) => {}
                        Err(error) => tracing::warn!(%error, "cannot declare the schedules; trying again"),
                    }
                }
                self.round().await
            };
            let round = tokio::time::timeout(ROUND, round).await;
            let sleep = match round.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {ROUND:?}"))) {
                Ok(sleep) => sleep,
                Err(error) => {
                    tracing::warn!(%error, "cannot fire schedules");
                    LOOK_EVERY
                }
            };
            pause(sleep, &stop).await;
        }
    }

    /// Writes what the code declares; see [`store::declare`]. Returns whether all of it is written.
    pub async fn declare(&self, anew: bool) -> Result<bool, sqlx::Error> {
        let mut conn = self.db.lend().await?;
        let done = store::declare(&mut conn, &self.declarations, anew).await?;
        for name in done.retired {
            tracing::info!(schedule = name, "no program declares this schedule any more; it is retired");
        }
        store::forget_ticks(&mut conn, KEEP_TICKS).await?;
        conn.give_back();
        if !done.held.is_empty() {
            tracing::info!(schedules = done.held.join(", "), "somebody holds these schedules; declaring them again");
        }
        Ok(done.held.is_empty())
    }

    /// Fires everything that is due now, and returns how long to sleep.
    pub async fn round(&mut self) -> anyhow::Result<Duration> {
        let mut conn = self.db.lend().await?;
        let now = store::now(&mut conn, self.skew).await?;
        let schedules = store::due(&mut conn, now).await?;
        conn.give_back();
        let mut decided = false;
        for schedule in &schedules {
            self.report(schedule);
            if schedule.at.is_some_and(|at| at <= now) {
                let name = &schedule.name;
                match store::fire(&self.ledger, &self.registry, name, self.skew).await {
                    Ok(outcome) => {
                        report_outcome(name, &outcome);
                        decided |= outcome.decided;
                    }
                    // A schedule that fails does not hold up the others.
                    Err(error) => tracing::warn!(schedule = name, %error, "cannot fire the schedule; trying again"),
                }
            }
        }
        // A schedule that was decided has another next time, which the next round reads.
        Ok(if decided { SHORTEST } else { sleep(&schedules, now) })
    }

    fn report(&mut self, schedule: &Due) {
        match &schedule.problem {
            Some(problem) if self.reported.insert(schedule.name.clone()) => {
                tracing::warn!(schedule = schedule.name, problem, "the schedule cannot fire");
            }
            Some(_) => {}
            None => {
                self.reported.remove(&schedule.name);
            }
        }
    }
}

/// How long until the next fire time, within bounds.
fn sleep(schedules: &[Due], now: DateTime<Utc>) -> Duration {
    let next = schedules.iter().filter_map(|schedule| schedule.at).filter(|at| *at > now).min();
    let until = next.and_then(|next| (next - now).to_std().ok()).unwrap_or(LOOK_EVERY);
    until.clamp(SHORTEST, LOOK_EVERY)
}

fn report_outcome(name: &str, outcome: &Outcome) {
    for fired in &outcome.fired {
        tracing::info!(schedule = name, fire_at = %fired.fire_at, job.id = fired.job.0, "fired");
        metrics::counter!("tradeyard_schedule_fires_total", "schedule" => name.to_owned()).increment(1);
        metrics::histogram!("tradeyard_schedule_late_seconds").record(fired.late.as_seconds_f64());
    }
    if outcome.skipped {
        tracing::warn!(schedule = name, "missed times were passed over, as the schedule's misfire policy says");
    }
    if let Some(problem) = &outcome.problem {
        tracing::error!(schedule = name, problem, "the schedule's job cannot be enqueued");
    }
}

#[cfg(test)]
mod tests;
