use market::identity::store::{Limit, ThrottleKey, begin_attempt, mint_email_verification, open_session, refresh};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::json;

use super::*;
use crate::testing::TestWorkers;

#[tokio::test]
async fn what_is_long_over_goes_and_the_rest_stays() {
    let workers = TestWorkers::new(Handlers::default().with::<PurgeIdentity>()).await;
    let user = workers.user("ada@example.com").await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let (over, open) =
        (open_session(&mut conn, user, None).await.unwrap(), open_session(&mut conn, user, None).await.unwrap());
    let next = refresh(&mut conn, &open.refresh_token).await.unwrap();
    let newcomer = workers.user("bob@example.com").await;
    let sql = "UPDATE users SET email_verified_at = NULL WHERE id = $1";
    sqlx::query(sql).bind(newcomer).execute(&mut *conn).await.unwrap();
    assert!(mint_email_verification(&mut conn, newcomer).await.unwrap().is_some());
    let address = "192.0.2.1".parse().unwrap();
    begin_attempt(&mut conn, &[(&ThrottleKey::address(address), Limit::ADDRESS)]).await.unwrap();
    let purged = async || {
        let _ = workers.ledger.enqueue(&PurgeIdentity::DEFAULT).await.unwrap();
        workers.queue.drain().await;
        rows(&workers.db.pool, "identity.purge").await.pop().unwrap().result.unwrap()["deleted"].clone()
    };
    assert_eq!(purged().await, json!(0));
    for sql in [
        "UPDATE refresh_tokens SET used_at = used_at - interval '31 days' WHERE used_at IS NOT NULL",
        "UPDATE email_verifications SET expires_at = now() - interval '31 days'",
        "UPDATE login_throttle SET window_start = now() - interval '31 days'",
    ] {
        assert_eq!(sqlx::query(sql).execute(&mut *conn).await.unwrap().rows_affected(), 1, "{sql}");
    }
    sqlx::query("UPDATE sessions SET expires_at = now() - interval '31 days' WHERE id = $1")
        .bind(over.session)
        .execute(&mut *conn)
        .await
        .unwrap();
    for sql in [
        "INSERT INTO pending_logins (token_hash, user_id, session_version, created_at, expires_at)
         VALUES (sha256('a'), $1, 1, now() - interval '32 days', now() - interval '31 days')",
        "INSERT INTO two_factors (id, user_id, sealed, enrolled_at)
         VALUES (gen_random_uuid(), $1, decode(repeat('ab', 40), 'hex'), now() - interval '31 days')",
    ] {
        sqlx::query(sql).bind(user).execute(&mut *conn).await.unwrap();
    }
    assert_eq!(purged().await, json!(6));
    let left: (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM refresh_tokens),
                (SELECT count(*) FROM email_verifications), (SELECT count(*) FROM login_throttle)",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(left, (1, 1, 0, 0));
    refresh(&mut conn, &next.refresh_token).await.unwrap();
    drop(conn);
    workers.close().await;
}
