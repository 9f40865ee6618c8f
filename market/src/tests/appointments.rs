//! Hours of sites, and appointments.

use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::appointments::store::tests::TestDepot;
use crate::appointments::store::{book, issue};
use crate::stock::store::tests::new_site;

/// A depot with hours and another site without; the goods of one order are to be collected there tomorrow, and those of another to be
/// delivered from there.
pub(super) async fn fill(conn: &mut PgConnection) {
    let depot = TestDepot::new(conn, 1).await;
    new_site(conn, depot.seller.org, None).await.expect("another site");
    let (order, buyer) = depot.sold(conn).await;
    let (another, their_buyer) = depot.sold(conn).await;
    let tomorrow = depot.slot(conn, 1).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let booked = book(&mut tx, buyer, order, &depot.collection(tomorrow)).await.expect("booked");
    issue(&mut tx, buyer, booked.id).await.expect("a pass");
    book(&mut tx, their_buyer, another, &depot.delivery(tomorrow)).await.expect("booked");
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    [hours(), appointments(), storage()].concat()
}

fn hours() -> Vec<Breach> {
    let hours = |changes: &str| copy("site_hours", "true", changes);
    let window = |changes: &str| copy("site_windows", "true", changes);
    let deliveries = |changes: &str| copy("site_delivery_hours", "true", changes);
    let delivered = |changes: &str| copy("site_delivery_windows", "true", changes);
    let nowhere = "'site_id', gen_random_uuid()";
    vec![
        ("site_hours_of_site", hours(nowhere)),
        ("site_hours_zone_length", hours("'time_zone', ''")),
        ("site_hours_slot_range", hours("'slot_minutes', 4")),
        ("site_hours_capacity_range", hours("'capacity', 0")),
        ("site_hours_free_days_range", hours("'free_days', 366")),
        ("site_windows_of_site", window(nowhere)),
        ("site_windows_weekday_range", window("'weekday', 8")),
        ("site_windows_in_order", window("'closes', t.opens")),
        ("site_windows_apart", window("'opens', t.opens + 1")),
        ("site_closed_days_of_site", copy("site_closed_days", "true", nowhere)),
        ("site_delivery_hours_of_site", deliveries(nowhere)),
        ("site_delivery_hours_slot_range", deliveries("'slot_minutes', 481")),
        ("site_delivery_hours_capacity_range", deliveries("'capacity', 101")),
        ("site_delivery_windows_of_hours", delivered(nowhere)),
        ("site_delivery_windows_weekday_range", delivered("'weekday', 0")),
        ("site_delivery_windows_in_order", delivered("'closes', 1441")),
        ("site_delivery_windows_apart", delivered("'opens', t.opens + 1")),
    ]
}

fn storage() -> Vec<Breach> {
    let fee = |changes: &str| copy("site_storage_fees", "true", changes);
    let terms = |changes: &str| {
        let other = "(SELECT id FROM orders WHERE seller_org_id = t.seller_org_id AND id <> t.order_id LIMIT 1)";
        copy("storage_terms", "true", &format!("'order_id', {other}, {changes}"))
    };
    let set = |changes: &str| format!("UPDATE storage_terms SET {changes}");
    vec![
        ("site_storage_fees_of_site", fee("'site_id', gen_random_uuid()")),
        ("site_storage_fees_range", fee("'fee_minor', 0")),
        ("storage_terms_fee_range", terms("'fee_minor', 0")),
        ("storage_terms_days_range", terms("'days', 61")),
        ("storage_terms_days_range", terms("'days', -1")),
        ("storage_terms_settled_within", terms("'settled_days', 1")),
        (
            "storage_terms_of_seller",
            terms(
                "'seller_org_id', (SELECT org_id FROM sites WHERE org_id <> t.seller_org_id LIMIT 1),
                 'site_id', (SELECT id FROM sites WHERE org_id <> t.seller_org_id LIMIT 1)",
            ),
        ),
        (
            "storage_terms_at_own_site",
            terms("'site_id', (SELECT id FROM sites WHERE org_id <> t.seller_org_id LIMIT 1)"),
        ),
        // The other order is to be delivered from there.
        ("storage_terms_of_collection", terms("'days', 0")),
        ("storage_terms_fixed", set("fee_minor = fee_minor + 1")),
        ("storage_terms_fixed", format!("{}; {}", set("days = 1"), set("days = 0"))),
        ("storage_terms_fixed", format!("{}; {}", set("due_at = null"), set("due_at = now()"))),
        ("storage_terms_kept", "DELETE FROM storage_terms".to_owned()),
        ("storage_terms_kept", "TRUNCATE storage_terms".to_owned()),
    ]
}

