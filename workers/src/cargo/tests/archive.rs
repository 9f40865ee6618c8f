//! Months leave the log for the object store, whole or not at all.

use jobs::cargo::ArchiveEvents;
use market::cargo::store::{ArchivePart, archived, count, standing, store_events};
use market::cargo::{CargoEvent, OwnedEvent, ShipmentStatus};
use queue::worker::Handlers;
use queue::{JobTx, Ledger};
use serde_json::{Value, json};

use super::test_lane::{ORG, event};
use crate::cargo::archive;
use crate::testing::TestWorkers;

/// A kit whose log has a month of long ago, with `events`.
async fn with_a_month(events: &[CargoEvent]) -> TestWorkers {
    let kit = TestWorkers::new(Handlers::default().with::<ArchiveEvents>()).await;
    for statement in [
        "CREATE TABLE cargo_events_2020_01 PARTITION OF cargo_events
         FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-02-01 00:00:00+00')",
        "ALTER TABLE cargo_events ALTER recorded_at SET DEFAULT '2020-01-10 00:00:00+00'",
    ] {
        sqlx::query(statement).execute(&kit.db.pool).await.unwrap();
    }
    let owned: Vec<OwnedEvent> = events.iter().map(|event| OwnedEvent { org: ORG, event: event.clone() }).collect();
    let mut conn = kit.db.pool.acquire().await.unwrap();
    assert_eq!(store_events(&mut conn, &owned).await.unwrap().stored, events.len() as u64);
    sqlx::query("ALTER TABLE cargo_events ALTER recorded_at SET DEFAULT now()").execute(&mut *conn).await.unwrap();
    kit
}

/// Runs the job; its result, or the error of its first attempt.
async fn run(kit: &TestWorkers, part_events: u32) -> Result<Value, String> {
    let mut tx: JobTx = Ledger::new(kit.db.app.clone()).begin().await.unwrap();
    let id = tx.enqueue(&ArchiveEvents { keep_months: 24, part_events }).await.unwrap().id();
    tx.commit().await.unwrap();
    kit.queue.drain().await;
    let (state, result, error): (String, Option<Value>, Option<String>) =
        sqlx::query_as("SELECT state::text, result, error FROM jobs WHERE id = $1")
            .bind(id.0)
            .fetch_one(&kit.db.pool)
            .await
            .unwrap();
    if state == "succeeded" { Ok(result.unwrap()) } else { Err(error.unwrap_or_default()) }
}

async fn log(kit: &TestWorkers) -> u64 {
    count(&mut kit.db.pool.acquire().await.unwrap()).await.unwrap()
}

fn some_events() -> Vec<CargoEvent> {
    let mut events: Vec<CargoEvent> = (0..250).map(event).collect();
    events[7].payload = Some(serde_json::value::to_raw_value(&json!({"note": "a \"line\",\nand one more"})).unwrap());
    events
}

