//! Rows in every state, for the tests of this folder.

use shared::ids::JobId;
use shared::testing::TestDb;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};

use super::JobState;

/// A database with the queues `emails` (rabbit) and `reports` (redis), and a connection to it.
pub(super) struct TestLedger {
    pub(super) db: TestDb,
    pub(super) conn: PoolConnection<Postgres>,
}

impl TestLedger {
    pub(super) async fn new() -> Self {
        let db = TestDb::new().await;
        let conn = db.pool.acquire().await.unwrap();
        let mut ledger = Self { db, conn };
        ledger
            .sql(
                "INSERT INTO queues (name, transport) VALUES ('emails', 'rabbit'), ('reports', 'redis')
             ON CONFLICT (name) DO UPDATE SET transport = excluded.transport",
            )
            .await;
        ledger
    }

    pub(super) async fn sql(&mut self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *self.conn).await.unwrap();
    }

    pub(super) async fn set(&mut self, job: JobId, assignments: &str) {
        self.sql(&format!("UPDATE jobs SET {assignments} WHERE id = {job}")).await;
    }

    /// A live worker with four slots.
    pub(super) async fn worker(&mut self, queues: &[&str], kinds: &[&str]) -> i64 {
        sqlx::query_scalar(
            "INSERT INTO workers (name, pool, host, pid, version, queues, kinds, concurrency, lease_until)
             VALUES ('emails-1', 'emails', 'here', 7, '0.1.0', $1, $2, 4, now() + interval '15 seconds') RETURNING id",
        )
        .bind(queues)
        .bind(kinds)
        .fetch_one(&mut *self.conn)
        .await
        .unwrap()
    }

    /// A dispatcher that was seen just now.
    pub(super) async fn dispatcher(&mut self, queue: &str) {
        self.sql(&format!(
            "INSERT INTO queue_status (queue, dispatcher, seen_at, inflight, backlog)
             VALUES ('{queue}', 'scheduler-1', clock_timestamp(), 0, false)
             ON CONFLICT (queue) DO UPDATE SET seen_at = excluded.seen_at, broker_error = NULL"
        ))
        .await;
    }

    /// Takes an available job through the broker to a worker.
    pub(super) async fn run(&mut self, job: JobId, worker: i64) {
        self.set(job, "state = 'queued', epoch = epoch + 1, queued_at = now()").await;
        self.set(job, &format!("state = 'running', worker = {worker}, started_at = now(), attempt = attempt + 1"))
            .await;
    }

    /// The actions in the audit log, oldest first, with what was acted on.
    pub(super) async fn acts(&mut self) -> Vec<String> {
        let acts = sqlx::query_scalar("SELECT action || ' ' || subject_id FROM audit_entries ORDER BY seq");
        acts.fetch_all(&mut *self.conn).await.unwrap()
    }

    pub(super) async fn close(self) {
        drop(self.conn);
        self.db.close().await;
    }
}

/// A job of kind `t.send`; a scheduled one is due in an hour.
pub(super) async fn insert(conn: &mut PgConnection, queue: &str, state: JobState) -> JobId {
    sqlx::query_scalar(
        "INSERT INTO jobs (state, queue, kind, payload, run_at, queued_at, started_at, finished_at, worker, epoch)
         VALUES ($1, $2, 't.send', '{}', now() + CASE WHEN $1 = 'scheduled' THEN interval '1 hour' ELSE interval '0' END,
                 CASE WHEN $1 = 'queued' THEN now() END, CASE WHEN $1 = 'running' THEN now() END,
                 CASE WHEN $1 >= 'succeeded' THEN now() END, CASE WHEN $1 = 'running' THEN 0 END,
                 CASE WHEN $1 IN ('scheduled', 'available') THEN 0 ELSE 1 END)
         RETURNING id",
    )
    .bind(state)
    .bind(queue)
    .fetch_one(conn)
    .await
    .unwrap()
}
