use futures::future::join_all;
use serde::{Deserialize, Serialize};
use shared::testing::TestDb;
use sqlx::AssertSqlSafe;

use crate::job::{Job, Kind, Queue};
use crate::ops::Actor;
use crate::registry::KindInfo;
use crate::schedule::{Misfire, Schedule};
use crate::testing::queues;

use super::*;

macro_rules! scheduled {
    ($job:ident, $kind:literal, $schedule:expr) => {
        #[derive(Debug, Serialize, Deserialize)]
        struct $job {}

        impl Job for $job {
            const KIND: Kind = Kind::new($kind);
            const QUEUE: Queue = queues::MAINTENANCE;
            const SCHEDULES: &'static [Schedule] = &[$schedule];
        }
    };
}

scheduled!(Quarter, "t.quarter", Schedule::cron("t.quarter", "0 */15 * * * *").misfire(Misfire::Skip));
scheduled!(Nightly, "t.nightly", Schedule::cron("t.nightly", "0 30 2 * * *").zone(chrono_tz::Europe::Berlin));
scheduled!(Each, "t.each", Schedule::cron("t.each", "0 0 * * * *").misfire(Misfire::FireEach { max: 3 }));
scheduled!(Minute, "t.minute", Schedule::every("t.minute", Duration::from_mins(1)));
scheduled!(Second, "t.second", Schedule::every("t.second", Duration::from_secs(1)));

const LIMIT: Duration = Duration::from_mins(1);

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn registry() -> Arc<Registry> {
    let kinds = [KindInfo::of::<Quarter>(), KindInfo::of::<Nightly>(), KindInfo::of::<Each>()];
    Arc::new(Registry::new(kinds).unwrap())
}

/// A database in which the three schedules are declared and decided until `start`.
async fn begin(start: &str) -> TestDb {
    let db = TestDb::new().await;
    ticker(&db, &registry()).declare(true).await.unwrap();
    sql(&db, &format!("UPDATE schedules SET decided_until = '{start}'")).await;
    db
}

async fn sql(db: &TestDb, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&db.pool).await.unwrap();
}

/// A scheduler of its own, as another process would be.
fn ticker(db: &TestDb, registry: &Arc<Registry>) -> Ticker {
    let pool = crate::engine_pool_with(db.options().clone(), "test");
    Ticker::new(pool, Arc::clone(registry)).unwrap()
}

impl Ticker {
    /// One round with the database's clock turned to `time` (and running on from there).
    async fn at(&mut self, time: DateTime<Utc>) {
        let mut conn = self.ledger.pool().acquire().await.unwrap();
        self.skew = time - store::now(&mut conn, TimeDelta::zero()).await.unwrap();
        drop(conn);
        self.round().await.unwrap();
    }
}

/// The fire times of a schedule's ticks. Each has its own job, and no job is without a tick.
async fn ticks(db: &TestDb, schedule: &str) -> Vec<String> {
    // In one snapshot: what a killed scheduler had sent may still be committed.
    let mut seen = db.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    let ticks: Vec<DateTime<Utc>> =
        sqlx::query_scalar("SELECT fire_at FROM schedule_ticks WHERE schedule = $1 ORDER BY fire_at")
            .bind(schedule)
            .fetch_all(&mut *seen)
            .await
            .unwrap();
    let matched: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT job) FROM schedule_ticks JOIN jobs ON jobs.id = job WHERE schedule = $1 AND kind = $1",
    )
    .bind(schedule)
    .fetch_one(&mut *seen)
    .await
    .unwrap();
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE kind = $1")
        .bind(schedule)
        .fetch_one(&mut *seen)
        .await
        .unwrap();
    seen.rollback().await.unwrap();
    let count = i64::try_from(ticks.len()).unwrap();
    assert_eq!((matched, jobs), (count, count), "{schedule}: ticks and jobs belong together");
    ticks.iter().map(|time| time.format("%m-%d %H:%M").to_string()).collect()
}

