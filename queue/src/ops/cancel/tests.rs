use super::super::testing::{TestLedger, insert};
use super::*;
use crate::ops::detail::detail;

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_its_key_is_free() {
    let mut ledger = TestLedger::new().await;
    for state in [JobState::Scheduled, JobState::Available, JobState::Queued] {
        let job = insert(&mut ledger.conn, "emails", state).await;
        ledger.set(job, "unique_key = 'a:b'").await;
        assert_eq!(cancel(&mut ledger.conn, job, Actor::CommandLine).await.unwrap(), Cancelled::AtOnce);
        let seen = detail(&mut ledger.conn, job).await.unwrap();
        assert_eq!(seen.job.state, JobState::Cancelled);
        assert_eq!(seen.job.unique_key, None);
        assert!(seen.job.finished_at.is_some());
        assert_eq!(seen.logs.iter().map(|l| l.line.as_str()).collect::<Vec<_>>(), ["cancelled by cli"]);
    }
    ledger.close().await;
}

#[tokio::test]
async fn a_running_job_is_asked_and_keeps_its_key_until_it_stops() {
    let mut ledger = TestLedger::new().await;
    let worker = ledger.worker(&["emails"], &["t.send"]).await;
    let job = insert(&mut ledger.conn, "emails", JobState::Available).await;
    ledger.run(job, worker).await;
    ledger.set(job, "unique_key = 'a:b'").await;
    assert_eq!(cancel(&mut ledger.conn, job, Actor::CommandLine).await.unwrap(), Cancelled::Asked);
    let first = detail(&mut ledger.conn, job).await.unwrap().job;
    assert_eq!((first.state, first.unique_key.as_deref()), (JobState::Running, Some("a:b")));
    // Asking twice does not move the time of the first request.
    assert_eq!(cancel(&mut ledger.conn, job, Actor::CommandLine).await.unwrap(), Cancelled::Asked);
    assert_eq!(detail(&mut ledger.conn, job).await.unwrap().job.cancel_at, first.cancel_at);
    ledger.close().await;
}

#[tokio::test]
async fn finished_and_unknown_jobs_are_refused() {
    let mut ledger = TestLedger::new().await;
    let job = insert(&mut ledger.conn, "emails", JobState::Succeeded).await;
    let refused = cancel(&mut ledger.conn, job, Actor::CommandLine).await;
    assert!(matches!(refused, Err(OpsError::WrongState { state: JobState::Succeeded, .. })), "{refused:?}");
    let refused = cancel(&mut ledger.conn, JobId(9_999_999), Actor::CommandLine).await;
    assert!(matches!(refused, Err(OpsError::UnknownJob(_))), "{refused:?}");
    ledger.close().await;
}

#[tokio::test]
async fn many_are_found_by_filter_and_cancelled_and_nothing_else() {
    let mut ledger = TestLedger::new().await;
    ledger
        .sql(
            "INSERT INTO jobs (state, queue, kind, payload, run_at)
         SELECT 'available', 'emails', 't.send', '{}', now() FROM generate_series(1, 1203)",
        )
        .await;
    let other = insert(&mut ledger.conn, "reports", JobState::Available).await;
    let asking = insert(&mut ledger.conn, "emails", JobState::Available).await;
    let worker = ledger.worker(&["emails"], &["t.send"]).await;
    let running = insert(&mut ledger.conn, "emails", JobState::Available).await;
    ledger.run(running, worker).await;
    let asked_at = crate::ops::now(&mut ledger.conn).await.unwrap();
    let later = insert(&mut ledger.conn, "emails", JobState::Available).await;
    let filter = JobFilter { queue: Some("emails".into()), ..JobFilter::default() };
    let found = cancellable(&mut ledger.conn, &filter, asked_at, asking).await.unwrap();
    assert_eq!(found.len(), 1204);
    let done = cancel_these(&mut ledger.conn, &found, "cli").await.unwrap();
    assert_eq!(done, CancelledMany { cancelled: 1203, asked: 1 });
    assert_eq!(cancellable(&mut ledger.conn, &filter, asked_at, asking).await.unwrap(), []);
    for left in [other, asking, later] {
        assert_eq!(detail(&mut ledger.conn, left).await.unwrap().job.state, JobState::Available);
    }
    assert_eq!(detail(&mut ledger.conn, found[0]).await.unwrap().logs[0].line, "cancelled by cli");
    ledger.close().await;
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_left_and_found_again() {
    let mut ledger = TestLedger::new().await;
    let job = insert(&mut ledger.conn, "emails", JobState::Available).await;
    let asked_at = crate::ops::now(&mut ledger.conn).await.unwrap();
    let mut holder = ledger.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM jobs WHERE id = $1 FOR UPDATE").bind(job).execute(&mut *holder).await.unwrap();
    let none = cancel_these(&mut ledger.conn, &[job], "cli").await.unwrap();
    assert_eq!(none, CancelledMany::default());
    holder.rollback().await.unwrap();
    let filter = JobFilter::states([JobState::Available]);
    assert_eq!(cancellable(&mut ledger.conn, &filter, asked_at, JobId(0)).await.unwrap(), [job]);
    assert_eq!(cancel_these(&mut ledger.conn, &[job], "cli").await.unwrap().cancelled, 1);
    ledger.close().await;
}

#[tokio::test]
async fn an_act_is_in_the_audit_log_if_and_only_if_it_was_done() {
    let mut ledger = TestLedger::new().await;
    let job = insert(&mut ledger.conn, "emails", JobState::Available).await;
    let mut tx = ledger.conn.begin().await.unwrap();
    cancel(&mut tx, job, Actor::CommandLine).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(ledger.acts().await, Vec::<String>::new(), "the act was undone");
    cancel(&mut ledger.conn, job, Actor::CommandLine).await.unwrap();
    cancel(&mut ledger.conn, job, Actor::CommandLine).await.unwrap_err();
    assert_eq!(ledger.acts().await, [format!("job.cancel {job}")], "what was refused is no act");
    ledger.close().await;
}