#[tokio::test]
async fn a_month_is_archived_whole_and_can_be_read_again() {
    let kit = with_a_month(&some_events()).await;
    assert_eq!(run(&kit, 100).await, Ok(json!({"months": ["2020-01"], "events": 250})));
    assert_eq!(log(&kit).await, 0);
    let mut conn = kit.db.app.acquire().await.unwrap();
    let parts = archived(&mut conn, None).await.unwrap();
    assert_eq!(parts.iter().map(|part| part.row_count).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(parts[2].object_key, "cargo/2020-01/0003.csv.zst");
    let mut ids = Vec::new();
    for part in &parts {
        let opened = archive::open(&kit.blobs, part).await.unwrap();
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(opened);
        for row in rows.records() {
            let row = row.unwrap();
            ids.push(row[4].parse::<usize>().unwrap());
            if &row[4] == "7" {
                let payload: Value = serde_json::from_str(&row[13]).unwrap();
                assert_eq!(payload, json!({"note": "a \"line\",\nand one more"}));
            }
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..250).collect::<Vec<_>>());
    assert_eq!(run(&kit, 100).await, Ok(json!({"months": [], "events": 0})), "a second run finds nothing");

    let mut changed = parts[0].clone();
    changed.object_key.clone_from(&parts[1].object_key);
    archive::verify(&kit.blobs, &parts[0]).await.unwrap();
    archive::verify(&kit.blobs, &changed).await.unwrap_err();
    let fewer = ArchivePart { row_count: 99, ..parts[0].clone() };
    archive::verify(&kit.blobs, &fewer).await.unwrap_err();
    let error = archive::open(&kit.blobs, &changed).await.err().unwrap();
    assert!(error.to_string().contains("checksum"), "{error}");
    drop(conn);
    kit.close().await;
}

/// What was sent and listed before a crash is written anew, and nothing is dropped before.
#[tokio::test]
async fn a_crash_between_sending_and_dropping_harms_nothing() {
    let kit = with_a_month(&some_events()).await;
    let refuse = "CREATE OR REPLACE FUNCTION cargo_drop_month(dropped date) RETURNS bigint LANGUAGE plpgsql
                  SECURITY DEFINER SET search_path = public, pg_temp AS $$ BEGIN RAISE EXCEPTION 'crash'; END $$";
    let body: String = sqlx::query_scalar("SELECT pg_get_functiondef('cargo_drop_month'::regproc)")
        .fetch_one(&kit.db.pool)
        .await
        .unwrap();
    sqlx::query(refuse).execute(&kit.db.pool).await.unwrap();
    let mut conn = kit.db.pool.acquire().await.unwrap();
    let month = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    for _ in 0..2 {
        let parts = archive::export(&mut conn, &kit.blobs, month, 200).await.unwrap();
        market::cargo::store::list_archived(&mut conn, month, &parts).await.unwrap();
        market::cargo::store::drop_month(&mut conn, month).await.unwrap_err();
    }
    assert_eq!(log(&kit).await, 250);
    assert_eq!(archived(&mut conn, None).await.unwrap().len(), 2);
    sqlx::query(sqlx::AssertSqlSafe(body)).execute(&mut *conn).await.unwrap();
    // Fewer parts than the first time: what is listed is what is there.
    assert_eq!(run(&kit, 1000).await, Ok(json!({"months": ["2020-01"], "events": 250})));
    let parts = archived(&mut conn, None).await.unwrap();
    assert_eq!(parts.iter().map(|part| part.row_count).collect::<Vec<_>>(), [250]);
    drop(conn);
    kit.close().await;
}

#[tokio::test]
async fn no_month_is_dropped_that_is_young_or_not_archived_whole() {
    let kit = with_a_month(&some_events()).await;
    let mut conn = kit.db.app.acquire().await.unwrap();
    let mut refused = async |month: &str| {
        let month: chrono::NaiveDate = month.parse().unwrap();
        let error = market::cargo::store::drop_month(&mut conn, month).await.unwrap_err();
        error.as_database_error().and_then(|error| error.constraint().map(str::to_owned)).unwrap()
    };
    assert_eq!(refused("2020-01-01").await, "cargo_events_archived_whole");
    let this: chrono::NaiveDate = sqlx::query_scalar("SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date")
        .fetch_one(&kit.db.pool)
        .await
        .unwrap();
    assert_eq!(refused(&this.to_string()).await, "cargo_events_kept_a_year");
    drop(conn);
    assert_eq!(log(&kit).await, 250);
    kit.close().await;
}

/// A shipment of which a part is archived keeps what that part said.
#[tokio::test]
async fn an_archived_delivery_stays_a_delivery() {
    let delivered = CargoEvent { status: Some(ShipmentStatus::Delivered), shipment: "S-9".to_owned(), ..event(5) };
    let kit = with_a_month(&[delivered]).await;
    run(&kit, 100).await.unwrap();
    let mut conn = kit.db.app.acquire().await.unwrap();
    let late = CargoEvent { shipment: "S-9".to_owned(), ..event(6) };
    let correcting = CargoEvent { corrects: Some("6".to_owned()), shipment: "S-9".to_owned(), ..event(7) };
    let owned = [late, correcting].map(|event| OwnedEvent { org: ORG, event });
    assert_eq!(store_events(&mut conn, &owned).await.unwrap().stored, 2);
    assert_eq!(standing(&mut conn, ORG, "S-9").await.unwrap().status, Some(ShipmentStatus::Delivered));
    drop(conn);
    kit.close().await;
}
