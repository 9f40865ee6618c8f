//! Ends that meet something else: a cancellation, a time that is up, a state that forbids them.

use std::time::Instant;

use sqlx::AssertSqlSafe;

use super::*;
use crate::ledger::claim::claim;
use crate::ledger::finish::{Ended, Ending, end};
use crate::ledger::reap::prune;
use crate::ops::Actor;
use crate::ops::cancel::{Cancelled, cancel};

#[tokio::test]
async fn a_cancellation_that_commits_while_a_failing_attempt_waits_for_the_row_is_not_lost() {
    let engine = TestEngine::new().await;
    let job = engine.ledger.enqueue(&Act::Fail).await.unwrap().id();
    let ticket = engine.queue.take().await.remove(0);
    let worker = engine.queue.engine.lease.worker();
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let claimed = claim(&mut conn, worker, &[ticket]).await.unwrap().remove(0);

    let mut operator = engine.db.pool.begin().await.unwrap();
    assert_eq!(cancel(&mut operator, job, Actor::CommandLine).await.unwrap(), Cancelled::Asked);
    let ended = Ended {
        job,
        epoch: ticket.epoch,
        ending: Ending::Retry,
        delay: 60.0,
        error: Some("boom".to_owned()),
        fingerprint: None,
        started_at: claimed.started_at,
    };
    let ending = tokio::spawn(async move { end(&mut conn, worker, &[&ended]).await });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&engine.db.pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    operator.commit().await.unwrap();
    assert_eq!(ending.await.unwrap().unwrap(), [job]);
    let row = rows(&engine.db.pool, "test.act").await.remove(0);
    assert_eq!(row.state, "cancelled");
    assert_eq!(attempts(&engine, &row).await, ["cancelled"]);
    engine.db.close().await;
}

#[tokio::test]
async fn a_handler_that_does_not_hear_that_its_time_is_up_is_dropped_three_seconds_later() {
    let engine = TestEngine::new().await;
    let started = Instant::now();
    let row = once(&engine, Act::Hang).await;
    assert!(started.elapsed() >= Act::TIMEOUT + Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(engine.services.dropped.load(Ordering::Relaxed));
    assert_eq!((row.state.as_str(), row.attempt), ("scheduled", 1));
    assert_eq!(row.error.as_deref(), Some("the attempt took longer than 300ms"));
    engine.db.close().await;
}

#[tokio::test]
async fn work_that_hears_that_its_time_is_up_is_dropped_where_it_waits() {
    let engine = TestEngine::new().await;
    let job = engine.ledger.enqueue(&Act::HangUnlessCancelled).await.unwrap().id();
    let ticket = engine.queue.take().await.remove(0);
    tokio::time::timeout(Duration::from_secs(2), engine.queue.run(ticket)).await.expect("no grace is needed");
    assert!(engine.services.dropped.load(Ordering::Relaxed));
    let row = rows(&engine.db.pool, "test.act").await.remove(0);
    assert_eq!((row.id, row.state.as_str(), row.attempt), (job.0, "scheduled", 1));
    assert_eq!(row.error.as_deref(), Some("the attempt took longer than 300ms"));
    engine.db.close().await;
}

#[tokio::test]
async fn a_job_that_went_back_in_line_says_why() {
    let engine = TestEngine::new().await;
    let reason = async |id: i64| -> Option<String> {
        sqlx::query_scalar("SELECT reason::text FROM jobs WHERE id = $1")
            .bind(id)
            .fetch_one(&engine.db.pool)
            .await
            .unwrap()
    };
    for (act, why) in [(Act::Fail, Some("failed")), (Act::Snooze, Some("snoozed")), (Act::Dead, None)] {
        let row = once(&engine, act).await;
        assert_eq!(reason(row.id).await.as_deref(), why, "{row:?}");
    }
    let id = engine.ledger.enqueue(&Act::WaitForCancel).await.unwrap().id();
    let ticket = engine.queue.take().await.remove(0);
    let shut_down = async {
        while !engine.queue.engine.running.holds(ticket) {
            tokio::task::yield_now().await;
        }
        engine.queue.stop(id, StopReason::Shutdown);
    };
    tokio::join!(engine.queue.run(ticket), shut_down);
    assert_eq!(reason(id.0).await.as_deref(), Some("worker_stopped"));
    engine.db.close().await;
}

#[tokio::test]
async fn an_error_may_say_when_to_try_again() {
    let engine = TestEngine::new().await;
    let row = once(&engine, Act::FailForNow).await;
    let pause: f64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM run_at - ended_at)::double precision
         FROM jobs JOIN job_attempts ON job_attempts.job = jobs.id
         WHERE id = $1",
    )
    .bind(row.id)
    .fetch_one(&engine.db.pool)
    .await
    .unwrap();
    assert!((595.0..=605.0).contains(&pause), "{pause}");
    engine.db.close().await;
}

