use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::testing::{TestLedger, insert};
use super::*;
use crate::job::{Job, Kind, Queue};
use crate::ops::detail::detail;
use crate::ops::list::JobFilter;
use crate::registry::KindInfo;
use crate::testing::queues;
use crate::unique::Unique;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    to: u32,
}

impl Job for Send {
    const KIND: Kind = Kind::new("t.send");
    const QUEUE: Queue = queues::EMAILS;
    fn unique(&self) -> Unique {
        Unique::while_open(self.to)
    }
}

fn registry() -> Registry {
    Registry::new([KindInfo::of::<Send>()]).unwrap()
}

async fn dead(ledger: &mut TestLedger, to: u32) -> JobId {
    let job = insert(&mut ledger.conn, "emails", JobState::Dead).await;
    ledger
        .set(job, &format!("payload = '{{\"to\": {to}}}', attempt = 5, losses = 3, error = 'boom', fingerprint = 'f'"))
        .await;
    job
}

#[tokio::test]
async fn a_dead_job_is_available_again_with_its_attempts_and_its_key() {
    let mut ledger = TestLedger::new().await;
    let job = dead(&mut ledger, 1).await;
    retry(&mut ledger.conn, &registry(), job, &Again::default(), Actor::CommandLine).await.unwrap();
    let seen = detail(&mut ledger.conn, job).await.unwrap();
    assert_eq!((seen.job.state, seen.job.attempt, seen.job.losses), (JobState::Available, 5, 0));
    assert_eq!(seen.job.unique_key.as_deref(), Some("t.send:1"));
    assert_eq!(seen.logs[0].line, "retried by cli");
    let refused = retry(&mut ledger.conn, &registry(), job, &Again::default(), Actor::CommandLine).await;
    assert!(matches!(refused, Err(OpsError::WrongState { state: JobState::Available, .. })), "{refused:?}");
    ledger.close().await;
}

#[tokio::test]
async fn a_key_that_another_job_holds_is_named_and_spoils_nothing() {
    let mut ledger = TestLedger::new().await;
    let first = dead(&mut ledger, 1).await;
    let second = dead(&mut ledger, 1).await;
    retry(&mut ledger.conn, &registry(), first, &Again::default(), Actor::CommandLine).await.unwrap();
    let mut tx = ledger.conn.begin().await.unwrap();
    let refused = retry(&mut tx, &registry(), second, &Again::default(), Actor::CommandLine).await;
    assert!(matches!(refused, Err(OpsError::Conflict { existing, .. }) if existing == first), "{refused:?}");
    // The caller's transaction is still good.
    assert_eq!(detail(&mut tx, second).await.unwrap().job.state, JobState::Dead);
    tx.commit().await.unwrap();
    ledger.close().await;
}

#[tokio::test]
async fn an_edited_payload_is_checked_by_the_contract() {
    let mut ledger = TestLedger::new().await;
    let job = dead(&mut ledger, 1).await;
    let edit = |payload| Again { payload: Some(payload), ..Again::default() };
    for bad in [json!({}), json!({"to": "x"}), json!({"to": 1, "cc": 2}), json!(null)] {
        let refused = retry(&mut ledger.conn, &registry(), job, &edit(bad.clone()), Actor::CommandLine).await;
        assert!(matches!(refused, Err(OpsError::Payload(_))), "{bad}: {refused:?}");
    }
    let refused = retry(&mut ledger.conn, &Registry::default(), job, &edit(json!({"to": 2})), Actor::CommandLine).await;
    assert!(matches!(refused, Err(OpsError::UnknownKind(_))), "{refused:?}");
    retry(&mut ledger.conn, &registry(), job, &edit(json!({"to": 2})), Actor::CommandLine).await.unwrap();
    let seen = detail(&mut ledger.conn, job).await.unwrap();
    assert_eq!((seen.job.payload, seen.job.unique_key.as_deref()), (json!({"to": 2}), Some("t.send:2")));
    assert_eq!(seen.logs[0].line, "retried with an edited payload by cli");
    ledger.close().await;
}

#[tokio::test]
async fn a_job_that_this_program_cannot_read_is_retried_as_it_is() {
    let mut ledger = TestLedger::new().await;
    let job = insert(&mut ledger.conn, "emails", JobState::Cancelled).await;
    ledger.set(job, "payload = '[\"no such shape\"]', version = 9").await;
    retry(&mut ledger.conn, &registry(), job, &Again::default(), Actor::CommandLine).await.unwrap();
    assert_eq!(detail(&mut ledger.conn, job).await.unwrap().job.state, JobState::Available);
    ledger.close().await;
}

