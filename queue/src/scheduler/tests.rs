//! Clocks that are set: the database's by an hour, either way. Setting the stored times is the same as setting the clock.

use shared::config::{Config, Source};
use shared::testing::TestDb;
use sqlx::{AssertSqlSafe, PgConnection};

use super::reap::{Watch, reap};
use super::*;
use crate::ledger::dispatch::take_tokens;
use crate::ledger::lead::{Seen, fast_path_room, lead};
use crate::ledger::reap::{Overdue, queued, repeat};

async fn scheduler() -> (TestDb, Scheduler) {
    let db = TestDb::new().await;
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    let brokers = Brokers::connect(&config, db.pool.clone());
    let scheduler = Scheduler::over(db.pool.clone(), brokers, Arc::new(Registry::default()), "test".to_owned());
    sql(&db, "INSERT INTO queues (name, transport) VALUES ('emails', 'local')").await;
    (db, scheduler)
}

async fn sql(db: &TestDb, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&db.pool).await.unwrap();
}

async fn is(db: &TestDb, condition: &str) -> bool {
    let sql = format!("SELECT EXISTS (SELECT FROM jobs WHERE {condition})");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&db.pool).await.unwrap()
}

/// A worker that last renewed its lease at this distance from now, and a job that it runs.
async fn worker(db: &TestDb, seen: &str) {
    sql(
        db,
        &format!(
            "WITH worker AS (
                 INSERT INTO workers (name, pool, host, pid, version, queues, kinds, concurrency, seen_at, lease_until)
                 VALUES ('w', 'p', 'h', 1, '1', '{{emails}}', '{{}}', 1, now() + interval '{seen}',
                         now() + interval '{seen}' + interval '15 seconds')
                 RETURNING id
             )
             INSERT INTO jobs (state, epoch, attempt, queue, kind, payload, run_at, started_at, worker)
             SELECT 'running', 1, 1, 'emails', 't.send', '{{}}', now(), now(), id FROM worker"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_worker_is_dead_by_its_silence_whatever_the_clock_shows() {
    for seen in ["1 hour", "-1 hour"] {
        let (db, scheduler) = scheduler().await;
        worker(&db, seen).await;
        let mut watch = Watch::default();
        assert!(reap(&scheduler, &mut watch).await.unwrap().is_empty(), "{seen}: taken for dead at first sight");
        watch.age(Duration::from_secs(16));
        assert_eq!(reap(&scheduler, &mut watch).await.unwrap().len(), 1, "{seen}");
        assert!(is(&db, "state IN ('scheduled', 'available') AND losses = 1").await, "{seen}");
        db.close().await;
    }
}

#[tokio::test]
async fn a_worker_that_renews_between_look_and_verdict_lives() {
    let (db, scheduler) = scheduler().await;
    worker(&db, "0 seconds").await;
    let mut watch = Watch::default();
    reap(&scheduler, &mut watch).await.unwrap();
    watch.age(Duration::from_secs(16));
    sql(&db, "UPDATE workers SET seen_at = seen_at - interval '1 hour'").await;
    assert!(reap(&scheduler, &mut watch).await.unwrap().is_empty());
    db.close().await;
}

#[tokio::test]
async fn a_worker_whose_row_is_held_keeps_no_other_from_being_found_dead() {
    let (db, scheduler) = scheduler().await;
    worker(&db, "0 seconds").await;
    worker(&db, "0 seconds").await;
    let mut watch = Watch::default();
    reap(&scheduler, &mut watch).await.unwrap();
    watch.age(Duration::from_secs(16));
    let mut held = db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM workers ORDER BY id LIMIT 1 FOR UPDATE").execute(&mut *held).await.unwrap();
    assert_eq!(reap(&scheduler, &mut watch).await.unwrap().len(), 1);
    held.rollback().await.unwrap();
    assert!(reap(&scheduler, &mut watch).await.unwrap().is_empty(), "it had no chance to renew");
    watch.age(Duration::from_secs(16));
    assert_eq!(reap(&scheduler, &mut watch).await.unwrap().len(), 1, "it had one, and did not");
    db.close().await;
}

#[tokio::test]
async fn retries_and_delays_do_not_wait_for_a_clock_that_was_set_back_and_calendar_times_do() {
    let (db, scheduler) = scheduler().await;
    sql(
        &db,
        "INSERT INTO jobs (state, epoch, attempt, queue, kind, payload, run_at, delay)
         VALUES ('scheduled', 1, 1, 'emails', 't.retry', '{}', now() + interval '61 minutes', 60),
                ('scheduled', 0, 0, 'emails', 't.delayed', '{}', now() + interval '61 minutes', 60),
                ('scheduled', 0, 0, 'emails', 't.calendar', '{}', now() + interval '61 minutes', NULL),
                ('scheduled', 0, 0, 'emails', 't.waits', '{}', now() + interval '61 minutes', 3700)",
    )
    .await;
    reap(&scheduler, &mut Watch::default()).await.unwrap();
    for kind in ["t.retry", "t.delayed"] {
        let soon = format!("kind = '{kind}' AND run_at BETWEEN now() AND now() + interval '61 seconds'");
        assert!(is(&db, &soon).await, "{kind}");
    }
    assert!(is(&db, "kind = 't.waits' AND run_at > now() + interval '50 minutes'").await, "the clock was not set back");
    assert!(is(&db, "kind = 't.calendar' AND run_at > now() + interval '50 minutes'").await);
    db.close().await;
}

#[tokio::test]
async fn a_lead_from_before_the_clock_was_set_back_is_over() {
    let (db, _scheduler) = scheduler().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let seen = [Seen { queue: "emails".to_owned(), ..Seen::default() }];
    assert_eq!(lead(&mut conn, "dead", &seen).await.unwrap().len(), 1);
    assert!(lead(&mut conn, "heir", &seen).await.unwrap().is_empty(), "the first one leads");
    for set in ["1 hour", "-1 hour"] {
        sql(&db, &format!("UPDATE queue_status SET dispatcher = 'dead', seen_at = now() + interval '{set}'")).await;
        assert!(fast_path_room(&mut conn).await.unwrap().iter().all(|room| !room.open), "{set}");
        assert_eq!(lead(&mut conn, "heir", &seen).await.unwrap().len(), 1, "{set}");
    }
    drop(conn);
    db.close().await;
}

async fn tokens(conn: &mut PgConnection) -> i64 {
    take_tokens(conn, "emails", 10).await.unwrap()
}

#[tokio::test]
async fn what_was_queued_before_the_clock_was_set_back_is_missed_and_a_rate_goes_on() {
    let (db, _scheduler) = scheduler().await;
    sql(
        &db,
        "INSERT INTO jobs (state, epoch, queue, kind, payload, run_at, queued_at)
         VALUES ('queued', 1, 'emails', 't.send', '{}', now(), now() + interval '1 hour')",
    )
    .await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (count, oldest) = queued(&mut conn, "emails").await.unwrap();
    assert!(count == 1 && oldest > 60.0, "{count} {oldest}");
    let missing = Overdue { age: 4.0, most: 30.0, overtaken: false };
    assert_eq!(repeat(&mut conn, "emails", missing).await.unwrap().len(), 1);
    assert_eq!(repeat(&mut conn, "emails", missing).await.unwrap().len(), 0, "sent again a moment ago");

    sql(&db, "UPDATE queues SET rate_per_second = 1000, rate_burst = 5, rate_tokens = 3, rate_filled_at = now() + interval '1 hour'").await;
    assert_eq!(tokens(&mut conn).await, 3);
    drop(conn);
    db.close().await;
}
