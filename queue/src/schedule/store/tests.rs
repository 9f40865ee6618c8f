use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::testing::TestDb;
use sqlx::AssertSqlSafe;

use super::*;
use crate::enqueue::Enqueued;
use crate::job::{Job, Kind, Queue};
use crate::ledger::Ledger;
use crate::ops::Actor;
use crate::registry::{KindInfo, Registry};
use crate::schedule::{Schedule, payload};
use crate::testing::enqueued;
use crate::testing::queues;
use crate::unique::Unique;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep;

impl Job for Sweep {
    const KIND: Kind = Kind::new("test.sweep");
    const QUEUE: Queue = queues::MAINTENANCE;
    const SCHEDULES: &'static [Schedule] =
        &[Schedule::every("test.sweep", Duration::from_secs(15)).misfire(Misfire::Skip)];

    fn unique(&self) -> Unique {
        Unique::while_open("all")
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prune {
    hours: u32,
}

impl Job for Prune {
    const KIND: Kind = Kind::new("test.prune");
    const QUEUE: Queue = queues::MAINTENANCE;
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("test.prune", "0 0 2 * * *")
        .zone(chrono_tz::Europe::Berlin)
        .payload(|| payload(&Prune { hours: 72 }))];
}

/// The same kind after a deploy that moved it to three o'clock.
#[derive(Debug, Serialize, Deserialize)]
struct PruneLater {
    hours: u32,
}

impl Job for PruneLater {
    const KIND: Kind = Prune::KIND;
    const QUEUE: Queue = queues::MAINTENANCE;
    const SCHEDULES: &'static [Schedule] = &[Schedule::cron("test.prune", "0 0 3 * * *")
        .zone(chrono_tz::Europe::Berlin)
        .payload(|| payload(&Prune { hours: 48 }))];
}

fn registry() -> Registry {
    Registry::new([KindInfo::of::<Sweep>(), KindInfo::of::<Prune>()]).unwrap()
}

struct TestSchedules {
    db: TestDb,
    registry: Registry,
    ledger: Ledger,
}

impl TestSchedules {
    /// A database in which the two schedules are declared.
    async fn new() -> Self {
        let db = TestDb::new().await;
        let schedules = Self { ledger: Ledger::new(db.pool.clone()), registry: registry(), db };
        assert!(schedules.deploy(&schedules.registry).await.is_empty());
        schedules
    }

    /// Starts a program with these contracts; returns what it retired.
    async fn deploy(&self, registry: &Registry) -> Vec<String> {
        let declarations = Declarations::of(registry).unwrap();
        declare(&mut self.db.pool.acquire().await.unwrap(), &declarations, true).await.unwrap().retired
    }

    async fn sql(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&self.db.pool).await.unwrap();
    }

    async fn get(&self, name: &str) -> ScheduleView {
        get(&mut self.db.pool.acquire().await.unwrap(), name).await.unwrap()
    }

    async fn edit(&self, name: &str, change: Edit) -> Result<ScheduleView, ScheduleError> {
        edit(&mut self.db.pool.acquire().await.unwrap(), name, change, Actor::CommandLine).await
    }

    async fn decided_until(&self, name: &str) -> DateTime<Utc> {
        sqlx::query_scalar("SELECT decided_until FROM schedules WHERE name = $1")
            .bind(name)
            .fetch_one(&self.db.pool)
            .await
            .unwrap()
    }
}

fn expression(text: &str) -> Edit {
    Edit { expression: Some(text.to_owned()), ..Edit::default() }
}

