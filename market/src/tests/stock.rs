//! Regions, sites, stock and reservations.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{Breach, copy};
use crate::testing::Trader;

/// An empty site with a capacity; one with stock that is low, one without a capacity; reservations of an auction and of an
/// order's line.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader) {
    let script = format!(
        "INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude, capacity)
         SELECT gen_random_uuid(), '{org}', r.id, s.name, 'depot', r.body, 53.5, 10, s.capacity
         FROM regions AS r, (VALUES ('Empty', 50), ('Full', 100), ('Open', NULL)) AS s (name, capacity)
         WHERE r.code = 'earth/de';
         INSERT INTO stock_levels (item_id, site_id, org_id, on_hand, reserved, quarantined, capacity, is_low, crossings)
         SELECT l.item_id, s.id, s.org_id, 9, 1, 1, 90, true, 1
         FROM sites AS s, listings AS l
         WHERE s.name = 'Full' AND l.status = 'sold_out' AND l.seller_org_id = s.org_id
         LIMIT 1;
         INSERT INTO stock_movements (item_id, site_id, version, kind, on_hand_delta, reserved_delta, quarantined_delta)
         SELECT item_id, site_id, 1, 'import', 9, 1, 1 FROM stock_levels;
         INSERT INTO stock_alerts (item_id, site_id, crossing, direction, on_hand)
         SELECT item_id, site_id, 1, 'down', 9 FROM stock_levels;
         UPDATE sites SET stored = 10 WHERE name = 'Full';
         INSERT INTO reservations (id, listing_id, item_id, quantity, auction_id)
         SELECT gen_random_uuid(), a.listing_id, l.item_id, 1, a.id
         FROM auctions AS a
         JOIN listings AS l ON l.id = a.listing_id
         WHERE a.status = 'live';
         INSERT INTO reservations (id, listing_id, item_id, site_id, quantity, order_id, line_no)
         SELECT gen_random_uuid(), l.id, l.item_id, v.site_id, 1, o.order_id, o.line_no
         FROM order_lines AS o
         JOIN listings AS l ON l.id = o.listing_id
         JOIN stock_levels AS v ON v.item_id = l.item_id;",
        org = seller.org,
    );
    sqlx::raw_sql(AssertSqlSafe(script)).execute(conn).await.expect("sites and stock");
}

pub(super) fn breaches() -> Vec<Breach> {
    [places(), levels(), reservations(), movements()].concat()
}

