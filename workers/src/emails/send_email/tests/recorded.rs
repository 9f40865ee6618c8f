//! What a mail's own row says is enough to send it once.

use shared::testing::Statements;

use super::*;

/// A worker that dies between the record of the mail and the end of its job has the job run again.
#[tokio::test]
async fn a_mail_that_was_recorded_is_not_sent_again_though_its_job_was_not_ended() {
    let workers = workers().await;
    let id = workers.post(&to("ada@example.com")).await.unwrap();
    workers.queue.drain().await;
    workers.mails(1).await;
    let before = workers.email(id).await;
    let _ = workers.ledger.enqueue(&SendEmail { email: id }).await.unwrap();
    workers.queue.drain().await;
    assert_eq!((workers.email(id).await, workers.smtp.count()), (before, 1));
    assert_eq!(
        workers.jobs().await,
        [("succeeded".to_owned(), String::new()), ("succeeded".to_owned(), String::new())]
    );
    workers.close().await;
}

#[tokio::test]
async fn a_mail_that_is_sent_is_three_statements_and_no_transaction() {
    let workers = workers().await;
    let id = workers.post(&to("ada@example.com")).await.unwrap();
    let statements = Statements::containing(&["emails"]);
    let counting = statements.listen();
    workers.queue.drain().await;
    drop(counting);
    assert_eq!(statements.count(), 3);
    // Each in a transaction of its own: the record, the attempt before it, and neither with the job's end.
    let apart: bool = sqlx::query_scalar(
        "SELECT e.xmin::text <> j.xmin::text
         FROM emails AS e
         JOIN jobs AS j ON j.kind = 'emails.send' AND j.payload ->> 'email' = e.id::text
         WHERE e.id = $1
           AND e.status = 'sent'
           AND j.state = 'succeeded'",
    )
    .bind(id)
    .fetch_one(&workers.db.pool)
    .await
    .unwrap();
    assert!(apart);
    workers.close().await;
}
