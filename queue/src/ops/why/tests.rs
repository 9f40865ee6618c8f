use uuid::Uuid;

use super::super::testing::{TestLedger, insert};
use super::*;
use crate::ops::{Actor, queues};

/// A queue on which nothing is wrong: a dispatcher, a worker with four slots.
async fn healthy() -> TestLedger {
    let mut ledger = TestLedger::new().await;
    ledger.dispatcher("emails").await;
    ledger.worker(&["emails"], &["t.send"]).await;
    ledger
}

async fn cause(ledger: &mut TestLedger, job: JobId) -> Cause {
    let why = why(&mut ledger.conn, &Registry::default(), job).await.unwrap();
    assert!(!why.sentence.is_empty());
    why.cause
}

async fn available(ledger: &mut TestLedger) -> JobId {
    insert(&mut ledger.conn, "emails", JobState::Available).await
}

#[tokio::test]
async fn finished_jobs_say_how() {
    let mut ledger = healthy().await;
    for how in [JobState::Succeeded, JobState::Cancelled, JobState::Dead] {
        let job = insert(&mut ledger.conn, "emails", how).await;
        ledger.set(job, "error = 'no such box'").await;
        let cause = cause(&mut ledger, job).await;
        assert!(matches!(&cause, Cause::Finished { how: is, error: Some(e), .. } if *is == how && e == "no such box"));
    }
    ledger.close().await;
}