#[tokio::test]
async fn jobs_that_a_handler_enqueues_are_its_children() {
    let engine = TestEngine::new().await;
    let parent = once(&engine, Act::Children).await;
    let parents: Vec<Option<i64>> =
        sqlx::query_scalar("SELECT parent FROM jobs ORDER BY id").fetch_all(&engine.db.pool).await.unwrap();
    assert_eq!(parents, [None, Some(parent.id), Some(parent.id)]);
    engine.db.close().await;
}

#[tokio::test]
async fn a_trace_leads_from_the_request_through_attempts_and_retries_to_the_children() {
    use shared::trace::TraceParent;

    use crate::ops::detail::detail;
    let engine = TestEngine::new().await;
    let request = TraceParent::generate();
    let parent = request.scope(engine.ledger.enqueue(&Act::FailOnceThenChildren)).await.unwrap().id();
    engine.queue.drain().await;
    engine.queue.make_due().await;
    engine.queue.drain().await;
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let seen = detail(&mut conn, parent).await.unwrap();
    assert_eq!(seen.trace, request.trace_id_hex());
    let [first, second] = seen.attempts.as_slice() else { panic!("{:?}", seen.attempts) };
    assert_eq!(first.parent_span, Some(request.span_id_hex()), "the first attempt continues the request");
    assert!(first.links.is_empty());
    assert_eq!((&second.parent_span, &second.links), (&None, &vec![first.span.clone()]), "a retry links to it");
    assert_ne!(first.span, second.span);
    // A child's trace is what the running attempt had, not what is worked out afterwards: they must agree.
    let child = detail(&mut conn, seen.children[0].id).await.unwrap();
    assert_eq!(child.trace, seen.trace);
    assert_eq!(child.attempts[0].parent_span.as_ref(), Some(&second.span), "the child continues the second attempt");

    // A job that was not enqueued by a request has a trace as well, the same at every look.
    let alone = once(&engine, Act::Children).await;
    let alone = detail(&mut conn, shared::ids::JobId(alone.id)).await.unwrap();
    let child = detail(&mut conn, alone.children[0].id).await.unwrap();
    assert_eq!((child.trace, child.attempts[0].parent_span.as_ref()), (alone.trace, Some(&alone.attempts[0].span)));
    assert_eq!(alone.attempts[0].parent_span, None);
    drop(conn);
    engine.db.close().await;
}

/// Gives up by age.
#[derive(Debug, Serialize, Deserialize)]
struct Aging;

impl Job for Aging {
    const KIND: Kind = Kind::new("test.aging");
    const QUEUE: Queue = QUEUE;
    const RETRY: Retry = Retry::fixed(Duration::from_mins(1)).until_age(Duration::from_hours(24));
}

impl Handler<()> for Aging {
    async fn run(self, _: &Cx<()>) -> anyhow::Result<Outcome> {
        anyhow::bail!("no luck")
    }
}

#[tokio::test]
async fn age_counts_from_when_the_job_was_first_due() {
    let db = TestDb::new().await;
    let queue = TestQueue::new(&db.pool, Handlers::default().with::<Aging>(), ()).await;
    let state = async || rows(&db.pool, "test.aging").await.remove(0).state;
    let _ = Ledger::new(db.pool.clone()).enqueue(&Aging).await.unwrap();
    // Made long before it was due.
    sqlx::query("UPDATE jobs SET created_at = created_at - interval '30 days'").execute(&db.pool).await.unwrap();
    queue.drain().await;
    assert_eq!(state().await, "scheduled", "a job that was due a moment ago was called too old");
    // Later failures do not move what its age counts from.
    queue.make_due().await;
    queue.drain().await;
    assert_eq!(state().await, "scheduled");
    sqlx::query("UPDATE jobs SET due_at = due_at - interval '25 hours'").execute(&db.pool).await.unwrap();
    queue.make_due().await;
    queue.drain().await;
    assert_eq!(state().await, "dead");
    db.close().await;
}

