//! The log of cargo events and what is kept beside it.

use sqlx::{Executor, PgConnection};

use super::{Breach, copy};

/// An event, where its shipment stands, and something that could not be stored.
pub(super) async fn fill(conn: &mut PgConnection) {
    conn.execute(
        "INSERT INTO cargo_events (org, occurred_at, type, source, source_event_id, shipment)
         VALUES (gen_random_uuid(), now(), 'actual', 'gps', 'e1', 'S-1');
         INSERT INTO cargo_standings (org, shipment, status, status_at, status_sequence)
         VALUES (gen_random_uuid(), 'S-1', 'in_transit', now(), 0);
         INSERT INTO cargo_marks (org, shipment, change, due_at)
         VALUES (gen_random_uuid(), 'TY7K3M9QX2B5W8ZC4DT', 1, now());
         INSERT INTO cargo_rejects (digest, reason, bytes, size, routing_key)
         VALUES (sha256('x'), 'not JSON', 'x', 1, 'cargo.actual');
         INSERT INTO cargo_archives (month, part, object_key, row_count, size, sha256)
         VALUES ('2020-01-01', 1, 'cargo/2020-01/0001.csv.zst', 5, 9, sha256('x'))",
    )
    .await
    .expect("events");
}

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let event = |changes: &str| copy("cargo_events", "true", &format!("'id', 7, 'source_event_id', 'e2', {changes}"));
    let standing = |changes: &str| copy("cargo_standings", "true", &format!("'shipment', 'S-2', {changes}"));
    let part = |changes: &str| copy("cargo_archives", "true", &format!("'part', 2, 'object_key', 'two', {changes}"));
    let reject = |changes: &str| copy("cargo_rejects", "true", &format!("'id', 7, 'digest', sha256('y'), {changes}"));
    vec![
        ("cargo_events_position", event("'latitude', 1")),
        ("cargo_events_position", event("'latitude', 91, 'longitude', 0")),
        ("cargo_events_payload_object", event("'payload', '[]'::jsonb")),
        ("cargo_append_only", sql("UPDATE cargo_events SET shipment = 'S-9'")),
        ("cargo_append_only", sql("DELETE FROM cargo_event_keys")),
        ("cargo_standings_position_whole", standing("'latitude', 1")),
        ("cargo_standings_status_not_cancelled", standing("'status', 'cancelled'")),
        ("cargo_standings_status_whole", standing("'status_at', null")),
        ("cargo_marks_of_ours", copy("cargo_marks", "true", "'shipment', 'S-1'")),
        ("cargo_marks_tries_counted", copy("cargo_marks", "true", "'org', gen_random_uuid(), 'tries', -1")),
        ("cargo_archives_month_whole", part("'month', '2020-01-02'")),
        ("cargo_archives_object_once", copy("cargo_archives", "true", "'part', 2")),
        ("cargo_archives_part_counted", part("'row_count', 0")),
        ("cargo_archives_sha256_length", part(r"'sha256', '\x00'::bytea")),
        ("cargo_rejects_bytes_check", reject("'bytes', repeat('x', 70000)::bytea, 'size', 70000")),
        ("cargo_rejects_once", copy("cargo_rejects", "true", "'id', 7")),
    ]
}
