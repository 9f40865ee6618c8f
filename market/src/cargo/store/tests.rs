mod keys;
mod standings;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::value::RawValue;
use shared::testing::TestDb;
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::super::{CargoEvent, EventType, Position, ShipmentStatus};
use super::*;

const ORG: OrgId = OrgId(uuid::Uuid::from_u128(7));

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn event(source: &str, id: &str) -> CargoEvent {
    CargoEvent {
        source: source.to_owned(),
        source_event_id: id.to_owned(),
        sequence: 0,
        shipment: "S-1".to_owned(),
        kind: EventType::Actual,
        status: Some(ShipmentStatus::InTransit),
        occurred_at: start(),
        position: None,
        corrects: None,
        payload: None,
    }
}

fn owned(events: &[CargoEvent]) -> Vec<OwnedEvent> {
    events.iter().map(|event| OwnedEvent { org: ORG, event: event.clone() }).collect()
}

async fn store(pool: &PgPool, events: &[CargoEvent]) -> Stored {
    store_events(&mut pool.acquire().await.unwrap(), &owned(events)).await.unwrap()
}

async fn sql(pool: &PgPool, statement: String) -> Result<u64, sqlx::Error> {
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(pool).await.map(|done| done.rows_affected())
}

async fn partitions_of(pool: &PgPool, table: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1")
        .bind(table)
        .fetch_all(pool)
        .await
        .unwrap()
}

async fn partitions(pool: &PgPool) -> Vec<String> {
    partitions_of(pool, "cargo_events").await
}

