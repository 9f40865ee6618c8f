//! The causes in words for people.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::{JobState, span};
use super::Cause;
use super::facts::Facts;
use crate::ledger::reason::Reason;

/// The sentence, and the advice if something can be done.
pub(super) fn describe(cause: &Cause, facts: &Facts) -> (String, Option<String>) {
    let queue = &facts.queue;
    let ago = |at: DateTime<Utc>| span(facts.now - at);
    match cause {
        Cause::Finished { how, finished_at, error } => {
            let when = finished_at.map(|at| format!(" {} ago", ago(at))).unwrap_or_default();
            match how {
                JobState::Succeeded => (format!("It succeeded{when}."), None),
                JobState::Cancelled => (format!("It was cancelled{when}."), Some(retry(facts))),
                _ => {
                    let error = error.as_deref().unwrap_or("no error was recorded");
                    (format!("It died{when}, after {} attempt(s): {error}", facts.attempt), Some(retry(facts)))
                }
            }
        }
        Cause::Running { worker, since, attempt, cancel_at, worker_lost } => {
            let since = since.map(|at| format!(" for {}", ago(at))).unwrap_or_default();
            let asked = cancel_at.map(|at| format!(" It was asked to stop {} ago.", ago(at))).unwrap_or_default();
            let lost =
                if *worker_lost { " That worker is lost; the job goes back to its queue within seconds." } else { "" };
            (format!("It is running: attempt {attempt} on {worker}{since}.{asked}{lost}"), None)
        }
        Cause::NotDue { until, last_error } => {
            let wait = span(*until - facts.now);
            let sentence = match (facts.reason, last_error) {
                (Some(Reason::Snoozed), _) => format!("Its handler asked for a later time: it runs again in {wait}."),
                (Some(Reason::NoHandler), _) => format!(
                    "A worker without a handler for it gave it back; it runs again in {wait}, where a worker knows it by now."
                ),
                (Some(Reason::WorkerLost), _) => {
                    format!("It runs again in {wait}: its worker was lost at attempt {}.", facts.attempt)
                }
                (_, Some(error)) => format!("It runs again in {wait}, after attempt {}: {error}", facts.attempt),
                (_, None) => {
                    format!("It is not due yet: it runs in {wait}, at {}.", until.format("%Y-%m-%d %H:%M:%S UTC"))
                }
            };
            (sentence, Some(format!("`tradeyard jobs run-now {}` runs it at once.", facts.id)))
        }
        Cause::NewerPayload { version, until } => (
            format!(
                "Its payload has version {version}, which the worker that had it does not read yet; it is offered again in {}.",
                span(*until - facts.now)
            ),
            Some("Deploy workers of the version that enqueued it.".to_owned()),
        ),
        Cause::Paused { since } => (
            format!("The queue {queue} has been paused for {}.", ago(*since)),
            Some(format!("`tradeyard queues resume {queue}` lets it go on.")),
        ),
        Cause::NoDispatcher { last_seen } => {
            let seen =
                last_seen.map_or_else(|| "none was ever seen".to_owned(), |at| format!("last seen {} ago", ago(at)));
            (
                format!("No scheduler dispatches the queue {queue}: {seen}."),
                Some("Start a scheduler, or look at the running one's log.".to_owned()),
            )
        }
        Cause::BrokerDown { transport, error } => (
            format!("The dispatcher cannot reach {transport}: {error}"),
            Some(format!(
                "Bring {transport} back, or move the queue: `tradeyard queues move {queue} <other transport>`. Nothing is lost \
                 meanwhile."
            )),
        ),
        Cause::NoWorker { serving_queue: 0 } => (
            format!("No live worker serves the queue {queue}."),
            Some("Start a worker of its pool; `tradeyard workers` lists who is there.".to_owned()),
        ),
        Cause::NoWorker { serving_queue } => (
            format!("{serving_queue} live worker(s) serve the queue {queue}, but none of them knows this kind."),
            Some("Deploy a worker that has a handler for it, or cancel the job.".to_owned()),
        ),
        Cause::ConcurrencyLimit { limit, running, queued, ahead } => (
            format!(
                "The queue's concurrency limit is reached: {} of {limit} ({running} running, {queued} about to); about {ahead} \
                 wait before it.",
                running + queued
            ),
            Some(format!("`tradeyard queues set {queue} --limit N` changes the limit.")),
        ),
        Cause::TenantShare { own_ahead, tenants, ahead, .. } => (
            format!(
                "Its organisation's share: {tenants} organisations take turns, and {own_ahead} older job(s) of its own go first; \
                 about {ahead} in all."
            ),
            None,
        ),
        Cause::WindowFull { window, running, queued, ahead } => (
            format!(
                "It waits for its turn: the queue's window of {window} is full ({running} running, {queued} in the broker); about \
                 {ahead} go first."
            ),
            Some("More worker processes make the line shorter.".to_owned()),
        ),
        Cause::RateLimit { per_second, next_token_ms, ahead, turn_ms } => (
            format!(
                "The rate limit of {per_second}/s: the next job leaves in {}; {ahead} go first, its own turn comes in about {}.",
                span(TimeDelta::milliseconds(*next_token_ms)),
                span(TimeDelta::milliseconds(*turn_ms)),
            ),
            Some(format!("`tradeyard queues set {queue} --rate N` changes it.")),
        ),
        Cause::InBroker { transport, since, ahead, running, slots } => (
            format!(
                "It is in {transport}{}, with {ahead} before it; workers run {running} of at most {slots} at once.",
                since.map(|at| format!(" for {}", ago(at))).unwrap_or_default()
            ),
            None,
        ),
        Cause::DispatchLag { due_for_ms, ahead } => (
            format!(
                "Nothing holds it: it has been due for {} and leaves with one of the dispatcher's next turns ({ahead} before it).{}",
                span(TimeDelta::milliseconds(*due_for_ms)),
                facts.reason.and_then(came_back).unwrap_or_default(),
            ),
            None,
        ),
    }
}

fn retry(facts: &Facts) -> String {
    format!("`tradeyard jobs retry {}` runs it again.", facts.id)
}

/// What brought a job back that nothing holds any more.
fn came_back(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::TransportRefused => " Its message was not taken before.",
        Reason::WorkerStopped => " The worker that had it has stopped.",
        Reason::WorkerLost => " The worker that had it was lost.",
        Reason::Moved => " It came back when the queue was moved.",
        Reason::Limits => " It came back when the queue's limits were changed.",
        Reason::Paused => " It came back when the queue was paused.",
        Reason::Failed | Reason::Snoozed | Reason::NoHandler | Reason::NewerPayload => return None,
    })
}
