use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use shared::testing::cases;

use super::*;
use crate::cargo::rules::Standing;
use crate::cargo::standing as ranked;
use crate::cargo::testing::{any_events, now as then};
use crate::shipments::model::Tracking;

/// What SQL keeps of a shipment, as text.
async fn row(conn: &mut PgConnection, shipment: &str) -> Option<String> {
    sqlx::query_scalar("SELECT (kept.*)::text FROM cargo_standings AS kept WHERE shipment = $1")
        .bind(shipment)
        .fetch_optional(conn)
        .await
        .unwrap()
}

async fn database_now(conn: &mut PgConnection) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(conn).await.unwrap()
}

/// The rule over what the log holds.
async fn by_the_rule(conn: &mut PgConnection, shipment: &str) -> Standing {
    let stored = list(conn, ORG, shipment, None, 100).await.unwrap().events;
    ranked(&stored, database_now(conn).await)
}

/// The same events as another shipment's, which occur around now.
fn moved(events: &[CargoEvent], shipment: &str, now: DateTime<Utc>) -> Vec<CargoEvent> {
    let moved = |event: &CargoEvent| CargoEvent {
        shipment: shipment.to_owned(),
        source: format!("{shipment}-{}", event.source),
        occurred_at: now + (event.occurred_at - then()),
        ..event.clone()
    };
    events.iter().map(moved).collect()
}

/// A delivery of events: each at least once, in any order, cut into batches anywhere.
fn deliveries(events: Vec<CargoEvent>) -> impl Strategy<Value = Vec<Vec<CargoEvent>>> {
    let again = prop::collection::vec(prop::sample::select(events.clone()), 0..6);
    let all = again.prop_flat_map(move |again| Just([events.clone(), again].concat()).prop_shuffle());
    (all, prop::collection::vec(any::<bool>(), 20)).prop_map(|(all, cuts)| {
        let mut batches = vec![Vec::new()];
        for (event, cut) in all.into_iter().zip(cuts) {
            match batches.last_mut() {
                Some(batch) if !cut || batch.is_empty() => batch.push(event),
                _ => batches.push(vec![event]),
            }
        }
        batches
    })
}

/// The rule in SQL and the pure one agree, whatever the order, the repetitions and the batches; and so do the rows.
#[tokio::test]
async fn live_events_out_of_order_end_the_same() {
    let mut runner = TestRunner::default();
    for count in cases(60) {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.unwrap();
        for case in 0..count {
            let events = any_events().new_tree(&mut runner).unwrap().current();
            let now = database_now(&mut conn).await;
            let mut kept = Vec::new();
            for round in 0..3 {
                let shipment = format!("S-{case}-{round}");
                let whole = vec![events.clone()];
                let batches = if round == 0 {
                    whole
                } else {
                    deliveries(events.clone()).new_tree(&mut runner).unwrap().current()
                };
                for batch in &batches {
                    store_events(&mut conn, &owned(&moved(batch, &shipment, now))).await.unwrap();
                }
                let stands = standing(&mut conn, ORG, &shipment).await.unwrap();
                assert_eq!(stands, by_the_rule(&mut conn, &shipment).await, "{batches:#?}");
                let row = row(&mut conn, &shipment).await.map(|row| row.replace(&shipment, "S"));
                kept.push((stands, row));
            }
            assert!(kept.iter().all(|other| *other == kept[0]), "{kept:#?} of {events:#?}");
        }
        drop(conn);
        db.close().await;
    }
}

/// Several writers at once, each with a part of every shipment's events, among them corrections of what others write.
#[tokio::test]
async fn writers_at_once_end_the_same_as_one() {
    let mut runner = TestRunner::default();
    let db = TestDb::new().await;
    let now = database_now(&mut db.pool.acquire().await.unwrap()).await;
    let shipments: Vec<Vec<CargoEvent>> = (0..40)
        .map(|n| moved(&any_events().new_tree(&mut runner).unwrap().current(), &format!("S-{n}"), now))
        .collect();
    let all: Vec<CargoEvent> = shipments.concat();
    let writers: JoinSet<()> = (0..6)
        .map(|writer| {
            let pool = db.pool.clone();
            // Every event comes by two of them.
            let mine: Vec<CargoEvent> =
                all.iter().enumerate().filter(|(n, _)| n % 3 == writer % 3).map(|(_, event)| event.clone()).collect();
            async move {
                for batch in mine.chunks(7 + writer) {
                    store(&pool, batch).await;
                }
            }
        })
        .collect();
    writers.join_all().await;
    let mut conn = db.pool.acquire().await.unwrap();
    for (n, events) in shipments.iter().enumerate() {
        let shipment = format!("S-{n}");
        let expected = by_the_rule(&mut conn, &shipment).await;
        assert_eq!(standing(&mut conn, ORG, &shipment).await.unwrap(), expected, "{events:#?}");
    }
    drop(conn);
    db.close().await;
}