#[tokio::test]
async fn a_running_job_names_its_worker_and_whether_that_is_lost() {
    let mut ledger = TestLedger::new().await;
    let worker = ledger.worker(&["emails"], &["t.send"]).await;
    let job = available(&mut ledger).await;
    ledger.run(job, worker).await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(&seen, Cause::Running { worker, attempt: 1, worker_lost: false, .. } if worker == "emails-1"));
    ledger.sql("UPDATE workers SET lease_until = now() - interval '1 second'").await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(seen, Cause::Running { worker_lost: true, .. }), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn not_due_goes_before_everything_that_may_be_wrong_with_the_queue() {
    let mut ledger = TestLedger::new().await;
    queues::pause(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap();
    let job = insert(&mut ledger.conn, "emails", JobState::Scheduled).await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(seen, Cause::NotDue { last_error: None, .. }), "{seen:?}");
    ledger.set(job, "attempt = 2, error = 'refused'").await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(&seen, Cause::NotDue { last_error: Some(e), .. } if e == "refused"), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn a_paused_queue_is_named_although_nobody_dispatches_it_either() {
    let mut ledger = TestLedger::new().await;
    let job = available(&mut ledger).await;
    let due = insert(&mut ledger.conn, "emails", JobState::Scheduled).await;
    ledger.set(due, "run_at = now() - interval '1 second'").await;
    let queued = insert(&mut ledger.conn, "emails", JobState::Queued).await;
    queues::pause(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap();
    for job in [job, due, queued] {
        let seen = cause(&mut ledger, job).await;
        assert!(matches!(seen, Cause::Paused { .. }), "{seen:?}");
    }
    ledger.close().await;
}

#[tokio::test]
async fn a_queue_without_a_dispatcher() {
    let mut ledger = TestLedger::new().await;
    ledger.worker(&["emails"], &["t.send"]).await;
    let job = available(&mut ledger).await;
    assert_eq!(cause(&mut ledger, job).await, Cause::NoDispatcher { last_seen: None });
    // A queue that was never set up has no dispatcher either.
    let lost = insert(&mut ledger.conn, "unheard-of", JobState::Available).await;
    assert_eq!(cause(&mut ledger, lost).await, Cause::NoDispatcher { last_seen: None });
    ledger.dispatcher("emails").await;
    ledger.sql("UPDATE queue_status SET seen_at = now() - interval '6 seconds', broker_error = 'long past'").await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(seen, Cause::NoDispatcher { last_seen: Some(_) }), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn a_lost_message_that_nobody_repeats() {
    let mut ledger = TestLedger::new().await;
    ledger.worker(&["emails"], &["t.send"]).await;
    let job = insert(&mut ledger.conn, "emails", JobState::Queued).await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(seen, Cause::InBroker { .. }), "it may still arrive: {seen:?}");
    ledger.set(job, "queued_at = now() - interval '6 seconds'").await;
    assert_eq!(cause(&mut ledger, job).await, Cause::NoDispatcher { last_seen: None });
    ledger.close().await;
}

#[tokio::test]
async fn a_broker_that_is_down_is_named_before_a_missing_worker() {
    let mut ledger = TestLedger::new().await;
    ledger.dispatcher("emails").await;
    ledger.sql("UPDATE queue_status SET broker_error = 'connection refused'").await;
    let down = Cause::BrokerDown { transport: Transport::Rabbit, error: "connection refused".into() };
    for state in [JobState::Available, JobState::Queued] {
        let job = insert(&mut ledger.conn, "emails", state).await;
        assert_eq!(cause(&mut ledger, job).await, down);
    }
    ledger.close().await;
}

#[tokio::test]
async fn no_worker_for_the_queue_or_for_the_kind_is_named_before_a_full_window() {
    let mut ledger = TestLedger::new().await;
    ledger.dispatcher("emails").await;
    ledger.sql("UPDATE queues SET max_inflight = 1").await;
    let queued = insert(&mut ledger.conn, "emails", JobState::Queued).await;
    let job = available(&mut ledger).await;
    for job in [queued, job] {
        assert_eq!(cause(&mut ledger, job).await, Cause::NoWorker { serving_queue: 0 });
    }
    let dead = ledger.worker(&["emails"], &["t.send"]).await;
    ledger.sql(&format!("UPDATE workers SET lease_until = now() WHERE id = {dead}")).await;
    ledger.worker(&["reports"], &["t.send"]).await;
    assert_eq!(cause(&mut ledger, job).await, Cause::NoWorker { serving_queue: 0 });
    ledger.worker(&["emails"], &["t.other"]).await;
    assert_eq!(cause(&mut ledger, job).await, Cause::NoWorker { serving_queue: 1 });
    ledger.close().await;
}

/// The kinds of three programs, each newer than the one before.
mod programs {
    use serde::{Deserialize, Serialize};

    use crate::testing::queues;
    use crate::{Cx, Handler, Job, Kind, Outcome, Queue};

    macro_rules! kind {
        ($name:ident, $kind:literal, $version:literal) => {
            #[derive(Debug, Serialize, Deserialize)]
            pub(super) struct $name {}
            impl Job for $name {
                const KIND: Kind = Kind::new($kind);
                const QUEUE: Queue = queues::EMAILS;
                const VERSION: i16 = $version;
            }
            impl Handler<()> for $name {
                async fn run(self, _: &Cx<()>) -> anyhow::Result<Outcome> {
                    Ok(Outcome::Snooze(std::time::Duration::from_hours(1)))
                }
            }
        };
    }
    kind!(Other, "t.other", 1);
    kind!(Send, "t.send", 1);
    kind!(NewSend, "t.send", 2);
}

/// Runs what is due on a worker with these handlers, by the engine itself.
async fn worked(ledger: &TestLedger, handlers: crate::worker::Handlers<()>) {
    crate::testing::TestQueue::new(&ledger.db.pool, handlers, ()).await.drain().await;
}

#[tokio::test]
async fn a_job_that_a_worker_gave_back_lacks_a_handler_and_is_not_merely_early() {
    use crate::worker::Handlers;
    let mut ledger = TestLedger::new().await;
    ledger.dispatcher("emails").await;
    let job = crate::Enqueue::new(&programs::Send {}).insert(&mut ledger.conn).await.unwrap().id();
    worked(&ledger, Handlers::default().with::<programs::Other>()).await;
    let seen = why(&mut ledger.conn, &Registry::default(), job).await.unwrap();
    assert_eq!((seen.state, seen.reason), (JobState::Scheduled, Some(Reason::NoHandler)));
    assert_eq!(seen.cause, Cause::NoWorker { serving_queue: 1 });
    // A worker that knows the kind has come: only the time is missing.
    ledger.worker(&["emails"], &["t.send"]).await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(seen, Cause::NotDue { .. }), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn a_payload_of_a_newer_program_and_a_snooze_say_what_they_are() {
    use crate::worker::Handlers;
    let mut ledger = TestLedger::new().await;
    ledger.dispatcher("emails").await;
    let newer = crate::Enqueue::new(&programs::NewSend {}).insert(&mut ledger.conn).await.unwrap().id();
    let snoozed = crate::Enqueue::new(&programs::Send {}).insert(&mut ledger.conn).await.unwrap().id();
    worked(&ledger, Handlers::default().with::<programs::Send>()).await;
    let seen = why(&mut ledger.conn, &Registry::default(), newer).await.unwrap();
    assert!(matches!(seen.cause, Cause::NewerPayload { version: 2, .. }), "{seen:?}");
    let seen = why(&mut ledger.conn, &Registry::default(), snoozed).await.unwrap();
    assert!(matches!(seen.cause, Cause::NotDue { .. }) && seen.reason == Some(Reason::Snoozed), "{seen:?}");
    assert!(seen.sentence.contains("asked for a later time"), "{}", seen.sentence);
    ledger.close().await;
}

#[tokio::test]
async fn a_job_whose_worker_was_lost_says_so() {
    use crate::ledger::reap::{Verdict, lost, take_back};
    let mut ledger = TestLedger::new().await;
    let worker = ledger.worker(&["emails"], &["t.send"]).await;
    let job = available(&mut ledger).await;
    ledger.run(job, worker).await;
    ledger.sql("UPDATE workers SET stopped_at = now()").await;
    let found = lost(&mut ledger.conn, 10).await.unwrap().remove(0).job;
    let verdict = Verdict { job: found, delay: Some(60.0), error: "any words".into(), fingerprint: "any".into() };
    take_back(&mut ledger.conn, &[verdict]).await.unwrap();
    let seen = why(&mut ledger.conn, &Registry::default(), job).await.unwrap();
    assert_eq!(seen.reason, Some(Reason::WorkerLost));
    assert!(seen.sentence.contains("its worker was lost"), "{}", seen.sentence);
    ledger.close().await;
}

#[tokio::test]
async fn a_worker_that_knows_the_kind_by_its_new_name_counts() {
    use crate::job::{Job, Kind, Queue};
    use crate::registry::KindInfo;
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Renamed {}
    impl Job for Renamed {
        const KIND: Kind = Kind::new("t.mail").formerly(&["t.send"]);
        const QUEUE: Queue = crate::testing::queues::EMAILS;
    }
    let mut ledger = TestLedger::new().await;
    ledger.dispatcher("emails").await;
    ledger.worker(&["emails"], &["t.mail"]).await;
    let job = available(&mut ledger).await;
    assert_eq!(cause(&mut ledger, job).await, Cause::NoWorker { serving_queue: 1 });
    let registry = Registry::new([KindInfo::of::<Renamed>()]).unwrap();
    let seen = why(&mut ledger.conn, &registry, job).await.unwrap().cause;
    assert!(matches!(seen, Cause::DispatchLag { .. }), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn the_concurrency_limit() {
    let mut ledger = healthy().await;
    let worker = ledger.worker(&["emails"], &["t.send"]).await;
    ledger.sql("UPDATE queues SET concurrency_limit = 2, max_inflight = 2").await;
    let runs = available(&mut ledger).await;
    ledger.run(runs, worker).await;
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    available(&mut ledger).await;
    let job = available(&mut ledger).await;
    assert_eq!(cause(&mut ledger, job).await, Cause::ConcurrencyLimit { limit: 2, running: 1, queued: 1, ahead: 1 });
    ledger.sql("UPDATE queues SET concurrency_limit = 3, max_inflight = 3").await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(seen, Cause::DispatchLag { .. }), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn a_full_window_counts_who_goes_first() {
    let mut ledger = healthy().await;
    ledger.sql("UPDATE queues SET max_inflight = 1").await;
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    available(&mut ledger).await;
    let job = available(&mut ledger).await;
    let urgent = available(&mut ledger).await;
    ledger.set(urgent, "priority = 0").await;
    let later = available(&mut ledger).await;
    ledger.set(later, "priority = 3").await;
    assert_eq!(cause(&mut ledger, job).await, Cause::WindowFull { window: 1, running: 0, queued: 1, ahead: 2 });
    ledger.close().await;
}

#[tokio::test]
async fn a_window_that_slow_jobs_made_small_is_the_one_that_is_named() {
    let mut ledger = healthy().await;
    // Four places with jobs of a second: sixteen may be under way, whatever the setting says.
    ledger.sql(r#"UPDATE workers SET run_micros = '{"emails": 1000000}'"#).await;
    for _ in 0..15 {
        insert(&mut ledger.conn, "emails", JobState::Queued).await;
    }
    let job = available(&mut ledger).await;
    let seen = cause(&mut ledger, job).await;
    assert!(matches!(seen, Cause::DispatchLag { .. }), "{seen:?}");
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    assert_eq!(cause(&mut ledger, job).await, Cause::WindowFull { window: 16, running: 0, queued: 16, ahead: 0 });
    ledger.close().await;
}

#[tokio::test]
async fn a_rate_limited_queue_that_nobody_works_off_is_full() {
    let mut ledger = healthy().await;
    ledger.sql("UPDATE queues SET rate_per_second = 2, rate_burst = 1, rate_tokens = 1").await;
    for _ in 0..3 {
        insert(&mut ledger.conn, "emails", JobState::Queued).await;
    }
    let job = available(&mut ledger).await;
    assert_eq!(cause(&mut ledger, job).await, Cause::WindowFull { window: 3, running: 0, queued: 3, ahead: 0 });
    ledger.close().await;
}

#[tokio::test]
async fn the_tenants_share() {
    let mut ledger = healthy().await;
    ledger.sql("UPDATE queues SET max_inflight = 1").await;
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    let (big, small) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let mut last = JobId(0);
    for _ in 0..10 {
        last = available(&mut ledger).await;
        ledger.set(last, &format!("tenant = '{big}'")).await;
    }
    // Alone, it is an ordinary line.
    let seen = cause(&mut ledger, last).await;
    assert!(matches!(seen, Cause::WindowFull { ahead: 9, .. }), "{seen:?}");
    let mut first_small = JobId(0);
    for place in 0..3 {
        let job = available(&mut ledger).await;
        ledger.set(job, &format!("tenant = '{small}'")).await;
        if place == 0 {
            first_small = job;
        }
    }
    let share = Cause::TenantShare { tenant: Some(OrgId(big)), own_ahead: 9, tenants: 2, ahead: 12 };
    assert_eq!(cause(&mut ledger, last).await, share);
    // The newcomer's first job overtakes the ten older ones: for it, there is only the window.
    let seen = cause(&mut ledger, first_small).await;
    assert!(matches!(seen, Cause::WindowFull { ahead: 0, .. }), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn the_rate_limit_tells_when_the_next_token_comes() {
    let mut ledger = healthy().await;
    ledger
        .sql("UPDATE queues SET rate_per_second = 0.1, rate_burst = 1, rate_tokens = 0, rate_filled_at = now()")
        .await;
    let first = available(&mut ledger).await;
    let second = available(&mut ledger).await;
    let Cause::RateLimit { next_token_ms, ahead, turn_ms, .. } = cause(&mut ledger, first).await else { panic!() };
    assert!((8_000..=10_000).contains(&next_token_ms) && turn_ms == next_token_ms && ahead == 0);
    let Cause::RateLimit { next_token_ms, ahead, turn_ms, .. } = cause(&mut ledger, second).await else { panic!() };
    assert!((9_000..=10_001).contains(&(turn_ms - next_token_ms)) && ahead == 1, "{turn_ms} {next_token_ms}");
    ledger.sql("UPDATE queues SET rate_tokens = 1").await;
    let seen = cause(&mut ledger, first).await;
    assert!(matches!(seen, Cause::DispatchLag { .. }), "{seen:?}");
    // With the window full, tokens are not what is missing.
    ledger.sql("UPDATE queues SET rate_tokens = 0, max_inflight = 1").await;
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    let seen = cause(&mut ledger, first).await;
    assert!(matches!(seen, Cause::WindowFull { .. }), "{seen:?}");
    ledger.close().await;
}

#[tokio::test]
async fn in_the_broker_with_others_before_it() {
    let mut ledger = healthy().await;
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    insert(&mut ledger.conn, "emails", JobState::Running).await;
    let job = insert(&mut ledger.conn, "emails", JobState::Queued).await;
    let seen = cause(&mut ledger, job).await;
    assert!(
        matches!(
            seen,
            Cause::InBroker { transport: Transport::Rabbit, ahead: 1, running: 1, slots: 4, since: Some(_) }
        ),
        "{seen:?}"
    );
    ledger.close().await;
}

#[tokio::test]
async fn a_job_that_nothing_holds_waits_for_the_dispatcher() {
    let mut ledger = healthy().await;
    let due = insert(&mut ledger.conn, "emails", JobState::Scheduled).await;
    ledger.set(due, "run_at = now() - interval '2 seconds'").await;
    let Cause::DispatchLag { due_for_ms, ahead: 0 } = cause(&mut ledger, due).await else { panic!() };
    assert!((2_000..4_000).contains(&due_for_ms), "{due_for_ms}");
    ledger.close().await;
}

#[tokio::test]
async fn an_unknown_job() {
    let mut ledger = TestLedger::new().await;
    let refused = why(&mut ledger.conn, &Registry::default(), JobId(424_242)).await;
    assert!(matches!(refused, Err(OpsError::UnknownJob(_))));
    ledger.close().await;
}

#[test]
fn spans_are_short() {
    let told =
        [340, 4_200, 42_000, 75_000, 7_260_000, 90_000_000].map(|ms| crate::ops::span(TimeDelta::milliseconds(ms)));
    assert_eq!(told, ["340 ms", "4.2 s", "42 s", "1 min 15 s", "2 h 1 min", "1 d 1 h"]);
}
