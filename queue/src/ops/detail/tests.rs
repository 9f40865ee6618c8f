use super::super::testing::{TestLedger, insert};
use super::*;

#[tokio::test]
async fn attempts_come_from_their_table_and_the_last_one_from_the_row() {
    let mut ledger = TestLedger::new().await;
    let worker = ledger.worker(&["emails"], &["t.send"]).await;
    let job = insert(&mut ledger.conn, "emails", JobState::Available).await;
    ledger
        .sql(&format!(
        "INSERT INTO job_attempts (job, epoch, attempt, outcome, worker, started_at, ended_at, error)
         VALUES ({job}, 1, 1, 'retry', {worker}, now(), now(), 'boom'), ({job}, 2, 1, 'snooze', 99, now(), now(), NULL)"
    ))
        .await;
    ledger.set(job, "epoch = 2, attempt = 1").await;
    let told = |detail: JobDetail| -> Vec<_> {
        detail.attempts.into_iter().map(|a| (a.epoch, a.attempt, a.outcome, a.worker, a.error)).collect()
    };
    let name = || Some("emails-1".to_owned());
    let before = [(1, 1, "retry".to_owned(), name(), Some("boom".to_owned())), (2, 1, "snooze".to_owned(), None, None)];
    assert_eq!(told(detail(&mut ledger.conn, job).await.unwrap()), before);
    ledger.run(job, worker).await;
    let seen = told(detail(&mut ledger.conn, job).await.unwrap());
    assert_eq!(seen[2], (3, 2, "running".to_owned(), name(), None));
    ledger.set(job, "state = 'succeeded', finished_at = now()").await;
    let seen = detail(&mut ledger.conn, job).await.unwrap();
    assert_eq!(seen.attempts[2].ended_at, seen.job.finished_at);
    assert_eq!(told(seen)[2], (3, 2, "succeeded".to_owned(), name(), None));
    ledger.close().await;
}

#[tokio::test]
async fn the_family_and_the_log_are_shown_in_order() {
    let mut ledger = TestLedger::new().await;
    let parent = insert(&mut ledger.conn, "emails", JobState::Succeeded).await;
    let job = insert(&mut ledger.conn, "emails", JobState::Succeeded).await;
    ledger.set(job, &format!("parent = {parent}")).await;
    let mut children = Vec::new();
    for _ in 0..2 {
        let child = insert(&mut ledger.conn, "reports", JobState::Available).await;
        ledger.set(child, &format!("parent = {job}")).await;
        children.insert(0, child);
    }
    for line in ["one", "two"] {
        ledger.sql(&format!("INSERT INTO job_logs (job, attempt, at, line) VALUES ({job}, 1, now(), '{line}')")).await;
    }
    let seen = detail(&mut ledger.conn, job).await.unwrap();
    assert_eq!(seen.parent.map(|line| line.id), Some(parent));
    assert_eq!(seen.children.iter().map(|line| line.id).collect::<Vec<_>>(), children);
    assert_eq!(seen.logs.iter().map(|line| line.line.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let top = detail(&mut ledger.conn, parent).await.unwrap();
    assert!(top.parent.is_none());
    assert_eq!(top.children.len(), 1);
    ledger.close().await;
}

#[tokio::test]
async fn an_unknown_job_is_said_to_be_unknown() {
    let mut ledger = TestLedger::new().await;
    assert!(matches!(detail(&mut ledger.conn, JobId(424_242)).await, Err(OpsError::UnknownJob(_))));
    ledger.close().await;
}