async fn many_fire_each_tick_once(schedulers: usize) {
    let db = begin("2030-05-01T10:00:00Z").await;
    let registry = registry();
    let mut tickers: Vec<_> = (0..schedulers).map(|_| ticker(&db, &registry)).collect();
    for quarter in 1..=8 {
        let time = utc("2030-05-01T10:00:00Z") + TimeDelta::minutes(15 * quarter);
        // Twice, so that each also looks again at what another has just fired.
        for _ in 0..2 {
            join_all(tickers.iter_mut().map(|ticker| ticker.at(time))).await;
        }
    }
    let expected =
        ["10:15", "10:30", "10:45", "11:00", "11:15", "11:30", "11:45", "12:00"].map(|time| format!("05-01 {time}"));
    assert_eq!(ticks(&db, "t.quarter").await, expected);
    assert_eq!(ticks(&db, "t.each").await, ["05-01 11:00", "05-01 12:00"]);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_schedulers_fire_each_tick_once() {
    many_fire_each_tick_once(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_schedulers_fire_each_tick_once() {
    many_fire_each_tick_once(5).await;
}

/// The real loops on the real clock, and one of them is stopped in between.
#[tokio::test(flavor = "multi_thread")]
async fn running_schedulers_share_the_ticks_and_one_is_enough() {
    let db = TestDb::new().await;
    let registry = Arc::new(Registry::new([KindInfo::of::<Second>()]).unwrap());
    let stops: Vec<_> = (0..3).map(|_| CancellationToken::new()).collect();
    let running: Vec<_> = stops.iter().map(|stop| tokio::spawn(ticker(&db, &registry).run(stop.clone()))).collect();
    wait_for_ticks(&db, 3).await;
    running[0].abort();
    stops[1].cancel();
    let before = count_ticks(&db).await;
    wait_for_ticks(&db, before + 2).await;
    stops[2].cancel();
    join_all(running).await;
    ticks(&db, "t.second").await;
    db.close().await;
}

async fn count_ticks(db: &TestDb) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM schedule_ticks").fetch_one(&db.pool).await.unwrap()
}

async fn wait_for_ticks(db: &TestDb, count: i64) {
    let enough = async {
        while count_ticks(db).await < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, enough).await.expect("ticks are fired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_killed_between_tick_and_job_leaves_neither_and_another_fires() {
    let db = begin("2030-05-01T10:00:00Z").await;
    let time = utc("2030-05-01T10:15:00Z");
    // Nobody can insert a job: the first scheduler stands still after its tick.
    let mut wall = db.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE jobs IN SHARE MODE").execute(&mut *wall).await.unwrap();
    let mut first = ticker(&db, &registry());
    let killed = tokio::spawn(async move { first.at(time).await });
    let stands = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'jobs'::regclass
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .fetch_one(&db.pool)
            .await
            .unwrap();
            if waiting > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, stands).await.expect("the first scheduler waits for the lock");
    killed.abort();
    let _ = killed.await;
    assert_eq!(ticks(&db, "t.quarter").await, Vec::<String>::new());
    wall.rollback().await.unwrap();

    let mut second = ticker(&db, &registry());
    // The dead one's transaction is undone a moment later.
    let takes_over = async {
        while ticks(&db, "t.quarter").await.is_empty() {
            second.at(time).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, takes_over).await.expect("the second scheduler fires");
    assert_eq!(ticks(&db, "t.quarter").await, ["05-01 10:15"]);
    db.close().await;
}

#[tokio::test]
async fn a_clock_that_jumps_an_hour_back_and_forth_fires_nothing_twice_and_loses_nothing() {
    let db = begin("2030-05-01T10:00:00Z").await;
    let mut ticker = ticker(&db, &registry());
    ticker.at(utc("2030-05-01T10:15:01Z")).await;
    ticker.at(utc("2030-05-01T10:30:01Z")).await;
    // Back: 10:15 and 10:30 come again and have their ticks; 09:45 and 10:00 were never fired, so they are.
    for time in ["09:30:01", "09:45:01", "10:00:01", "10:15:01", "10:30:01", "10:45:01"] {
        ticker.at(utc(&format!("2030-05-01T{time}Z"))).await;
    }
    let so_far = ticks(&db, "t.quarter").await;
    assert_eq!(so_far, ["05-01 09:45", "05-01 10:00", "05-01 10:15", "05-01 10:30", "05-01 10:45"]);
    // Ahead: what lies between was missed, and this schedule skips; the hour's own schedule makes it up.
    ticker.at(utc("2030-05-01T11:50:00Z")).await;
    assert_eq!(ticks(&db, "t.quarter").await, so_far);
    assert_eq!(ticks(&db, "t.each").await.last().unwrap(), "05-01 11:00");
    // And back to the truth: what was skipped by mistake comes on time after all, what was fired does not come again.
    for time in ["10:50:00", "11:00:01", "11:15:01"] {
        ticker.at(utc(&format!("2030-05-01T{time}Z"))).await;
    }
    let end = ticks(&db, "t.quarter").await;
    assert_eq!(end[so_far.len()..], ["05-01 11:00", "05-01 11:15"]);
    assert_eq!(ticks(&db, "t.each").await, ["05-01 10:00", "05-01 11:00"]);
    db.close().await;
}

#[tokio::test]
async fn an_interval_fires_on_when_the_clock_is_set_back() {
    let db = TestDb::new().await;
    let registry = Arc::new(Registry::new([KindInfo::of::<Minute>()]).unwrap());
    let mut ticker = ticker(&db, &registry);
    ticker.declare(true).await.unwrap();
    sql(&db, "UPDATE schedules SET decided_until = '2030-05-01T10:00:00Z'").await;
    // By a second, as clocks are corrected: what was fired is not fired again.
    for time in ["10:01:00", "10:02:00", "10:01:59", "10:02:01"] {
        ticker.at(utc(&format!("2030-05-01T{time}Z"))).await;
    }
    assert_eq!(ticks(&db, "t.minute").await, ["05-01 10:01", "05-01 10:02"]);
    // By an hour, and then by half an hour into what was fired after that.
    for time in ["09:02:30", "09:03:01", "09:04:01", "08:33:30", "08:34:01"] {
        ticker.at(utc(&format!("2030-05-01T{time}Z"))).await;
    }
    let fired: Vec<DateTime<Utc>> =
        sqlx::query_scalar("SELECT fire_at FROM schedule_ticks ORDER BY fire_at").fetch_all(&db.pool).await.unwrap();
    assert_eq!(fired, [utc("2030-05-01T08:34:00Z")], "what lies ahead is forgotten");
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&db.pool).await.unwrap();
    assert_eq!(jobs, 5, "one for each minute that passed");
    db.close().await;
}

#[tokio::test]
async fn misfire_policies_hold_across_a_restart() {
    let db = begin("2030-05-01T00:00:00Z").await;
    ticker(&db, &registry()).at(utc("2030-05-01T00:10:00Z")).await;
    // Down until the next morning; the new process declares the same schedules and starts.
    let mut restarted = ticker(&db, &registry());
    restarted.declare(true).await.unwrap();
    restarted.at(utc("2030-05-01T07:10:00Z")).await;
    assert_eq!(ticks(&db, "t.quarter").await, Vec::<String>::new(), "skip");
    assert_eq!(ticks(&db, "t.nightly").await, ["05-01 00:30"], "fire once: 02:30 in Berlin");
    assert_eq!(ticks(&db, "t.each").await, ["05-01 05:00", "05-01 06:00", "05-01 07:00"], "fire each, at most three");
    // Three days down: it fires once for three nights.
    restarted.at(utc("2030-05-04T07:10:00Z")).await;
    assert_eq!(ticks(&db, "t.nightly").await, ["05-01 00:30", "05-04 00:30"]);
    db.close().await;
}

#[tokio::test]
async fn a_nightly_schedule_fires_once_in_the_night_that_repeats_an_hour() {
    // 2030-10-27 in Berlin: 02:30 is at 00:30 and at 01:30 UTC.
    let db = begin("2030-10-26T20:00:00Z").await;
    let mut ticker = ticker(&db, &registry());
    for minutes in (0..48 * 60).step_by(30) {
        ticker.at(utc("2030-10-26T20:00:00Z") + TimeDelta::minutes(minutes)).await;
    }
    assert_eq!(ticks(&db, "t.nightly").await, ["10-27 00:30", "10-28 01:30"]);
    assert_eq!(ticks(&db, "t.quarter").await.len(), 95, "every half hour is looked at, so every second one is on time");
    db.close().await;
}

#[tokio::test]
async fn a_paused_schedule_fires_nothing_and_makes_nothing_up() {
    let db = begin("2030-05-01T10:00:00Z").await;
    let mut ticker = ticker(&db, &registry());
    let mut conn = db.pool.acquire().await.unwrap();
    store::pause(&mut conn, "t.each", Actor::CommandLine).await.unwrap();
    ticker.at(utc("2030-05-01T12:00:10Z")).await;
    assert_eq!(ticks(&db, "t.each").await, Vec::<String>::new());
    store::resume(&mut conn, "t.each", Actor::CommandLine).await.unwrap();
    // The resume was at the database's own time, long before the turned clock: put it where it belongs.
    sql(&db, "UPDATE schedules SET decided_until = '2030-05-01T12:30:00Z' WHERE name = 't.each'").await;
    ticker.at(utc("2030-05-01T13:00:01Z")).await;
    assert_eq!(ticks(&db, "t.each").await, ["05-01 13:00"]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_edit_is_obeyed_without_a_restart_and_a_broken_schedule_does_not_stop_the_others() {
    let db = begin("2030-05-01T10:00:00Z").await;
    let mut ticker = ticker(&db, &registry());
    sql(&db, "UPDATE schedules SET override_expression = '0 7 * * * *' WHERE name = 't.quarter'").await;
    sql(&db, "UPDATE schedules SET override_zone = 'Atlantis' WHERE name = 't.each'").await;
    ticker.at(utc("2030-05-01T10:07:01Z")).await;
    assert_eq!(ticks(&db, "t.quarter").await, ["05-01 10:07"]);
    let mut conn = db.pool.acquire().await.unwrap();
    let broken = store::get(&mut conn, "t.each").await.unwrap();
    assert!(broken.problem.is_some_and(|problem| problem.contains("Atlantis")));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_payload_that_no_longer_fits_is_told_and_an_unknown_kind_is_left_alone() {
    let db = begin("2030-05-01T10:00:00Z").await;
    let time = utc("2030-05-01T10:15:01Z");
    sql(&db, "UPDATE schedules SET payload = 'null' WHERE name = 't.quarter'").await;
    // A program that does not know the kinds leaves them to one that does.
    ticker(&db, &Arc::new(Registry::default())).at(time).await;
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(store::get(&mut conn, "t.quarter").await.unwrap().problem, None);

    let mut ticker = ticker(&db, &registry());
    ticker.at(time).await;
    assert!(store::get(&mut conn, "t.quarter").await.unwrap().problem.is_some());
    assert_eq!(ticks(&db, "t.quarter").await, Vec::<String>::new());
    sql(&db, "UPDATE schedules SET payload = '{}' WHERE name = 't.quarter'").await;
    ticker.at(utc("2030-05-01T10:30:01Z")).await;
    let mended = store::get(&mut conn, "t.quarter").await.unwrap();
    assert_eq!((mended.problem, mended.last_fire_at), (None, Some(utc("2030-05-01T10:30:00Z"))));
    let fire_time = store::fire_time(&mut conn, mended.last_job.unwrap()).await.unwrap();
    assert_eq!(fire_time, mended.last_fire_at);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn old_ticks_are_forgotten() {
    let db = begin("2020-05-01T10:00:00Z").await;
    let mut ticker = ticker(&db, &registry());
    ticker.at(utc("2020-05-01T10:15:01Z")).await;
    assert_eq!(ticks(&db, "t.quarter").await.len(), 1);
    // And those of a schedule that an operator added: no code declares it.
    let added = store::NewSchedule {
        name: "added".to_owned(),
        kind: "t.quarter".to_owned(),
        payload: serde_json::json!({}),
        expression: "0 0 * * * *".to_owned(),
        zone: "UTC".to_owned(),
        misfire: "skip".to_owned(),
    };
    let mut conn = db.pool.acquire().await.unwrap();
    store::add(&mut conn, &registry(), added, Actor::CommandLine).await.unwrap();
    drop(conn);
    sql(&db, "INSERT INTO schedule_ticks (schedule, fire_at, job) VALUES ('added', '2020-05-01T11:00:00Z', 1)").await;
    ticker.declare(false).await.unwrap();
    assert_eq!(count_ticks(&db).await, 0);
    db.close().await;
}

mod held;
mod zones;
