use jobs::emails::SendEmail;
use jobs::identity::ask_erasure;
use market::identity::store::cancel_erasure;
use queue::testing::rows;
use queue::worker::Handlers;
use shared::ids::UserId;

use super::*;
use crate::testing::TestWorkers;

async fn asked(workers: &TestWorkers, user: UserId) {
    let mut tx = workers.ledger.begin().await.unwrap();
    ask_erasure(&mut tx, user, 14).await.unwrap();
    tx.commit().await.unwrap();
    workers.queue.drain().await;
}

/// The days are over.
async fn wait(workers: &TestWorkers) {
    let sql = "UPDATE erasures SET asked_at = asked_at - interval '15 days', due_at = due_at - interval '15 days'";
    sqlx::query(sql).execute(&workers.db.pool).await.unwrap();
    workers.queue.make_due().await;
    workers.queue.drain().await;
}

async fn name(workers: &TestWorkers, user: UserId) -> String {
    sqlx::query_scalar("SELECT name FROM users WHERE id = $1").bind(user).fetch_one(&workers.db.pool).await.unwrap()
}

#[tokio::test]
async fn a_person_is_erased_when_it_is_due_with_their_mails() {
    let workers = TestWorkers::new(Handlers::default().with::<ErasePerson>().with::<SendEmail>()).await;
    let user = workers.user("ada@example.com").await;
    asked(&workers, user).await;
    // Asked for again: the first time counts, and no second job is there.
    asked(&workers, user).await;
    assert_eq!((name(&workers, user).await.as_str(), rows(&workers.db.pool, "privacy.erase").await.len()), ("Ada", 1));
    wait(&workers).await;
    assert_eq!(name(&workers, user).await, "Erased person");
    let left: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM emails), (SELECT count(*) FROM erasures WHERE erased_at IS NOT NULL)",
    )
    .fetch_one(&workers.db.pool)
    .await
    .unwrap();
    assert_eq!(left, (0, 1));
    workers.close().await;
}

#[tokio::test]
async fn what_was_taken_back_is_not_done() {
    let workers = TestWorkers::new(Handlers::default().with::<ErasePerson>().with::<SendEmail>()).await;
    let user = workers.user("ada@example.com").await;
    asked(&workers, user).await;
    let mut tx = workers.db.pool.begin().await.unwrap();
    assert!(cancel_erasure(&mut tx, user).await.unwrap());
    tx.commit().await.unwrap();
    wait(&workers).await;
    assert_eq!(name(&workers, user).await, "Ada");
    workers.close().await;
}