/// Two that record news of one of our shipments do so one after the other, also when one of them has but a plan: whoever carries over the
/// mark with the later number has read both.
#[tokio::test]
async fn a_plan_waits_for_other_news_of_a_shipment_of_ours() {
    let db = TestDb::new().await;
    let number = Tracking::generate();
    let of_ours = |id: &str, kind| CargoEvent { shipment: number.to_string(), kind, ..event("a", id) };
    store(&db.pool, &[of_ours("1", EventType::Actual)]).await;
    let mut other = db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM cargo_standings FOR UPDATE").execute(&mut *other).await.unwrap();
    let plan = [of_ours("2", EventType::Planned)];
    let pool = db.pool.clone();
    let writer = tokio::spawn(async move { store(&pool, &plan).await });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&db.pool).await.unwrap() == 0 {
        assert!(!writer.is_finished(), "it has not waited");
        tokio::task::yield_now().await;
    }
    other.rollback().await.unwrap();
    assert_eq!(writer.await.unwrap().stored, 1);
    db.close().await;
}

#[tokio::test]
async fn an_event_ahead_counts_when_its_time_has_come() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let now = database_now(&mut conn).await;
    let delivered = CargoEvent {
        status: Some(ShipmentStatus::Delivered),
        occurred_at: now + TimeDelta::hours(1),
        ..event("a", "2")
    };
    store(&db.pool, &[event("a", "1"), delivered]).await;
    assert_eq!(standing(&mut conn, ORG, "S-1").await.unwrap().status, Some(ShipmentStatus::InTransit));
    assert_eq!(rank_due(&mut conn, 10).await.unwrap(), 0);
    // An hour later; the log itself cannot be changed.
    sql(&db.pool, "ALTER TABLE cargo_events DISABLE TRIGGER USER".to_owned()).await.unwrap();
    for table in partitions(&db.pool).await {
        sql(&db.pool, format!("ALTER TABLE {table} DISABLE TRIGGER USER")).await.unwrap();
    }
    sql(&db.pool, "UPDATE cargo_events SET occurred_at = occurred_at - interval '1 hour'".to_owned()).await.unwrap();
    sql(&db.pool, "UPDATE cargo_standings SET next_at = next_at - interval '1 hour'".to_owned()).await.unwrap();
    let stands = standing(&mut conn, ORG, "S-1").await.unwrap();
    assert_eq!(stands.status, Some(ShipmentStatus::Delivered), "whoever asks need not wait for the sweep");
    assert_eq!(rank_due(&mut conn, 10).await.unwrap(), 1);
    assert_eq!(rank_due(&mut conn, 10).await.unwrap(), 0, "a second run finds nothing");
    assert_eq!(standing(&mut conn, ORG, "S-1").await.unwrap(), stands);
    drop(conn);
    db.close().await;
}

/// A shipment of a log from before there were standings is ranked when it is first asked for, and by the sweep.
#[tokio::test]
async fn a_row_out_of_date_from_the_beginning_is_ranked_from_the_log() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let wrong = CargoEvent { status: Some(ShipmentStatus::Delivered), ..event("a", "1") };
    let right = CargoEvent { corrects: Some("1".to_owned()), ..event("a", "2") };
    store(&db.pool, &[wrong, right]).await;
    let before = (standing(&mut conn, ORG, "S-1").await.unwrap(), row(&mut conn, "S-1").await);
    // What the migration does.
    sql(&db.pool, "DELETE FROM cargo_standings".to_owned()).await.unwrap();
    let anew = "INSERT INTO cargo_standings (org, shipment, next_at) SELECT DISTINCT org, shipment, 'epoch'::timestamptz FROM cargo_events";
    sql(&db.pool, anew.to_owned()).await.unwrap();
    assert_eq!(standing(&mut conn, ORG, "S-1").await.unwrap(), before.0);
    assert_eq!(rank_due(&mut conn, 10).await.unwrap(), 1);
    assert_eq!(row(&mut conn, "S-1").await, before.1);
    drop(conn);
    db.close().await;
}
