use chrono::TimeZone;
use queue::schedule::store::{Declarations, declare};
use serde_json::json;
use shared::testing::TestDb;

use super::*;
use crate::failure::message_with_advice;

const TEXT: Output = Output { json: false, wide: false };

/// A database with the schedules that the code declares, as a scheduler would leave it.
async fn declared() -> (TestDb, Registry) {
    let db = TestDb::new().await;
    let registry = jobs::registry().unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    declare(&mut conn, &Declarations::of(&registry).unwrap(), true).await.unwrap();
    (db, registry)
}

#[tokio::test]
async fn an_unknown_schedule_names_near_ones_or_all() {
    let (db, registry) = declared().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let near = "error: there is no schedule \"jobs.prun\"\nhelp: did you mean jobs.prune";
    for error in [
        get(&mut conn, "jobs.prun").await.unwrap_err(),
        set_paused(&mut conn, "jobs.prun", true).await.unwrap_err(),
        run_now(&mut conn, &registry, "jobs.prun").await.unwrap_err(),
        next(&mut conn, "jobs.prun", 5).await.unwrap_err(),
    ] {
        let text = message_with_advice(&error);
        assert!(text.starts_with(near), "{text}");
    }
    let text = message_with_advice(&get(&mut conn, "").await.unwrap_err());
    assert!(text.contains("the schedules are ") && text.contains("auctions.sweep"), "{text}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn pausing_is_told_once_and_kept_in_the_audit_log() {
    let (db, _) = declared().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let now = ops::now(&mut conn).await.unwrap();
    let text = message_with_advice(&set_paused(&mut conn, "jobs.prune", false).await.unwrap_err());
    assert!(text.contains("is not paused") && text.contains("schedules show jobs.prune"), "{text}");

    let paused = set_paused(&mut conn, "jobs.prune", true).await.unwrap();
    assert_eq!(views::switched(&paused, now), "jobs.prune is paused");
    let message = message_with_advice(&set_paused(&mut conn, "jobs.prune", true).await.unwrap_err());
    assert!(message.contains("paused already, by cli") && message.contains("schedules resume jobs.prune"), "{message}");
    assert!(views::list(&store::list(&mut conn).await.unwrap(), now, TEXT).contains("paused"));
    let silent = next(&mut conn, "jobs.prune", 1).await.unwrap();
    assert_eq!((silent.silent, silent.times.len()), (Some("paused"), 1));
    assert!(views::next(&silent, now, TEXT).contains("none of these will fire"));

    let resumed = set_paused(&mut conn, "jobs.prune", false).await.unwrap();
    assert!(views::switched(&resumed, now).starts_with("jobs.prune goes on; it fires in "));
    let mut acts: Vec<_> =
        shared::audit::page(&mut conn, None, None, 10).await.unwrap().into_iter().map(|entry| entry.action).collect();
    acts.reverse();
    assert_eq!(acts, ["schedule.pause", "schedule.resume"]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn run_enqueues_the_job_once_while_it_is_open() {
    let (db, registry) = declared().await;
    let mut conn = db.pool.acquire().await.unwrap();
    set_paused(&mut conn, "jobs.prune", true).await.unwrap();
    let first = run_now(&mut conn, &registry, "jobs.prune").await.unwrap();
    assert!(first.new && views::started(&first).starts_with("jobs.prune: job "), "{first:?}");
    let second = run_now(&mut conn, &registry, "jobs.prune").await.unwrap();
    assert_eq!((second.new, second.job), (false, first.job));
    assert!(views::started(&second).starts_with("nothing was added"));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn fire_times_are_told_in_the_zone_and_in_utc() {
    let (db, registry) = declared().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let noon = store::NewSchedule {
        name: "noon".to_owned(),
        kind: "jobs.prune".to_owned(),
        payload: json!({"finished_after_hours": 1, "dead_after_hours": 1}),
        expression: "0 12 * * *".to_owned(),
        zone: "Asia/Kolkata".to_owned(),
        misfire: "skip".to_owned(),
    };
    store::add(&mut conn, &registry, noon, Actor::CommandLine).await.unwrap();
    let upcoming = next(&mut conn, "noon", 7).await.unwrap();
    assert_eq!(upcoming.times.len(), 7);
    for time in &upcoming.times {
        assert_eq!(time.local.to_utc(), time.utc);
        let json = serde_json::to_value(time).unwrap();
        assert!(json["local"].as_str().unwrap().ends_with("T12:00:00+05:30"), "{json}");
        assert!(json["utc"].as_str().unwrap().ends_with("T06:30:00Z"), "{json}");
    }
    let long_ago = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
    let text = views::next(&upcoming, long_ago, TEXT);
    assert!(text.starts_with("noon: 0 12 * * * (Asia/Kolkata)"), "{text}");
    assert!(text.contains("12:00:00 +05:30") && text.contains("06:30:00"), "{text}");
    let detail = views::detail(&store::get(&mut conn, "noon").await.unwrap(), long_ago);
    for part in ["jobs.prune", "12:00:00 IST", "added at run time", "by cli"] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    drop(conn);
    db.close().await;
}