fn places() -> Vec<Breach> {
    let region = |changes: &str| copy("regions", "code = 'earth/de'", changes);
    let state = |changes: &str| region(&format!("'code', 'earth/xx', {changes}"));
    let body = |changes: &str| copy("regions", "code = 'moon'", &format!("'code', 'io', 'body', 'io', {changes}"));
    let site = |changes: &str| copy("sites", "name = 'Empty'", changes);
    let sql = str::to_owned;
    vec![
        ("regions_kind_known", state("'kind', 'planet'")),
        ("regions_code_unique", region("")),
        ("regions_code_form", region("'code', 'earth/DE'")),
        ("regions_code_form", region("'code', 'earth/'")),
        ("regions_code_form", region("'code', 'earth/' || repeat('x', 100)")),
        ("regions_name_length", state("'name', ''")),
        ("regions_body_of_code", state("'code', 'mars/xx'")),
        ("regions_body_at_top", state("'parent_id', null")),
        ("regions_body_at_top", body("'parent_id', t.id, 'kind', 'body'")),
        ("regions_radius_of_body", body("'radius_m', null")),
        ("regions_radius_of_body", body("'radius_m', 0")),
        ("regions_radius_of_body", state("'radius_m', 1")),
        ("regions_parent_on_body", region("'code', 'mars/de', 'body', 'mars'")),
        ("sites_name_length", site("'name', ''")),
        ("sites_kind_known", site("'kind', 'castle'")),
        ("sites_capacity_range", site("'capacity', 0")),
        ("sites_in_region", site("'body', 'mars'")),
        ("sites_latitude", site("'latitude', 90.5")),
        ("sites_latitude", site("'latitude', 'NaN'")),
        ("sites_longitude", site("'longitude', -180.5")),
        ("sites_within_capacity", site("'stored', 51")),
        ("sites_within_capacity", site("'stored', -1")),
        ("sites_within_capacity", site("'stored', 1, 'capacity', null")),
        (
            "sites_per_org",
            sql("SET LOCAL session_replication_role = replica;
                 INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
                 SELECT gen_random_uuid(), org_id, region_id, name, kind, body, 0, 0
                 FROM (SELECT * FROM sites LIMIT 1) AS one, generate_series(1, 1000);
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
                 SELECT gen_random_uuid(), org_id, region_id, name, kind, body, 0, 0
                 FROM sites LIMIT 1"),
        ),
        (
            "sites_place_fixed",
            sql("UPDATE sites SET body = 'mars', region_id = (SELECT id FROM regions WHERE code = 'mars')"),
        ),
        ("sites_capacity_settled", sql("UPDATE sites SET capacity = NULL, stored = 0 WHERE name = 'Full'")),
    ]
}

fn levels() -> Vec<Breach> {
    let level = |changes: &str| {
        let elsewhere =
            "'site_id', (SELECT id FROM sites WHERE name = 'Open'), 'on_hand', 0, 'reserved', 0, 'quarantined', 0";
        copy("stock_levels", "true", &format!("{elsewhere}, {changes}"))
    };
    let sql = str::to_owned;
    vec![
        ("stock_levels_once", copy("stock_levels", "true", "")),
        ("stock_levels_own_item", level("'item_id', gen_random_uuid()")),
        (
            "stock_levels_own_item",
            copy(
                "stock_levels",
                "true",
                "'org_id', (SELECT id FROM orgs WHERE id <> t.org_id LIMIT 1), 'item_id', gen_random_uuid()",
            ),
        ),
        ("stock_levels_own_site", level("'site_id', gen_random_uuid()")),
        ("stock_levels_reserved_within", level("'on_hand', 3, 'reserved', 4")),
        ("stock_levels_reserved_within", level("'reserved', -1")),
        ("stock_levels_quarantined", level("'quarantined', -1")),
        ("stock_levels_bound", level("'on_hand', 1000000001, 'capacity', null")),
        ("stock_levels_capacity_range", level("'capacity', 0")),
        ("stock_levels_within_capacity", level("'on_hand', 80, 'quarantined', 11")),
        ("stock_levels_low_at", level("'low_at', -1")),
        ("stock_levels_start_empty", level("'on_hand', 1")),
        (
            "stock_levels_place_fixed",
            sql("UPDATE stock_levels SET site_id = (SELECT id FROM sites WHERE name = 'Open'), version = version + 1"),
        ),
        ("stock_levels_counted", sql("UPDATE stock_levels SET low_at = 3")),
        ("stock_levels_moved", sql("UPDATE stock_levels SET on_hand = on_hand + 1, version = version + 1")),
        (
            "stock_levels_moved",
            sql("INSERT INTO stock_movements (item_id, site_id, version, kind, on_hand_delta)
                 SELECT item_id, site_id, version + 1, 'adjust', 2 FROM stock_levels;
                 UPDATE stock_levels SET on_hand = on_hand + 1, version = version + 1"),
        ),
        ("listings_own_site", sql("UPDATE listings SET site_id = gen_random_uuid() WHERE status = 'draft'")),
        ("listings_own_quantity", sql("UPDATE listings SET reserved = quantity, sold = 1 WHERE status = 'published'")),
        ("listings_own_quantity", sql("UPDATE listings SET reserved = -1, sold = 1 WHERE status = 'published'")),
        (
            "listings_own_quantity",
            sql(
                "UPDATE listings SET sold = 1, site_id = (SELECT id FROM sites WHERE name = 'Open') WHERE status = 'draft'",
            ),
        ),
        (
            "listings_terms_fixed",
            sql("UPDATE listings SET site_id = (SELECT id FROM sites WHERE name = 'Open') WHERE status = 'published'"),
        ),
    ]
}

fn reservations() -> Vec<Breach> {
    let of_auction = |changes: &str| copy("reservations", "auction_id IS NOT NULL", changes);
    let of_line = |changes: &str| copy("reservations", "order_id IS NOT NULL", changes);
    let sql = str::to_owned;
    vec![
        ("reservations_quantity_range", of_auction("'quantity', 0")),
        ("reservations_of_auction", of_auction("'auction_id', gen_random_uuid()")),
        ("reservations_status_known", of_auction("'status', 'lost', 'ended_at', now()")),
        (
            "reservations_of_listing",
            of_line("'line_no', 9, 'listing_id', (SELECT id FROM listings WHERE item_id <> t.item_id LIMIT 1)"),
        ),
        ("reservations_at_level", of_line("'line_no', 9, 'site_id', (SELECT id FROM sites WHERE name = 'Open')")),
        ("reservations_of_line", of_line("'line_no', 9")),
        ("reservations_one_holder", of_line("'auction_id', (SELECT id FROM auctions LIMIT 1)")),
        ("reservations_one_holder", of_line("'order_id', null")),
        ("reservations_handed_over_by_auction", of_line("'status', 'handed_over', 'ended_at', now()")),
        ("reservations_ended", of_auction("'status', 'freed'")),
        ("reservations_ended", of_auction("'ended_at', now()")),
        ("reservations_once_per_line", of_line("")),
        ("reservations_once_per_auction", of_auction("")),
        (
            "reservations_status_moves",
            sql("UPDATE reservations SET status = 'freed', ended_at = now();
                 UPDATE reservations SET status = 'held', ended_at = NULL"),
        ),
        ("reservations_fixed", sql("UPDATE reservations SET quantity = quantity + 1")),
        ("reservations_unlisted", of_line("'line_no', 9, 'listing_id', null, 'site_id', null")),
        ("reservations_kept", sql("DELETE FROM reservations")),
        ("reservations_kept", sql("TRUNCATE reservations")),
    ]
}

fn movements() -> Vec<Breach> {
    let movement = |changes: &str| copy("stock_movements", "true", &format!("'id', 1, 'version', 2, {changes}"));
    let alert = |changes: &str| copy("stock_alerts", "true", changes);
    let sql = str::to_owned;
    vec![
        ("stock_movements_kind_known", movement("'kind', 'theft'")),
        ("stock_movements_reason_length", movement("'reason', ''")),
        ("stock_movements_of_level", movement("'site_id', gen_random_uuid()")),
        ("stock_movements_something", movement("'on_hand_delta', 0, 'reserved_delta', 0, 'quarantined_delta', 0")),
        ("stock_movements_once", movement("'version', 1")),
        ("stock_movements_return_of", movement("'kind', 'return', 'reference', null")),
        (
            "stock_movements_returned_once",
            movement("'kind', 'return', 'reference', t.item_id")
                + ";"
                + &movement("'kind', 'return', 'reference', t.item_id, 'version', 3"),
        ),
        ("stock_movements_append_only", sql("UPDATE stock_movements SET reason = 'better'")),
        ("stock_alerts_direction_known", alert("'direction', 'sideways', 'crossing', 2")),
        ("stock_alerts_once", alert("")),
        ("stock_alerts_of_level", alert("'site_id', gen_random_uuid()")),
        ("stock_alerts_in_turn", alert("'crossing', 2")),
        ("stock_alerts_append_only", sql("DELETE FROM stock_alerts")),
    ]
}
