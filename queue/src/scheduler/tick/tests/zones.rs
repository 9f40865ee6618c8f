//! Several schedulers around the changes of the clock, and one of them dies in between: every named wall-clock time fires once.

use chrono::{NaiveDateTime, Timelike};
use chrono_tz::Tz;

use super::*;

/// Every quarter of the hours around the change. The hours leave some out, so that these are fixed times.
const NIGHT: &str = "0 */15 1-3 * * *";

fn is_named(wall: NaiveDateTime) -> bool {
    (1..=3).contains(&wall.hour()) && wall.minute().is_multiple_of(15)
}

/// The rule of decision 4 as a walk: it fires when the wall clock reaches or passes a named time for the first time.
fn walk(zone: Tz, start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<String> {
    let wall = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let (mut highest, mut at, mut fires) = (wall(start), start, Vec::new());
    while at < end {
        at += TimeDelta::minutes(1);
        let now = wall(at);
        let mut passed = highest;
        let mut fire = false;
        while passed < now {
            passed += TimeDelta::minutes(1);
            fire |= is_named(passed);
        }
        highest = highest.max(now);
        if fire {
            fires.push(at.format("%m-%d %H:%M").to_string());
        }
    }
    fires
}

/// `schedulers` of them go through the two hours on both sides of `change`; one is aborted on the way.
async fn fires_once(zone: Tz, change: &str, schedulers: usize) {
    let (start, end) = (utc(change) - TimeDelta::hours(2), utc(change) + TimeDelta::hours(2));
    let db = begin(&start.to_rfc3339()).await;
    sql(&db, &format!("UPDATE schedules SET override_expression = '{NIGHT}', override_zone = '{zone}'")).await;
    sql(&db, "UPDATE schedules SET paused = name <> 't.nightly'").await;
    let registry = registry();
    let mut tickers: Vec<_> = (0..schedulers).map(|_| ticker(&db, &registry)).collect();
    let mut time = start;
    while time < end {
        time += TimeDelta::minutes(15);
        // In the middle of the change, and of whatever it is doing.
        let dies = if time == utc(change) { tickers.pop() } else { None };
        let dies = dies.map(|mut ticker| tokio::spawn(async move { ticker.at(time).await }));
        // Twice, so that each also looks again at what another has just fired.
        for _ in 0..2 {
            join_all(tickers.iter_mut().map(|ticker| ticker.at(time))).await;
            if let Some(dies) = &dies {
                dies.abort();
            }
        }
        // What it had begun is undone a moment later, and another scheduler takes it over.
        let expected = walk(zone, start, time);
        let caught_up = async {
            while ticks(&db, "t.nightly").await != expected {
                join_all(tickers.iter_mut().map(|ticker| ticker.at(time))).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, caught_up).await;
        assert!(waited.is_ok(), "{zone} {change} at {time}: {:?}, not {expected:?}", ticks(&db, "t.nightly").await);
    }
    assert!(ticks(&db, "t.nightly").await.len() >= 8);
    db.close().await;
}

async fn fire_once(zone: Tz, changes: [&str; 2]) {
    for change in changes {
        for schedulers in [2, 5] {
            fires_once(zone, change, schedulers).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_fire_each_time_once_around_the_changes_in_new_york() {
    fire_once(Tz::America__New_York, ["2030-03-10T07:00:00Z", "2030-11-03T06:00:00Z"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_fire_each_time_once_around_the_changes_in_berlin() {
    fire_once(Tz::Europe__Berlin, ["2030-03-31T01:00:00Z", "2030-10-27T01:00:00Z"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_fire_each_time_once_around_the_changes_of_half_an_hour_on_lord_howe() {
    fire_once(Tz::Australia__Lord_Howe, ["2030-04-06T15:00:00Z", "2030-10-05T15:30:00Z"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_fire_each_time_once_in_kolkata_where_clocks_never_change() {
    fire_once(Tz::Asia__Kolkata, ["2030-03-30T21:00:00Z", "2030-10-26T21:00:00Z"]).await;
}