#[tokio::test]
async fn what_comes_in_comes_out() {
    let db = TestDb::new().await;
    let full = CargoEvent {
        sequence: 9,
        kind: EventType::Estimated,
        status: Some(ShipmentStatus::OutForDelivery),
        position: Some(Position { latitude: -33.5, longitude: 179.25 }),
        corrects: Some("e0".to_owned()),
        payload: Some(RawValue::from_string(r#"{"speed": 1.5, "note": "ümlaut"}"#.to_owned()).unwrap()),
        ..event("gps", "e1")
    };
    let bare = CargoEvent { status: None, corrects: Some("e1".to_owned()), ..event("gps", "e2") };
    assert_eq!(store(&db.pool, &[full.clone(), bare.clone()]).await, Stored { stored: 2, duplicates: 0, change: None });
    let page = list(&mut db.pool.acquire().await.unwrap(), ORG, "S-1", None, 10).await.unwrap();
    let out: Vec<serde_json::Value> =
        page.events.iter().map(|stored| serde_json::to_value(&stored.event).unwrap()).collect();
    let expected = [&bare, &full].map(|event| serde_json::to_value(event).unwrap());
    assert_eq!(out, expected);
    assert!(page.next.is_none());
    db.close().await;
}

#[tokio::test]
async fn an_event_is_stored_once_however_it_comes_again() {
    let db = TestDb::new().await;
    let batch = [event("a", "1"), event("a", "2"), event("a", "1"), event("b", "1")];
    assert_eq!(store(&db.pool, &batch).await, Stored { stored: 3, duplicates: 1, change: None });
    assert_eq!(store(&db.pool, &batch).await, Stored { stored: 0, duplicates: 4, change: None });
    let changed = CargoEvent { occurred_at: start() + TimeDelta::days(40), ..event("a", "2") };
    let mixed = [changed, event("c", "1")];
    assert_eq!(store(&db.pool, &mixed).await, Stored { stored: 1, duplicates: 1, change: None });
    assert_eq!(store(&db.pool, &[]).await, Stored::default());
    assert_eq!(count(&mut db.pool.acquire().await.unwrap()).await.unwrap(), 4);
    db.close().await;
}

/// Names belong to the organisation that uses them.
#[tokio::test]
async fn organisations_do_not_meet() {
    let db = TestDb::new().await;
    let other = OrgId(uuid::Uuid::from_u128(8));
    store(&db.pool, &[event("a", "1")]).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let delivered = CargoEvent {
        status: Some(ShipmentStatus::Delivered),
        corrects: Some("0".to_owned()),
        occurred_at: start() + TimeDelta::hours(1),
        ..event("a", "1")
    };
    let theirs = [OwnedEvent { org: other, event: delivered }, OwnedEvent { org: ORG, event: event("a", "0") }];
    assert_eq!(store_events(&mut conn, &theirs).await.unwrap().stored, 2, "the same name, another organisation");
    assert_eq!(list(&mut conn, ORG, "S-1", None, 10).await.unwrap().events.len(), 2);
    assert_eq!(list(&mut conn, other, "S-1", None, 10).await.unwrap().events.len(), 1);
    assert_eq!(standing(&mut conn, ORG, "S-1").await.unwrap().status, Some(ShipmentStatus::InTransit));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_missing_month_is_made_by_the_insert() {
    let db = TestDb::new().await;
    for partition in partitions(&db.pool).await {
        sql(&db.pool, format!("DROP TABLE {partition}")).await.unwrap();
    }
    // Several at once, as after a night without the job.
    let stores: JoinSet<Stored> = (0..8)
        .map(|n| {
            let pool = db.pool.clone();
            async move { store(&pool, &[event("a", &n.to_string())]).await }
        })
        .collect();
    let stored = stores.join_all().await;
    assert!(stored.iter().all(|one| one.stored == 1));
    assert_eq!(partitions(&db.pool).await.len(), 1);
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(ensure_partitions(&mut conn, 3).await.unwrap(), 3);
    assert_eq!(ensure_partitions(&mut conn, 3).await.unwrap(), 0, "a second run finds them");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn racing_batches_in_any_order_store_each_event_once() {
    let db = TestDb::new().await;
    let events: Vec<CargoEvent> = (0..300).map(|n| event("race", &n.to_string())).collect();
    let racers: JoinSet<u64> = (0..8)
        .map(|racer| {
            let (pool, mut mine) = (db.pool.clone(), events.clone());
            mine.rotate_left(racer * 37);
            if racer % 2 == 0 {
                mine.reverse();
            }
            async move { store(&pool, &mine).await.stored }
        })
        .collect();
    let stored: u64 = racers.join_all().await.into_iter().sum();
    assert_eq!(stored, 300);
    assert_eq!(count(&mut db.pool.acquire().await.unwrap()).await.unwrap(), 300);
    db.close().await;
}

#[tokio::test]
async fn a_refused_value_is_told_from_a_lost_database() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let far = CargoEvent { position: Some(Position { latitude: 91.0, longitude: 0.0 }), ..event("a", "1") };
    let nul = CargoEvent { source_event_id: "\0".to_owned(), ..event("a", "1") };
    for bad in [far, nul] {
        let error = store_events(&mut conn, &owned(&[event("a", "0"), bad])).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    }
    assert_eq!(count(&mut conn).await.unwrap(), 0, "all or none");
    sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(&mut *conn).await.unwrap_err();
    let error = store_events(&mut conn, &owned(&[event("a", "0")])).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    conn.close().await.ok();
    db.close().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let db = TestDb::new().await;
    let events: Vec<CargoEvent> = (0..25_i64)
        .map(|n| CargoEvent {
            occurred_at: start() + TimeDelta::seconds(n * 7 % 5),
            sequence: n % 3,
            ..event("a", &n.to_string())
        })
        .collect();
    store(&db.pool, &events).await;
    store(&db.pool, &[CargoEvent { shipment: "S-2".to_owned(), ..event("a", "other") }]).await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = list(&mut conn, ORG, "S-1", after, 10).await.unwrap();
        seen.extend(page.events);
        let Some(next) = page.next else { break };
        assert_eq!(next.to_string().parse::<Cursor>(), Ok(next));
        after = Some(next);
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by_key(|one| (one.event.occurred_at, one.event.sequence, one.id)));
    for text in ["", "x", "MS4y", "MS4yLng", "é"] {
        assert_eq!(text.parse::<Cursor>(), Err(MalformedCursor), "{text}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn rejects_are_bounded_and_counted() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reject = |byte: u8, size| Reject {
        reason: format!("not JSON\0{}", "x".repeat(1000)),
        bytes: vec![byte; size],
        routing_key: "cargo.actual".to_owned(),
    };
    park(&mut conn, &[reject(1, 10), reject(2, 200_000), reject(1, 10)]).await.unwrap();
    park(&mut conn, &[reject(1, 10)]).await.unwrap();
    let rows: Vec<(i64, i64, i32, i32)> =
        sqlx::query_as("SELECT seen, size, octet_length(bytes), length(reason) FROM cargo_rejects ORDER BY size")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    assert_eq!(rows, [(3, 10, 10, 500), (1, 200_000, 65_536, 500)]);
    assert_eq!(prune_rejects(&mut conn, 30, 1).await.unwrap(), 1);
    assert_eq!(prune_rejects(&mut conn, 30, 1).await.unwrap(), 0);
    sqlx::query("UPDATE cargo_rejects SET last_at = now() - interval '31 days'").execute(&mut *conn).await.unwrap();
    assert_eq!(prune_rejects(&mut conn, 30, 1).await.unwrap(), 1);
    drop(conn);
    db.close().await;
}

/// What RabbitMQ gave up may be sound, so neither its age nor a flood of others takes it away.
#[tokio::test]
async fn what_rabbitmq_gave_up_is_one_row_until_somebody_decides() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let reject = |text: &str| Reject {
        reason: "so".to_owned(),
        bytes: text.as_bytes().to_vec(),
        routing_key: "cargo.actual".to_owned(),
    };
    // The second one was rejected before it was parked.
    park(&mut conn, &[reject("b"), reject("c")]).await.unwrap();
    for text in ["a", "b", "a"] {
        keep_parked(&mut conn, &reject(text)).await.unwrap();
    }
    park(&mut conn, &[reject("a")]).await.unwrap();
    sqlx::query("UPDATE cargo_rejects SET last_at = now() - interval '9 years'").execute(&mut *conn).await.unwrap();
    assert_eq!(prune_rejects(&mut conn, 30, 0).await.unwrap(), 1);
    let kept = page_rejects(&mut conn, None, 10).await.unwrap();
    let mut kept: Vec<_> = kept.iter().map(|it| (it.seen, it.parked)).collect();
    kept.sort_unstable();
    assert_eq!(kept, [(2, true), (3, true)]);
    let parked = parked_rejects(&mut conn, 10).await.unwrap();
    assert!(parked.len() == 2 && parked.is_sorted(), "{parked:?}");
    for id in parked {
        assert!(drop_reject(&mut conn, id).await.unwrap());
    }
    assert!(parked_rejects(&mut conn, 10).await.unwrap().is_empty());
    drop(conn);
    db.close().await;
}

/// A database for events alone needs no other table, and running its migrations on the main one
/// does no harm.
#[tokio::test]
async fn the_log_can_live_in_a_database_of_its_own() {
    let db = TestDb::new().await;
    let name = format!("{}_events", db.options().get_database().unwrap());
    sql(&db.pool, format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await.unwrap();
    sql(&db.pool, format!("CREATE DATABASE \"{name}\" TEMPLATE template0")).await.unwrap();
    let own = shared::db::pool_with(db.options().clone().database(&name), 2, "test");
    crate::cargo::migrate(&own).await.unwrap();
    crate::cargo::migrate(&own).await.unwrap();
    assert_eq!(store(&own, &[event("a", "1")]).await.stored, 1);
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE tablename = 'jobs'").fetch_one(&own).await.unwrap();
    assert_eq!(tables, 0);
    crate::cargo::migrate(&db.pool).await.unwrap();
    own.close().await;
    sql(&db.pool, format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await.unwrap();
    db.close().await;
}
