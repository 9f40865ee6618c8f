//! Vehicles, shipments and what moves with them.

use chrono::TimeDelta;
use shared::audit::Actor;
use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::listings::model::SaleMode;
use crate::offers::model::Party;
use crate::shipments::model::{NewMaintenance, NewShipment, NewShipmentLine, NewVehicle};
use crate::shipments::store::{add_maintenance, create, create_vehicle, deliver, pick_up};
use crate::stock::rules::reserve::Count;
use crate::stock::store::tests::new_site;
use crate::stock::store::{Adjust, adjust};
use crate::testing::{database_time, draft, eur, listing, pay, placed, trader};

/// A vehicle with a window, a shipment that waits on it and one that is delivered, and one of two of five units of an order.
pub(super) async fn fill(conn: &mut PgConnection) {
    let (shipper, buyer) = (trader(conn).await, trader(conn).await);
    let by = Party { org: shipper.org, user: shipper.user };
    let site = new_site(conn, shipper.org, None).await.expect("a site").id;
    let away = new_site(conn, shipper.org, None).await.expect("a site").id;
    let goods = draft(conn, shipper, SaleMode::Fixed, 1).await;
    let item = sqlx::query_scalar("SELECT item_id FROM listings WHERE id = $1").bind(goods).fetch_one(&mut *conn).await;
    let item = item.expect("an item");
    let sold = listing(conn, shipper, SaleMode::Fixed, 5).await;
    let (checkout, order) = placed(conn, buyer, sold, eur(50_000)).await;
    pay(conn, buyer, checkout).await;
    let now = database_time(conn).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let count = Adjust { org: by.org, item, site, count: Count::To(20), reason: None, actor: by.user };
    adjust(&mut tx, &count).await.expect("counted");
    let vehicle = NewVehicle {
        name: "Truck".to_owned(),
        registration: "T 1".to_owned(),
        max_weight_g: 10_000,
        max_volume_ml: 10_000,
    };
    let vehicle = create_vehicle(&mut tx, by.org, Actor::User(by.user), &vehicle).await.expect("a vehicle").id;
    let window =
        NewMaintenance { starts_at: now + TimeDelta::days(5), ends_at: now + TimeDelta::days(6), reason: None };
    add_maintenance(&mut tx, by.org, Actor::User(by.user), vehicle, &window).await.expect("a window");
    let line = |item_id, order_line| NewShipmentLine { item_id, order_line, quantity: 2, weight_g: 10, volume_ml: 10 };
    let of_items = NewShipment {
        order_id: None,
        consignee_org_id: None,
        from_site: Some(site),
        to_site: Some(away),
        to_address: None,
        carrier: None,
        vehicle: Some(vehicle),
        planned_pickup: Some(now + TimeDelta::days(1)),
        planned_delivery: Some(now + TimeDelta::days(2)),
        lines: vec![line(Some(item), None)],
    };
    create(&mut tx, by, &of_items).await.expect("one that waits");
    let done = create(&mut tx, by, &of_items).await.expect("another one").shipment.tracking;
    pick_up(&mut tx, by, &done).await.expect("picked up");
    deliver(&mut tx, by, &done, None).await.expect("delivered");
    let of_order = NewShipment {
        order_id: Some(order),
        from_site: None,
        to_site: None,
        vehicle: None,
        lines: vec![line(None, Some(1))],
        ..of_items
    };
    create(&mut tx, by, &of_order).await.expect("one of the order");
    tx.commit().await.expect("committed");
    let journey =
        "INSERT INTO shipment_journeys (shipment_id, from_site, to_site, from_region, to_region, ended_at, took)
         SELECT s.id, a.id, b.id, a.region_id, b.region_id, s.ended_at, interval '1 day'
         FROM shipments AS s
         JOIN sites AS a ON a.id = s.from_site
         JOIN sites AS b ON b.id = s.to_site
         WHERE s.status = 'delivered'";
    sqlx::query(journey).execute(conn).await.expect("a journey");
}

