//! What PostgreSQL's COPY makes of the same rows: the limit of anything that writes them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use market::cargo::{CargoEvent, Position, ShipmentStatus};
use sqlx::{PgConnection, PgPool};

use crate::report::per_second;

/// Makes the table afresh. Nothing that COPY leaves out may be required.
const TABLE: [&str; 3] = [
    "DROP TABLE IF EXISTS cargo_bench_copy",
    "CREATE TABLE cargo_bench_copy (LIKE cargo_events)",
    "ALTER TABLE cargo_bench_copy ALTER id DROP NOT NULL, ALTER org DROP NOT NULL, ALTER recorded_at SET DEFAULT now()",
];
/// The log has the key in another table, and one index that follows shipments.
const KEYS: [&str; 2] = [
    "ALTER TABLE cargo_bench_copy ADD UNIQUE (source, source_event_id)",
    "CREATE INDEX ON cargo_bench_copy (shipment, occurred_at, sequence)",
];

/// Rows per second, without indexes and with those of the log.
pub(super) async fn measure(pool: &PgPool, events: &[CargoEvent]) -> anyhow::Result<(f64, f64)> {
    let mut conn = pool.acquire().await?;
    let mut ids = HashSet::new();
    let distinct: Vec<&CargoEvent> = events.iter().filter(|event| ids.insert(&event.source_event_id)).collect();
    Ok((copy(&mut conn, &distinct, &[]).await?, copy(&mut conn, &distinct, &KEYS).await?))
}

/// In batches of 10,000.
async fn copy(conn: &mut PgConnection, events: &[&CargoEvent], indexes: &[&'static str]) -> anyhow::Result<f64> {
    for statement in TABLE.iter().chain(indexes) {
        sqlx::query(*statement).execute(&mut *conn).await?;
    }
    let mut took = Duration::ZERO;
    for batch in events.chunks(10_000) {
        let rows: String = batch.iter().map(|event| row(event)).collect();
        let began = Instant::now();
        let mut copy = conn
            .copy_in_raw(
                "COPY cargo_bench_copy
                    (source, source_event_id, sequence, shipment, type, status, occurred_at, latitude, longitude, payload)
                FROM STDIN",
            )
            .await?;
        copy.send(rows.into_bytes()).await?;
        copy.finish().await?;
        took += began.elapsed();
    }
    sqlx::query("DROP TABLE cargo_bench_copy").execute(conn).await?;
    Ok(per_second(i64::try_from(events.len())?, took))
}

fn row(event: &CargoEvent) -> String {
    let position = event.position.unwrap_or(Position { latitude: 0.0, longitude: 0.0 });
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
        event.source,
        event.source_event_id,
        event.sequence,
        event.shipment,
        event.kind.name(),
        event.status.map_or("\\N", ShipmentStatus::name),
        event.occurred_at.to_rfc3339(),
        position.latitude,
        position.longitude,
        event.payload.as_ref().map_or("\\N", |payload| payload.get()),
    )
}
