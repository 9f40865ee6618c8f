//! Papers that people ask for.

use sqlx::{Executor, PgConnection};

use super::{Breach, copy, many};

/// A label that is to be printed.
pub(super) async fn fill(conn: &mut PgConnection) {
    conn.execute(
        "INSERT INTO papers (id, org_id, requested_by, kind, shipment_id)
         SELECT gen_random_uuid(), org_id, created_by, 'shipping_label', id FROM shipments LIMIT 1",
    )
    .await
    .expect("a paper");
}

pub(super) fn breaches() -> Vec<Breach> {
    let paper = |changes: &str| copy("papers", "true", changes);
    let about = |kind: &str, column: &str| {
        paper(&format!("'kind', '{kind}', 'shipment_id', null, '{column}', gen_random_uuid()"))
    };
    let columns = "org_id, requested_by, kind, shipment_id";
    let nil = "00000000-0000-0000-0000-000000000000";
    vec![
        ("papers_kind_known", paper("'kind', 'letter'")),
        ("papers_status_known", paper("'status', 'lost'")),
        ("papers_of_order", about("picking_list", "order_id")),
        ("papers_of_shipment", paper("'shipment_id', gen_random_uuid()")),
        ("papers_of_appointment", about("release_pass", "appointment_id")),
        ("papers_about_one", paper("'kind', 'picking_list'")),
        ("papers_failure_length", paper("'status', 'failed', 'failure', ''")),
        ("papers_failed_has_reason", paper("'failure', 'so'")),
        ("papers_key_of_paper", paper("'status', 'ready', 'object_key', 'papers/mine.pdf', 'expires_at', now()")),
        ("papers_file_while_ready", paper("'status', 'ready'")),
        ("papers_file_goes", paper(&format!("'id', '{nil}', 'status', 'ready', 'object_key', 'papers/{nil}.pdf'"))),
        ("papers_waste_object", paper("'kind', 'waste_movement', 'waste', '[]'::jsonb")),
        ("papers_waste_of_movement", paper("'waste', '{}'::jsonb")),
        ("papers_per_day", many("papers", columns, columns, 5_000)),
    ]
}