/// The shipment that waits.
const WAITING: &str = "status = 'pending' AND order_id IS NULL";
const NUMBER: &str = "'tracking', 'TY00000000000000000'";

pub(super) fn breaches() -> Vec<Breach> {
    [fleet(), shipments(), lines(), movements(), traces()].concat()
}

/// What is kept beside shipments.
fn traces() -> Vec<Breach> {
    let trace = |changes: &str| copy("shipment_traces", "true", changes);
    let nowhere = "'shipment_id', gen_random_uuid()";
    let waiting = format!("'shipment_id', (SELECT id FROM shipments WHERE {WAITING} LIMIT 1)");
    let journey =
        |changes: &str| copy("shipment_journeys", "true", &format!("{waiting}, {changes}, gen_random_uuid()"));
    vec![
        ("shipment_traces_of_shipment", trace(nowhere)),
        ("shipment_traces_position", trace("'latitude', 1")),
        ("shipment_traces_position", trace("'latitude', 91, 'longitude', 0, 'seen_at', now()")),
        ("shipment_traces_expected", trace("'expected_at', now()")),
        (
            "shipment_traces_expected",
            trace("'expected_at', now(), 'expected_type', 'actual', 'expected_reported_at', now()"),
        ),
        ("shipment_traces_stalled_moving", trace("'moving', false, 'stalled_at', 'infinity'::timestamptz")),
        ("shipment_traces_stalled_silent", trace("'moving', true, 'stalled_at', '-infinity'::timestamptz")),
        ("shipment_traces_counted", "UPDATE shipment_traces SET heard_at = now()".to_owned()),
        ("shipment_milestones_of_shipment", copy("shipment_milestones", "true", nowhere)),
        ("shipment_journeys_of_shipment", copy("shipment_journeys", "true", nowhere)),
        ("shipment_journeys_took_time", copy("shipment_journeys", "true", "'took', interval '1 second'")),
        ("shipment_journeys_from", journey("'from_site'")),
        ("shipment_journeys_to", journey("'to_site'")),
        ("shipment_journeys_from_region", journey("'from_region'")),
        ("shipment_journeys_to_region", journey("'to_region'")),
    ]
}

fn fleet() -> Vec<Breach> {
    let vehicle = |changes: &str| copy("vehicles", "true", &format!("'registration', 'T 2', {changes}"));
    let window = |changes: &str| {
        let later = "'starts_at', t.starts_at + interval '1 year', 'ends_at', t.ends_at + interval '1 year'";
        copy("maintenance_windows", "true", &format!("{later}, {changes}"))
    };
    let columns = "org_id, name, registration, max_weight_g, max_volume_ml";
    let at = "now() + (1000 + n) * interval '1 day'";
    vec![
        ("vehicles_name_length", vehicle("'name', ''")),
        ("vehicles_registration_length", vehicle("'registration', ''")),
        ("vehicles_max_weight_range", vehicle("'max_weight_g', 0")),
        ("vehicles_max_volume_range", vehicle("'max_volume_ml', 0")),
        ("vehicles_registration_once", vehicle("'registration', t.registration")),
        ("vehicles_per_org", many("vehicles", columns, "t.org_id, 'n', n::text, 1, 1", 1000)),
        ("maintenance_windows_of_vehicle", window("'vehicle_id', gen_random_uuid()")),
        ("maintenance_windows_reason_length", window("'reason', ''")),
        ("maintenance_windows_in_order", window("'ends_at', t.starts_at + interval '1 year'")),
        (
            "maintenance_windows_apart",
            copy("maintenance_windows", "true", "'starts_at', t.starts_at + interval '1 hour'"),
        ),
        (
            "maintenance_windows_per_vehicle",
            many(
                "maintenance_windows",
                "vehicle_id, starts_at, ends_at",
                &format!("t.vehicle_id, {at}, {at} + interval '1 hour'"),
                100,
            ),
        ),
    ]
}