#[tokio::test]
async fn an_attempt_that_ends_clears_the_losses_before_it() {
    let engine = TestEngine::new().await;
    for act in [Act::Fail, Act::Snooze] {
        let job = engine.ledger.enqueue(&act).await.unwrap().id();
        sqlx::query("UPDATE jobs SET losses = 2 WHERE id = $1").bind(job.0).execute(&engine.db.pool).await.unwrap();
        engine.queue.drain().await;
        let losses: i16 = sqlx::query_scalar("SELECT losses FROM jobs WHERE id = $1")
            .bind(job.0)
            .fetch_one(&engine.db.pool)
            .await
            .unwrap();
        assert_eq!(losses, 0, "{act:?}");
    }
    engine.db.close().await;
}

const STATES: [&str; 7] = ["scheduled", "available", "queued", "running", "succeeded", "cancelled", "dead"];

/// What the document's picture shows, and what operators may do.
const TRANSITIONS: [(&str, &[&str]); 7] = [
    ("scheduled", &["available", "queued", "cancelled"]),
    ("available", &["scheduled", "queued", "cancelled"]),
    ("queued", &["available", "running", "scheduled", "cancelled"]),
    ("running", &["scheduled", "available", "succeeded", "cancelled", "dead"]),
    ("succeeded", &[]),
    ("cancelled", &["available", "scheduled"]),
    ("dead", &["available", "scheduled", "cancelled"]),
];

#[tokio::test]
async fn the_database_refuses_a_transition_that_does_not_exist() {
    let engine = TestEngine::new().await;
    for (from, allowed) in TRANSITIONS {
        for to in STATES {
            let insert = format!(
                "INSERT INTO jobs (state, queue, kind, payload, run_at, worker, started_at, finished_at)
                 VALUES ('{from}', 'test', 'test.act', '{{}}', now(), 1, now(),
                         CASE WHEN '{from}'::job_state >= 'succeeded' THEN now() END)
                 RETURNING id",
            );
            let job: i64 = sqlx::query_scalar(AssertSqlSafe(insert)).fetch_one(&engine.db.pool).await.unwrap();
            let change = format!(
                "UPDATE jobs SET state = '{to}', finished_at = CASE WHEN '{to}'::job_state >= 'succeeded' THEN now() END
                 WHERE id = {job}",
            );
            let changed = sqlx::query(AssertSqlSafe(change)).execute(&engine.db.pool).await;
            if from == to || allowed.contains(&to) {
                assert!(changed.is_ok(), "{from} → {to}: {changed:?}");
            } else {
                let error = changed.expect_err(&format!("{from} → {to} was allowed"));
                let constraint = error.as_database_error().and_then(|error| error.constraint());
                assert_eq!(constraint, Some("jobs_transition"), "{from} → {to}: {error}");
            }
        }
    }
    engine.db.close().await;
}

#[tokio::test]
async fn finished_jobs_are_pruned_by_age_with_their_history() {
    let engine = TestEngine::new().await;
    let mut kept = Vec::new();
    for (act, hours, stays) in [
        (Act::Done, 23, true),
        (Act::Done, 25, false),
        (Act::Cancel, 25, false),
        (Act::Dead, 25, true),
        (Act::Dead, 49, false),
        (Act::Snooze, 99, true),
        (Act::Progress, 25, false),
    ] {
        let row = once(&engine, act).await;
        sqlx::query("UPDATE jobs SET finished_at = finished_at - make_interval(hours => $2) WHERE id = $1")
            .bind(row.id)
            .bind(hours)
            .execute(&engine.db.pool)
            .await
            .unwrap();
        if stays {
            kept.push(row.id);
        }
    }
    let mut conn = engine.db.pool.acquire().await.unwrap();
    let (mut deleted, mut after) = (0, Some(0));
    while let Some(last) = after {
        let (some, next) = prune(&mut conn, 24.0, 48.0, last, 3).await.unwrap();
        (deleted, after) = (deleted + some, next);
    }
    assert_eq!(deleted, 4);
    let left: Vec<i64> = sqlx::query_scalar("SELECT id FROM jobs ORDER BY id").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(left, kept);
    let orphans: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM job_attempts WHERE job NOT IN (SELECT id FROM jobs))
              + (SELECT count(*) FROM job_logs WHERE job NOT IN (SELECT id FROM jobs))",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(orphans, 0);
    drop(conn);
    engine.db.close().await;
}