#[tokio::test]
async fn declared_schedules_are_shown_with_their_next_five_times() {
    let schedules = TestSchedules::new().await;
    let seen = list(&mut schedules.db.pool.acquire().await.unwrap()).await.unwrap();
    assert_eq!(seen.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["test.prune", "test.sweep"]);
    let prune = &seen[0];
    let times = Times { expression: "0 0 2 * * *".into(), zone: "Europe/Berlin".into(), misfire: "fire_once".into() };
    assert_eq!((&prune.times, prune.declared.as_ref()), (&times, Some(&times)));
    assert_eq!((prune.kind.as_str(), &prune.payload), ("test.prune", &json!({ "hours": 72 })));
    assert_eq!(prune.next.len(), 5);
    let two = |time: &DateTime<Utc>| time.with_timezone(&chrono_tz::Europe::Berlin).format("%T").to_string();
    assert!(prune.next.iter().map(two).all(|time| time == "02:00:00" || time == "03:00:00"), "{:?}", prune.next);
    assert!(!prune.overridden && !prune.paused && prune.problem.is_none());
    // A unit struct's payload is null, and it was found by itself.
    assert_eq!(seen[1].payload, Value::Null);
    schedules.db.close().await;
}

#[tokio::test]
async fn an_override_survives_a_deploy_and_a_reset_takes_it_back() {
    let schedules = TestSchedules::new().await;
    let edited = schedules.edit("test.prune", expression(" 0  30 4 * * *")).await.unwrap();
    assert!(edited.overridden);
    assert_eq!((edited.times.expression.as_str(), edited.changed_by.as_str()), ("0 30 4 * * *", "cli"));

    schedules.deploy(&Registry::new([KindInfo::of::<Sweep>(), KindInfo::of::<PruneLater>()]).unwrap()).await;
    let seen = schedules.get("test.prune").await;
    assert_eq!(seen.times.expression, "0 30 4 * * *");
    assert_eq!(seen.declared.unwrap().expression, "0 0 3 * * *");
    assert_eq!((seen.payload, seen.changed_by), (json!({ "hours": 48 }), "code".to_owned()));

    let reset = reset(&mut schedules.db.pool.acquire().await.unwrap(), "test.prune", Actor::CommandLine).await.unwrap();
    assert!(!reset.overridden);
    assert_eq!(reset.times.expression, "0 0 3 * * *");
    // What equals the declaration is not an override.
    assert!(!schedules.edit("test.prune", expression("0 0 3 * * *")).await.unwrap().overridden);
    schedules.db.close().await;
}

#[tokio::test]
async fn a_deploy_that_changes_nothing_keeps_what_is_decided_and_a_new_time_starts_from_now() {
    let schedules = TestSchedules::new().await;
    schedules.sql("UPDATE schedules SET decided_until = '2020-01-01Z'").await;
    let old = schedules.decided_until("test.prune").await;
    schedules.deploy(&schedules.registry).await;
    assert_eq!(schedules.decided_until("test.prune").await, old);
    let misfire = Edit { misfire: Some("skip".into()), ..Edit::default() };
    schedules.edit("test.prune", misfire).await.unwrap();
    assert_eq!(schedules.decided_until("test.prune").await, old, "the same times as before");
    schedules.deploy(&Registry::new([KindInfo::of::<PruneLater>()]).unwrap()).await;
    assert!(schedules.decided_until("test.prune").await > old);

    schedules.sql("UPDATE schedules SET decided_until = '2020-01-01Z'").await;
    schedules.edit("test.prune", Edit { zone: Some("UTC".into()), ..Edit::default() }).await.unwrap();
    assert!(schedules.decided_until("test.prune").await > old);
    schedules.db.close().await;
}