fn shipments() -> Vec<Breach> {
    let waiting = |changes: &str| copy("shipments", WAITING, &format!("{NUMBER}, {changes}"));
    let of_order = |changes: &str| copy("shipments", "order_id IS NOT NULL", &format!("{NUMBER}, {changes}"));
    let set = |changes: &str, which: &str| format!("UPDATE shipments SET {changes} WHERE {which}");
    let next = "version = version + 1";
    let elsewhere = "(SELECT id FROM sites WHERE org_id <> t.org_id LIMIT 1)";
    let leaves = set(&format!("status = 'picked_up', picked_up_at = now(), {next}"), WAITING);
    let sql = str::to_owned;
    vec![
        ("shipments_address_length", waiting("'to_site', null, 'to_address', ''")),
        ("shipments_carrier_length", waiting("'carrier', ''")),
        ("shipments_tracking_form", waiting("'tracking', 'TY0000000000000000U'")),
        ("shipments_tracking_once", waiting("'tracking', t.tracking")),
        ("shipments_of_seller", of_order("'org_id', (SELECT id FROM orgs WHERE id NOT IN (t.org_id, t.consignee_org_id) LIMIT 1)")),
        ("shipments_own_site", waiting(&format!("'from_site', {elsewhere}"))),
        ("shipments_receivers_site", waiting(&format!("'to_site', {elsewhere}"))),
        ("shipments_own_vehicle", waiting("'vehicle_id', gen_random_uuid()")),
        ("shipments_consignee_differs", waiting("'consignee_org_id', t.org_id")),
        ("shipments_from_somewhere", waiting("'from_site', null")),
        ("shipments_to_somewhere", waiting("'to_address', 'here'")),
        ("shipments_to_somewhere", waiting("'to_site', null")),
        ("shipments_to_another_site", waiting("'to_site', t.from_site")),
        ("shipments_planned_in_order", waiting("'planned_delivery', t.planned_pickup")),
        ("shipments_vehicle_planned", waiting("'planned_pickup', null")),
        ("shipments_picked_up", waiting("'picked_up_at', now()")),
        ("shipments_picked_up", waiting("'status', 'in_transit'")),
        ("shipments_ended", waiting("'ended_at', now()")),
        ("shipments_ended", waiting("'status', 'cancelled'")),
        (
            "shipments_per_order",
            sql("SET LOCAL session_replication_role = replica;
                 INSERT INTO shipments (id, org_id, consignee_org_id, order_id, tracking, created_by)
                 SELECT gen_random_uuid(), org_id, consignee_org_id, order_id, 'TY' || lpad(n::text, 17, '0'), created_by
                 FROM (SELECT * FROM shipments WHERE order_id IS NOT NULL) AS s, generate_series(1, 99) AS n;
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO shipments (id, org_id, consignee_org_id, order_id, tracking, created_by)
                 SELECT gen_random_uuid(), org_id, consignee_org_id, order_id, 'TY00000000000000000', created_by
                 FROM shipments
                 WHERE order_id IS NOT NULL
                 LIMIT 1"),
        ),
        ("shipments_to_buyer", of_order("'consignee_org_id', null")),
        ("shipments_status_moves", set(&format!("status = 'in_transit', picked_up_at = now(), {next}"), WAITING)),
        ("shipments_counted", set("carrier = 'Post'", WAITING)),
        ("shipments_fixed", set(&format!("created_at = now(), {next}"), WAITING)),
        ("shipments_fixed", set(next, "status = 'delivered'")),
        ("shipments_fixed", format!("{leaves}; {}", set(&format!("carrier = 'Post', {next}"), "status = 'picked_up'"))),
        ("shipments_kept", sql("DELETE FROM shipments")),
        ("shipments_kept", sql("TRUNCATE shipments CASCADE")),
        // Without lines; and without the stock that goes with it.
        ("shipments_agree", waiting("'none', 1")),
        ("shipments_agree", set(&format!("status = 'cancelled', ended_at = now(), {next}"), WAITING)),
        ("shipments_agree", leaves),
    ]
}

fn lines() -> Vec<Breach> {
    let of = |which: &str| format!("shipment_id = (SELECT id FROM shipments WHERE {which})");
    let waiting = |changes: &str| copy("shipment_lines", &of(WAITING), &format!("'line_no', 2, {changes}"));
    let of_order = |changes: &str| copy("shipment_lines", "order_id IS NOT NULL", &format!("'line_no', 2, {changes}"));
    let sql = str::to_owned;
    vec![
        ("shipment_lines_number_range", waiting("'line_no', 101")),
        ("shipment_lines_quantity_range", waiting("'quantity', 0")),
        ("shipment_lines_weight_range", waiting("'weight_g', -1")),
        ("shipment_lines_volume_range", waiting("'volume_ml', -1")),
        ("shipment_lines_weight_bound", waiting("'weight_g', 1000000000000, 'quantity', 1001")),
        ("shipment_lines_volume_bound", waiting("'volume_ml', 1000000000000, 'quantity', 1001")),
        ("shipment_lines_to_item", waiting("'to_item_id', gen_random_uuid()")),
        ("shipment_lines_of_shipment", waiting("'org_id', (SELECT id FROM orgs WHERE id <> t.org_id LIMIT 1)")),
        ("shipment_lines_own_item", waiting("'item_id', (SELECT id FROM items WHERE org_id <> t.org_id LIMIT 1)")),
        ("shipment_lines_of_order_line", of_order("'order_line', 99")),
        ("shipment_lines_of_order", waiting("'order_line', 1")),
        ("shipment_lines_stocked", of_order("'stocked', true")),
        ("shipment_lines_ended_within", waiting("'delivered_quantity', 3")),
        ("shipment_lines_ended_within", waiting("'returned_quantity', -1")),
        ("shipment_lines_order_line_once", of_order("'none', 1")),
        ("shipment_lines_fixed", sql("UPDATE shipment_lines SET stocked = NOT stocked")),
        (
            "shipment_lines_fixed",
            sql("UPDATE shipment_lines SET delivered_quantity = delivered_quantity - 1 WHERE delivered_quantity > 0"),
        ),
        ("shipment_lines_kept", sql("DELETE FROM shipment_lines")),
        ("shipment_lines_kept", sql("TRUNCATE shipment_lines")),
        ("shipment_lines_before_pick_up", copy("shipment_lines", &of("status = 'delivered'"), "'line_no', 2")),
        (
            "shipment_lines_before_pick_up",
            sql("UPDATE shipment_lines SET quantity = quantity + 1 WHERE delivered_quantity > 0"),
        ),
        ("shipment_lines_within_order", sql("UPDATE shipment_lines SET quantity = 6 WHERE order_id IS NOT NULL")),
        // Nothing is held for it.
        ("shipment_lines_agree", waiting("'none', 1")),
        ("shipment_lines_agree", format!("UPDATE shipment_lines SET delivered_quantity = 1 WHERE {}", of(WAITING))),
    ]
}

fn movements() -> Vec<Breach> {
    let movement = |changes: &str| {
        let of = "shipment_id IS NOT NULL AND kind = 'reserve'";
        copy("stock_movements", of, &format!("'id', 1, 'version', 99, {changes}"))
    };
    let nothing = "'01900000-0000-7000-8000-0000000000ff'";
    vec![
        ("stock_movements_of_shipment", movement(&format!("'shipment_id', {nothing}, 'reference', {nothing}"))),
        ("stock_movements_shipment_reference", movement(&format!("'reference', {nothing}"))),
        ("stock_movements_agree", movement("'none', 1")),
    ]
}
