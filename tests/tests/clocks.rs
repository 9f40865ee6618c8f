//! Clocks that are really set, by an hour, ahead and back, while jobs run, wait, fail and hold
//! leases: that of the database, and those of the hosts of workers and schedulers.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]

use std::time::Duration;

use chrono::{DateTime, Utc};
use queue::enqueue::{Enqueue, enqueue_all};
use queue::ops::Actor;
use queue::schedule::store::{NewSchedule, add};
use queue::transport::Transport;
use serde_json::json;
use shared::testing::TestDb;
use tests::parts::Part;
use tests::servers::{OwnPostgres, TestClock};
use tests::stack::TestStack;
use tests::touch::{Flaky, Touch, registry};

const PROGRAM: &str = env!("CARGO_BIN_EXE_stack-part");
const HOUR: i64 = 3_600;
/// How many jobs of each sort are in a round.
const EACH: i32 = 4;

/// Enqueues jobs that run while the clock is set, jobs that fail before it, and jobs that are
/// delayed past it: `EACH` of each sort.
async fn enqueue_round(stack: &TestStack, first: i32) {
    let long = (0..EACH).map(|n| Enqueue::new(&Touch { n: first + n, millis: 12_000, ..Touch::default() }));
    let flaky = (EACH..2 * EACH).map(|n| Enqueue::new(&Flaky { n: first + n }));
    let delayed = (2 * EACH..3 * EACH)
        .map(|n| Enqueue::new(&Touch { n: first + n, ..Touch::default() }).after(Duration::from_secs(10)));
    let jobs: Vec<_> = long.chain(flaky).chain(delayed).collect();
    let mut conn = stack.pool().acquire().await.unwrap();
    enqueue_all(&mut conn, &jobs).await.unwrap();
    drop(conn);
    stack.until("state = 'running' AND kind = 'tests.touch'", EACH.into()).await;
    stack.until("state = 'scheduled'", (2 * EACH).into()).await;
}

/// Adds schedules for every second and for every full hour.
async fn add_schedules(stack: &TestStack) {
    let mut conn = stack.pool().acquire().await.unwrap();
    for (name, expression) in [("seconds", "@every 1s"), ("hours", "0 0 * * * *")] {
        let new = NewSchedule {
            name: name.to_owned(),
            kind: "tests.tick".to_owned(),
            payload: json!({}),
            expression: expression.to_owned(),
            zone: "UTC".to_owned(),
            misfire: "fire_once".to_owned(),
        };
        add(&mut conn, &registry(), new, Actor::System).await.unwrap();
    }
}

async fn rows(stack: &TestStack, of: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {of}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(stack.pool()).await.unwrap()
}

/// Asserts that nobody was taken for dead, and that somebody leads.
async fn assert_nobody_is_buried(stack: &TestStack) {
    assert_eq!(stack.count("losses > 0 OR state = 'dead'").await, 0, "a live worker was taken for dead");
    let lost = rows(stack, "job_attempts WHERE outcome = 'lost'").await;
    let stopped = rows(stack, "workers WHERE stopped_at IS NOT NULL").await;
    assert_eq!((lost, stopped), (0, 0), "attempts lost, workers given up");
    let led = "SELECT count(*) FROM queue_status WHERE abs(extract(epoch FROM clock_timestamp() - seen_at)) < 3";
    stack.until_sql(led, 1).await;
}

async fn shown(stack: &TestStack) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(stack.pool()).await.unwrap()
}

/// Sets the database's clock to each of these offsets in turn, with a round of jobs under way each
/// time.
async fn the_database_is_set(steps: &[i64]) {
    let clock = TestClock::new().unwrap();
    let mut postgres = OwnPostgres::start_by(&clock).await.unwrap();
    let stack = TestStack::on(TestDb::on(&postgres.url()).await, Transport::Redis, &[]).await;
    let _schedulers = [stack.scheduler(), stack.scheduler()];
    let _worker = stack.worker(8);
    add_schedules(&stack).await;
    let (mut first, mut set) = (0, 0);
    for &seconds in steps {
        enqueue_round(&stack, first).await;
        first += 3 * EACH;
        let before = shown(&stack).await;
        clock.set(seconds).unwrap();
        let by = (shown(&stack).await - before).num_seconds();
        assert!((by - (seconds - set)).abs() < 60, "the clock was set by {by} s");
        set = seconds;
        // Within far less than the hour, however slow the machine is.
        stack.until("state < 'succeeded' AND kind <> 'tests.tick'", 0).await;
        assert_nobody_is_buried(&stack).await;
        // The schedule for every second goes on.
        let fired = stack.count("kind = 'tests.tick'").await;
        stack.until_at_least("kind = 'tests.tick'", fired + 3).await;
    }
    sqlx::query("UPDATE schedules SET paused = true").execute(stack.pool()).await.unwrap();
    stack.until_drained().await;
    let effects = (rows(&stack, "effects").await, rows(&stack, "(SELECT DISTINCT n FROM effects) AS one").await);
    assert_eq!(effects, (first.into(), first.into()), "effects, and those of different jobs");
    // The clock was set past one full hour, and another may have passed in the meantime.
    let hours = rows(&stack, "schedule_ticks WHERE schedule = 'hours'").await;
    assert!((1..=2).contains(&hours), "{hours} full hours fired");
    // Not `close`: by their rows, jobs that ran while the clock was set back ended before they
    // began.
    stack.leave().await;
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_clock_is_set_ahead_and_back_delays_nothing_and_buries_nobody() {
    the_database_is_set(&[HOUR, 0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_clock_is_set_back_and_ahead_delays_nothing_and_buries_nobody() {
    the_database_is_set(&[-HOUR, 0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_whose_clocks_are_set_delay_nothing_and_bury_nobody() {
    let stack = TestStack::new(Transport::Redis).await;
    let (of_worker, of_scheduler) = (TestClock::new().unwrap(), TestClock::new().unwrap());
    let mut worker = Part::start_with(PROGRAM, &stack, &["worker"], &of_worker.env());
    let mut scheduler = Part::start_with(PROGRAM, &stack, &["scheduler"], &of_scheduler.env());
    let mut first = 0;
    for (worker, scheduler) in [(HOUR, -HOUR), (-HOUR, HOUR)] {
        enqueue_round(&stack, first).await;
        first += 3 * EACH;
        of_worker.set(worker).unwrap();
        of_scheduler.set(scheduler).unwrap();
        stack.until_drained().await;
        assert_nobody_is_buried(&stack).await;
    }
    stack.assert_once_each(first).await;
    for part in [&mut worker, &mut scheduler] {
        part.signal("TERM");
        part.ended().await;
    }
    stack.close().await;
}
