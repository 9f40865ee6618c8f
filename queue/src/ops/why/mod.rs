//! Why a job is not running: the one true cause, with the facts that show it.
//!
//! The causes are asked in the order in which a job meets them: is it finished or running, is it due, is its queue paused,
//! does anybody dispatch the queue, can the dispatcher reach the broker, does a worker know the kind, and only then whether
//! a limit is reached or others go first. A cause further down is never named while one further up holds the job, because
//! removing it alone would change nothing.
//!
//! # How to get this wrong
//! - Naming a full window when no worker lives: the window is full because nothing drains it.
//! - Trusting what a dispatcher wrote before it died: its broker error may be long past.
//! - Naming the rate limit while the window is full: the tokens are there, the room is not.

mod describe;
mod facts;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;

use super::queues::DISPATCHER_SILENT;
use super::{JobState, OpsError};
use crate::ledger::reason::Reason;
use crate::registry::Registry;
use crate::transport::Transport;
use facts::{Ahead, Facts};

/// A message that waits longer than this while workers have free slots is probably lost; the dispatcher then repeats it.
const MESSAGE_LATE: TimeDelta = TimeDelta::seconds(5);

/// The answer.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Why {
    #[schema(value_type = i64)]
    pub job: JobId,
    pub state: JobState,
    pub queue: String,
    pub kind: String,
    /// Why it last went back in line; `None`: it never did.
    pub reason: Option<Reason>,
    /// When this was true, by the database's clock.
    pub at: DateTime<Utc>,
    #[serde(flatten)]
    pub cause: Cause,
    /// The cause in words.
    pub sentence: String,
    /// What an operator can do about it, if anything is to be done.
    pub advice: Option<String>,
}

/// What keeps a job from running. Durations are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    Finished {
        how: JobState,
        finished_at: Option<DateTime<Utc>>,
        error: Option<String>,
    },
    Running {
        worker: String,
        since: Option<DateTime<Utc>>,
        attempt: i32,
        /// When somebody asked it to stop.
        cancel_at: Option<DateTime<Utc>>,
        /// The worker's lease has passed: the job will be taken back within seconds.
        worker_lost: bool,
    },
    NotDue {
        until: DateTime<Utc>,
        /// What ended the attempt before, if there was one.
        last_error: Option<String>,
    },
    /// A worker that reads only older payloads of its kind gave it back; one of a newer version takes it.
    NewerPayload {
        version: i16,
        until: DateTime<Utc>,
    },
    Paused {
        since: DateTime<Utc>,
    },
    NoDispatcher {
        /// `None`: never seen.
        last_seen: Option<DateTime<Utc>>,
    },
    BrokerDown {
        transport: Transport,
        error: String,
    },
    NoWorker {
        /// Live workers that serve the queue, but not this kind.
        serving_queue: i64,
    },
    ConcurrencyLimit {
        limit: i32,
        running: i64,
        queued: i64,
        ahead: i64,
    },
    /// Its own organisation's older jobs go first, and other organisations have their turns in between.
    TenantShare {
        #[schema(value_type = Option<uuid::Uuid>)]
        tenant: Option<OrgId>,
        own_ahead: i64,
        /// Organisations with waiting jobs of the same priority, this one included.
        tenants: i64,
        ahead: i64,
    },
    /// Waiting for its turn: the queue's window is full.
    WindowFull {
        window: i32,
        running: i64,
        queued: i64,
        /// About how many waiting jobs go first.
        ahead: i64,
    },
    RateLimit {
        per_second: f64,
        next_token_ms: i64,
        ahead: i64,
        /// About how long until this job's turn.
        turn_ms: i64,
    },
    /// A broker has it; workers take the messages before it first.
    InBroker {
        transport: Transport,
        since: Option<DateTime<Utc>>,
        ahead: i64,
        running: i64,
        /// The most jobs that the live workers of this kind run at once.
        slots: i64,
    },
    /// Nothing holds it: the dispatcher takes it with one of its next turns.
    DispatchLag {
        due_for_ms: i64,
        ahead: i64,
    },
}

/// Finds out why `job` is not running.
pub async fn why(conn: &mut PgConnection, registry: &Registry, job: JobId) -> Result<Why, OpsError> {
    let kind = facts::kind_of(conn, job).await?.ok_or(OpsError::UnknownJob(job))?;
    // Workers announce the kinds that they know; a row may still carry a former name.
    let mut names = vec![kind.as_str()];
    if let Some(info) = registry.get(&kind) {
        names.push(info.kind.name);
        names.extend(info.kind.aliases);
    }
    let facts = facts::read(conn, job, &names).await?.ok_or(OpsError::UnknownJob(job))?;
    let cause = match held(&facts) {
        Some(cause) => cause,
        None if facts.state == JobState::Queued => in_broker(&facts, facts::ahead_in_broker(conn, &facts).await?),
        None => waiting(&facts, facts::ahead(conn, &facts).await?),
    };
    let (sentence, advice) = describe::describe(&cause, &facts);
    let reason = facts.reason.filter(|_| facts.state.is_open() && facts.state != JobState::Running);
    Ok(Why { job, state: facts.state, queue: facts.queue, kind, reason, at: facts.now, cause, sentence, advice })
}

