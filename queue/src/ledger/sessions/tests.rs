use std::time::Duration;

use shared::testing::TestDb;

use super::*;

#[tokio::test]
async fn a_session_works_waits_or_is_gone() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (mut idle, mut busy) = (db.pool.begin().await.unwrap(), db.pool.acquire().await.unwrap());
    let waits = own_session(&mut idle).await.unwrap();
    let works = own_session(&mut busy).await.unwrap();
    // The number of a process may come again.
    let before = SessionId { started_at: waits.started_at - chrono::TimeDelta::seconds(1), ..waits };
    let running = tokio::spawn(async move { sqlx::query("SELECT pg_sleep(60)").execute(&mut *busy).await });
    let seen = async {
        let wanted = [SessionState::Waits, SessionState::Works, SessionState::Gone];
        while session_states(&mut conn, &[waits, works, before]).await.unwrap() != wanted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("they are seen as they are");
    running.abort();
    drop((conn, idle));
    db.close().await;
}