#[tokio::test]
async fn what_nobody_declares_any_more_is_retired_and_can_come_back() {
    let schedules = TestSchedules::new().await;
    let only_sweep = Registry::new([KindInfo::of::<Sweep>()]).unwrap();
    // The old program may still run beside the new one.
    assert_eq!(schedules.deploy(&only_sweep).await, Vec::<String>::new());
    assert!(schedules.get("test.prune").await.retired_at.is_none());

    schedules
        .sql("UPDATE schedules SET declared_at = declared_at - interval '3 minutes', decided_until = '2020-01-01Z'")
        .await;
    assert_eq!(schedules.deploy(&only_sweep).await, ["test.prune"]);
    let retired = schedules.get("test.prune").await;
    assert!(retired.retired_at.is_some() && retired.next.is_empty());
    let mut conn = schedules.db.pool.acquire().await.unwrap();
    let now = now(&mut conn, chrono::TimeDelta::zero()).await.unwrap();
    let names = due(&mut conn, now).await.unwrap();
    assert_eq!(names.iter().map(|due| due.name.as_str()).collect::<Vec<_>>(), ["test.sweep"]);
    let mut tx = schedules.ledger.begin().await.unwrap();
    let refused = run_now(&mut tx, &schedules.registry, "test.prune", Actor::CommandLine).await;
    assert!(matches!(refused, Err(ScheduleError::Retired(_))), "{refused:?}");
    tx.rollback().await.unwrap();

    schedules.deploy(&schedules.registry).await;
    let back = schedules.get("test.prune").await;
    assert!(back.retired_at.is_none());
    assert!(schedules.decided_until("test.prune").await > "2021-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    drop(conn);
    schedules.db.close().await;
}

#[tokio::test]
async fn an_older_program_that_runs_on_keeps_nothing_as_it_was() {
    let schedules = TestSchedules::new().await;
    schedules.deploy(&Registry::new([KindInfo::of::<PruneLater>()]).unwrap()).await;
    let old = Declarations::of(&schedules.registry).unwrap();
    declare(&mut schedules.db.pool.acquire().await.unwrap(), &old, false).await.unwrap();
    assert_eq!(schedules.get("test.prune").await.times.expression, "0 0 3 * * *");
    schedules.db.close().await;
}

#[tokio::test]
async fn bad_edits_are_refused_with_the_reason() {
    let schedules = TestSchedules::new().await;
    let refused = |error: ScheduleError| error.to_string();
    let bad = schedules.edit("test.prune", expression("0 0 25 * * *")).await.map_err(refused);
    assert_eq!(bad.unwrap_err(), "expression: hours (`25` at column 5): `25` is not from 0 to 23");
    let bad =
        schedules.edit("test.prune", Edit { zone: Some("Berlin".into()), ..Edit::default() }).await.map_err(refused);
    assert!(bad.unwrap_err().starts_with("zone: `Berlin` is not a time zone"));
    let bad =
        schedules.edit("test.prune", Edit { misfire: Some("maybe".into()), ..Edit::default() }).await.map_err(refused);
    assert!(bad.unwrap_err().starts_with("misfire: `maybe`"));
    assert!(matches!(schedules.edit("test.prune", Edit::default()).await, Err(ScheduleError::NothingToChange)));
    assert!(matches!(schedules.edit("nobody", expression("@daily")).await, Err(ScheduleError::Unknown(_))));
    assert!(!schedules.get("test.prune").await.overridden);
    let mut conn = schedules.db.pool.acquire().await.unwrap();
    assert!(matches!(pause(&mut conn, "nobody", Actor::CommandLine).await, Err(ScheduleError::Unknown(_))));
    assert!(matches!(reset(&mut conn, "nobody", Actor::CommandLine).await, Err(ScheduleError::Unknown(_))));
    assert!(matches!(remove(&mut conn, "test.prune", Actor::CommandLine).await, Err(ScheduleError::Declared(_))));
    drop(conn);
    schedules.db.close().await;
}

#[tokio::test]
async fn run_now_enqueues_at_once_also_when_paused_and_keeps_the_next_time() {
    let schedules = TestSchedules::new().await;
    let mut conn = schedules.db.pool.acquire().await.unwrap();
    let paused = pause(&mut conn, "test.sweep", Actor::CommandLine).await.unwrap();
    assert!(paused.paused && paused.next.is_empty());
    let before = schedules.decided_until("test.sweep").await;
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let mut tx = schedules.ledger.begin().await.unwrap();
        jobs.push(run_now(&mut tx, &schedules.registry, "test.sweep", Actor::CommandLine).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert!(matches!(jobs[0], Enqueued::New(_)));
    assert_eq!(jobs[1], Enqueued::Existing(jobs[0].id()), "unique while open");
    assert_eq!(enqueued::<Sweep>(&schedules.db.pool).await.len(), 1);
    assert_eq!(schedules.decided_until("test.sweep").await, before);
    let resumed = resume(&mut conn, "test.sweep", Actor::CommandLine).await.unwrap();
    assert_eq!(resumed.next.len(), 5);
    assert!(schedules.decided_until("test.sweep").await > before);
    drop(conn);
    schedules.db.close().await;
}

#[tokio::test]
async fn schedules_are_added_checked_edited_and_removed_at_run_time() {
    let schedules = TestSchedules::new().await;
    let mut conn = schedules.db.pool.acquire().await.unwrap();
    let new = |change: Value| -> NewSchedule {
        let mut new =
            json!({ "name": "weekly", "kind": "test.prune", "payload": { "hours": 1 }, "expression": "@weekly" });
        new.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(new).unwrap()
    };
    let mut refused = Vec::new();
    for change in [
        json!({ "kind": "test.nothing" }),
        json!({ "payload": {} }),
        json!({ "name": "Weekly!" }),
        json!({ "expression": "weekly" }),
        json!({ "name": "test.sweep" }),
    ] {
        let result = add(&mut conn, &schedules.registry, new(change), Actor::CommandLine).await;
        refused.push(result.expect_err("refused"));
    }
    assert!(matches!(
        refused[..],
        [
            ScheduleError::UnknownKind(_),
            ScheduleError::Payload(_),
            ScheduleError::Name(_),
            ScheduleError::Times(_),
            ScheduleError::Taken(_)
        ]
    ));
    let added = add(&mut conn, &schedules.registry, new(json!({})), Actor::CommandLine).await.unwrap();
    assert_eq!((added.declared, added.times.zone.as_str()), (None, "UTC"));
    let array = sqlx::query("UPDATE schedules SET payload = '[1]'").execute(&mut *conn).await.unwrap_err();
    assert!(array.to_string().contains("schedules_payload_object"), "{array}");
    let edited = schedules.edit("weekly", expression("@monthly")).await.unwrap();
    assert_eq!((edited.times.expression.as_str(), edited.overridden), ("@monthly", false));
    // No deploy retires it.
    schedules.sql("UPDATE schedules SET declared_at = declared_at - interval '1 hour'").await;
    assert_eq!(schedules.deploy(&Registry::default()).await.len(), 2);
    assert!(schedules.get("weekly").await.retired_at.is_none());
    remove(&mut conn, "weekly", Actor::CommandLine).await.unwrap();
    assert!(matches!(remove(&mut conn, "weekly", Actor::CommandLine).await, Err(ScheduleError::Unknown(_))));
    drop(conn);
    schedules.db.close().await;
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    hours: u32,
}

impl Job for Wrong {
    const KIND: Kind = Kind::new("test.wrong");
    const QUEUE: Queue = queues::MAINTENANCE;
    const SCHEDULES: &'static [Schedule] = &[
        Schedule::cron("test.prune", "0 0 2 * * *").payload(|| payload(&Wrong { hours: 1 })),
        Schedule::cron("no time", "0 0 2 * * *"),
        Schedule::cron("test.late", "0 0 26 * * *").payload(|| payload(&Wrong { hours: 1 })),
        Schedule::every("test.fast", Duration::from_millis(10)),
        Schedule::cron("test.empty", "@daily"),
    ];
}

#[test]
fn every_fault_of_the_declarations_is_told_at_once() {
    let registry = Registry::new([KindInfo::of::<Prune>(), KindInfo::of::<Wrong>()]).unwrap();
    let Faults(faults) = Declarations::of(&registry).unwrap_err();
    let begins: Vec<_> = faults.iter().map(|fault| fault.split(['(', ';']).next().unwrap().trim()).collect();
    assert_eq!(
        begins,
        [
            "test.prune: declared twice",
            "no time: the name is not of up to 80 of a-z, 0-9, '.', '_' and '-'",
            "test.late: expression: hours",
            "test.fast: expression: the interval `10ms` is not a number with s, m, h or d, from 1s to 366d",
            "test.empty: payload version 1 cannot be read: missing field `hours`",
        ]
    );
}