/// The causes that hold a job wherever it stands in the line.
fn held(facts: &Facts) -> Option<Cause> {
    match facts.state {
        JobState::Succeeded | JobState::Cancelled | JobState::Dead => {
            return Some(Cause::Finished {
                how: facts.state,
                finished_at: facts.finished_at,
                error: facts.error.clone(),
            });
        }
        JobState::Running => {
            return Some(Cause::Running {
                worker: facts.worker_name.clone().unwrap_or_else(|| "an unknown worker".to_owned()),
                since: facts.started_at,
                attempt: facts.attempt,
                cancel_at: facts.cancel_at,
                worker_lost: !facts.worker_holds,
            });
        }
        // A worker without a handler gives a job back for some seconds: time is not what it waits for.
        JobState::Scheduled if facts.reason == Some(Reason::NoHandler) && facts.slots == 0 => {}
        JobState::Scheduled if facts.reason == Some(Reason::NewerPayload) => {
            return Some(Cause::NewerPayload { version: facts.version, until: facts.run_at });
        }
        JobState::Scheduled if facts.run_at > facts.now => {
            return Some(Cause::NotDue { until: facts.run_at, last_error: facts.error.clone() });
        }
        JobState::Scheduled | JobState::Available | JobState::Queued => {}
    }
    if facts.paused == Some(true) {
        return Some(Cause::Paused { since: facts.changed_at.unwrap_or(facts.now) });
    }
    let dispatched = facts.dispatcher_seen_at.is_some_and(|seen| facts.now - seen < DISPATCHER_SILENT);
    // A queued job needs its dispatcher again only if the broker lost its message.
    if !dispatched && facts.state != JobState::Queued {
        return Some(Cause::NoDispatcher { last_seen: facts.dispatcher_seen_at });
    }
    if let (true, Some(error)) = (dispatched, &facts.broker_error) {
        return Some(Cause::BrokerDown { transport: facts.transport(), error: error.clone() });
    }
    if facts.slots == 0 {
        return Some(Cause::NoWorker { serving_queue: facts.serving_queue });
    }
    let late = facts.queued_at.is_some_and(|queued| facts.now - queued > MESSAGE_LATE);
    if !dispatched && late && facts.running < facts.slots {
        return Some(Cause::NoDispatcher { last_seen: facts.dispatcher_seen_at });
    }
    None
}

fn in_broker(facts: &Facts, ahead: i64) -> Cause {
    Cause::InBroker {
        transport: facts.transport(),
        since: facts.queued_at,
        ahead,
        running: facts.running,
        slots: facts.slots,
    }
}

/// The causes that lie in the queue's limits and in the line before the job.
fn waiting(facts: &Facts, line: Ahead) -> Cause {
    let inflight = facts.queued + facts.running;
    let ahead = line.fair();
    if let Some(limit) = facts.concurrency_limit.filter(|&limit| inflight >= i64::from(limit)) {
        return Cause::ConcurrencyLimit { limit, running: facts.running, queued: facts.queued, ahead };
    }
    let by_rate = facts.most_queued().filter(|&most| facts.queued >= most);
    let full = facts.window().filter(|&window| inflight >= i64::from(window));
    // With a rate limit, no more may lie in the broker than leave it within a second.
    if let Some(window) = full.or_else(|| by_rate.and_then(|most| i32::try_from(most).ok())) {
        // By age alone it would be nearer to its turn: what holds it is that every organisation gets its share.
        if line.tenants > 1 && ahead > line.older {
            return Cause::TenantShare { tenant: facts.tenant, own_ahead: line.own, tenants: line.tenants, ahead };
        }
        return Cause::WindowFull { window, running: facts.running, queued: facts.queued, ahead };
    }
    if let Some(per_second) = facts.rate_per_second {
        let tokens = facts.tokens(per_second);
        #[expect(clippy::cast_precision_loss, reason = "far fewer jobs than 2^52")]
        let missing = ahead as f64 + 1.0 - tokens;
        if missing > 0.0 {
            let next_token_ms = millis((1.0 - tokens).max(0.0) / per_second);
            return Cause::RateLimit { per_second, next_token_ms, ahead, turn_ms: millis(missing / per_second) };
        }
    }
    Cause::DispatchLag { due_for_ms: (facts.now - facts.run_at).num_milliseconds().max(0), ahead }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates")]
fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0).ceil() as i64
}

#[cfg(test)]
mod tests;