#[tokio::test]
async fn many_are_retried_at_a_rate_and_conflicts_are_counted() {
    let mut ledger = TestLedger::new().await;
    for to in [1, 2, 3, 3] {
        dead(&mut ledger, to).await;
    }
    let other = dead(&mut ledger, 4).await;
    ledger.set(other, "fingerprint = 'other'").await;
    let filter = JobFilter { fingerprint: Some("f".into()), ..JobFilter::default() };
    let asked_at = crate::ops::now(&mut ledger.conn).await.unwrap();
    let found = retryable(&mut ledger.conn, &filter, asked_at, JobId(0), 3).await.unwrap();
    assert!(found.len() == 3 && found.is_sorted(), "{found:?}");
    let rest = retryable(&mut ledger.conn, &filter, asked_at, found[2], 3).await.unwrap();
    let found = [found, rest].concat();
    let mut pace = Pace { per_second: Some(0.1), next_at: None };
    let done = retry_these(&mut ledger.conn, &registry(), &found[..2], &mut pace, "cli").await.unwrap();
    assert_eq!(done, RetriedMany { retried: 2, conflicts: 0 });
    let done = retry_these(&mut ledger.conn, &registry(), &found[2..], &mut pace, "cli").await.unwrap();
    assert_eq!(done, RetriedMany { retried: 1, conflicts: 1 });
    let spread: Vec<f64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM run_at - (SELECT min(run_at) FROM jobs WHERE state = 'available'))::float8
         FROM jobs WHERE state IN ('available', 'scheduled') ORDER BY run_at",
    )
    .fetch_all(&mut *ledger.conn)
    .await
    .unwrap();
    assert!(spread[0] < 1.0 && (9.9..11.0).contains(&spread[1]) && (19.9..22.0).contains(&spread[2]), "{spread:?}");
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(check_rate(Some(bad)), Err(OpsError::Invalid { .. })), "{bad}");
    }
    check_rate(Some(0.1)).unwrap();
    assert_eq!(detail(&mut ledger.conn, other).await.unwrap().job.state, JobState::Dead);
    ledger.close().await;
}

#[tokio::test]
async fn jobs_without_a_key_are_retried_together_and_one_that_is_held_is_left() {
    let mut ledger = TestLedger::new().await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let job = insert(&mut ledger.conn, "emails", JobState::Dead).await;
        ledger.set(job, "kind = 't.unknown', attempt = 5, error = 'boom'").await;
        jobs.push(job);
    }
    let mut holder = ledger.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM jobs WHERE id = $1 FOR UPDATE").bind(jobs[1]).execute(&mut *holder).await.unwrap();
    let mut pace = Pace { per_second: Some(0.1), next_at: None };
    let done = retry_these(&mut ledger.conn, &registry(), &jobs, &mut pace, "cli").await.unwrap();
    assert_eq!(done, RetriedMany { retried: 2, conflicts: 0 });
    holder.rollback().await.unwrap();
    let mut states = Vec::new();
    for job in jobs {
        let seen = detail(&mut ledger.conn, job).await.unwrap();
        states.push((seen.job.state, seen.logs.first().map(|log| log.line.clone())));
    }
    let line = || Some("retried by cli".to_owned());
    let expected = [(JobState::Available, line()), (JobState::Dead, None), (JobState::Scheduled, line())];
    assert_eq!(states, expected);
    ledger.close().await;
}

#[tokio::test]
async fn a_scheduled_job_runs_now_and_a_waiting_one_changes_its_priority() {
    let mut ledger = TestLedger::new().await;
    let job = insert(&mut ledger.conn, "emails", JobState::Scheduled).await;
    reprioritise(&mut ledger.conn, job, Priority::Urgent, Actor::CommandLine).await.unwrap();
    run_now(&mut ledger.conn, job, Actor::CommandLine).await.unwrap();
    let seen = detail(&mut ledger.conn, job).await.unwrap().job;
    assert_eq!((seen.state, seen.priority), (JobState::Available, Priority::Urgent));
    assert!(seen.run_at <= crate::ops::now(&mut ledger.conn).await.unwrap());
    assert!(matches!(run_now(&mut ledger.conn, job, Actor::CommandLine).await, Err(OpsError::WrongState { .. })));
    let done = insert(&mut ledger.conn, "emails", JobState::Succeeded).await;
    let refused = reprioritise(&mut ledger.conn, done, Priority::Low, Actor::CommandLine).await;
    assert!(matches!(refused, Err(OpsError::WrongState { .. })), "{refused:?}");
    ledger.close().await;
}