fn appointments() -> Vec<Breach> {
    let live = |changes: &str| copy("appointments", "t.kind = 'collection'", changes);
    let delivery = |changes: &str| copy("appointments", "t.kind = 'delivery'", changes);
    let others =
        "'order_id', (SELECT id FROM orders WHERE seller_org_id = t.seller_org_id AND id <> t.order_id LIMIT 1)";
    let over = |changes: &str| live(&format!("'status', 'cancelled', 'ended_at', now(), {changes}"));
    let sql = str::to_owned;
    let columns = "order_id, seller_org_id, kind, status, starts_at, ends_at, created_by, ended_at";
    let values = "t.order_id, t.seller_org_id, 'delivery', 'cancelled', t.starts_at, t.ends_at, t.created_by, now()";
    vec![
        ("appointments_kind_known", live("'kind', 'party', 'site_id', null")),
        ("appointments_status_known", live("'status', 'lost', 'ended_at', now()")),
        ("appointments_pass_length", live(r"'pass_hash', '\x00'")),
        (
            "appointments_of_seller",
            over(
                "'kind', 'delivery', 'site_id', null, 'pass_hash', null,
                 'seller_org_id', (SELECT id FROM orgs WHERE id <> t.seller_org_id LIMIT 1)",
            ),
        ),
        (
            "appointments_at_own_site",
            over("'pass_hash', null, 'site_id', (SELECT id FROM sites WHERE org_id <> t.seller_org_id LIMIT 1)"),
        ),
        (
            "appointments_within_hours",
            over(
                "'pass_hash', null,
                 'site_id', (SELECT id FROM sites WHERE org_id = t.seller_org_id AND id <> t.site_id LIMIT 1)",
            ),
        ),
        ("appointments_in_order", live("'ends_at', t.starts_at")),
        ("appointments_in_order", live("'ends_at', t.starts_at + interval '25 hours'")),
        ("appointments_collected_at_site", live("'site_id', null")),
        ("appointments_pass_of_collection", live("'kind', 'delivery', 'site_id', null")),
        ("appointments_redeemed_by_pass", live("'status', 'redeemed', 'ended_at', now(), 'pass_hash', null")),
        ("appointments_missed_by_kind", live("'status', 'passed', 'ended_at', now()")),
        ("appointments_ended", live("'ended_at', now()")),
        ("appointments_one_live", live("'pass_hash', null")),
        ("appointments_one_live", delivery("'site_id', null")),
        ("appointments_pass_once", over("'created_at', now()")),
        ("appointments_within_capacity", live(&format!("'pass_hash', null, {others}"))),
        ("appointments_within_capacity", delivery(others)),
        ("appointments_per_order", many("appointments", columns, values, 100)),
        ("appointments_status_moves", sql("UPDATE appointments SET status = 'proposed'")),
        ("appointments_fixed", sql("UPDATE appointments SET created_at = now()")),
        (
            "appointments_fixed",
            sql("UPDATE appointments SET status = 'cancelled', ended_at = now(); UPDATE appointments SET version = 9"),
        ),
        ("appointments_kept", sql("DELETE FROM appointments")),
        ("appointments_kept", sql("TRUNCATE appointments CASCADE")),
    ]
}
