//! Every rule that the market's tables enforce, each broken by hand, bypassing the program. The
//! last test finds rules that nobody has tried to break.

use std::collections::BTreeSet;

use sqlx::Executor;

use super::*;
use crate::listings::model::SaleMode;

/// Inserts a copy of a row with changes: `copy(table, which row, changes as arguments of jsonb_build_object)`.
const COPY: &str = r"
CREATE FUNCTION pg_temp.copy(source regclass, which text, changes text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ') INTO columns
    FROM pg_attribute
    WHERE attrelid = source AND attnum > 0 AND attgenerated = '' AND attidentity = '';
    EXECUTE format(
        'INSERT INTO %1$s (%2$s)
         SELECT %2$s
         FROM (SELECT (jsonb_populate_record(t, jsonb_build_object(''id'', gen_random_uuid(), %3$s))).* FROM %1$s AS t
               WHERE %4$s LIMIT 1) AS changed',
        source, columns, changes, which);
END $$";

fn copy(table: &str, which: &str, changes: &str) -> String {
    let separated = if changes.is_empty() { "'none', 1" } else { changes };
    format!("SELECT pg_temp.copy('{table}', $w${which}$w$, $c${separated}$c$)")
}

/// As many rows as an organisation may have, inserted past every rule, and one more.
fn many(table: &str, columns: &str, values: &str, most: u32) -> String {
    format!(
        "SET LOCAL session_replication_role = replica;
         INSERT INTO {table} (id, {columns})
         SELECT gen_random_uuid(), {values}
         FROM (SELECT * FROM {table} LIMIT 1) AS t, generate_series(1, {most}) AS n;
         SET LOCAL session_replication_role = origin;
         INSERT INTO {table} (id, {columns})
         SELECT gen_random_uuid(), {values}
         FROM (SELECT * FROM {table} LIMIT 1) AS t, generate_series(0, 0) AS n"
    )
}

/// Every rule, with statements that break it but none that is checked before it.
fn breaches() -> Vec<(&'static str, String)> {
    let no_leader = "'leader_bid_id', null, 'leader_org_id', null, 'leader_seq', null, 'leader_max_minor', null";
    let live = |changes: &str| copy("auctions", "status = 'live'", changes);
    let closed = |changes: &str| copy("auctions", "lot_mode = 'whole' AND closed_at IS NOT NULL", changes);
    let bid = |changes: &str| copy("bids", "auction_id = (SELECT id FROM auctions WHERE status = 'live')", changes);
    let award = |changes: &str| copy("awards", "lot_mode = 'whole'", changes);
    let share = |changes: &str| copy("awards", "lot_mode = 'divisible'", changes);
    let order = |changes: &str| copy("orders", "true", changes);
    let position =
        |changes: &str| copy("order_lines", "true", &format!("'line_no', 2, 'unit_price_minor', null, {changes}"));
    let listing = |changes: &str| copy("listings", "status = 'draft'", changes);
    let increments = |below: &str, steps: &str| {
        format!(
            "INSERT INTO increment_tables (currency, revision, below, steps) VALUES ('EUR', 9, '{below}', '{steps}')"
        )
    };
    let taken_back = "(SELECT bid_id FROM bid_retractions AS r JOIN auctions AS a ON a.id = r.auction_id \
                      WHERE a.lot_mode = 'divisible')";
    let to_taken_back = |quantity: i64| {
        share(&format!(
            "'bid_id', {taken_back}, 'org_id', (SELECT org_id FROM bids WHERE id = {taken_back}), 'quantity', {quantity}"
        ))
    };
    let sql = str::to_owned;
    vec![
        ("currencies_code_check", sql("INSERT INTO currencies VALUES ('eur', 2)")),
        ("currencies_exponent_check", sql("INSERT INTO currencies VALUES ('XYZ', 5)")),
        ("categories_path_unique", copy("categories", "true", "")),
        ("categories_path_form", copy("categories", "true", "'path', 'Über/uns'")),
        ("categories_name_length", copy("categories", "true", "'path', 'x', 'name', ''")),
        ("categories_schema_object", copy("categories", "true", "'path', 'x', 'attribute_schema', '[]'::jsonb")),
        ("categories_flags_known", copy("categories", "true", "'path', 'x', 'flags', '{toxic}'::text[]")),
        ("categories_fee_range", copy("categories", "true", "'path', 'x', 'fee_bps', 10001")),
        ("categories_parent_id_fkey", copy("categories", "true", "'path', 'x', 'parent_id', gen_random_uuid()")),
        ("items_category_exists", copy("items", "true", "'sku', 'x', 'category_id', gen_random_uuid()")),
        ("items_sku_length", copy("items", "true", "'sku', ''")),
        ("items_sku_unique", copy("items", "true", "")),
        ("items_title_length", copy("items", "true", "'sku', 'x', 'title', repeat('x', 201)")),
        ("items_unit_length", copy("items", "true", "'sku', 'x', 'unit', ''")),
        ("items_attributes_object", copy("items", "true", "'sku', 'x', 'attributes', '1'::jsonb")),
        (
            "items_compatibility_count",
            copy("items", "true", "'sku', 'x', 'compatibility', array_fill('x'::text, ARRAY [501])"),
        ),
        (
            "items_attributes_size",
            copy("items", "true", "'sku', 'x', 'attributes', jsonb_build_object('a', repeat('x', 20000))"),
        ),
        ("items_compatibility_blank", copy("items", "true", "'sku', 'x', 'compatibility', ARRAY ['']")),
        ("items_compatibility_size", copy("items", "true", "'sku', 'x', 'compatibility', ARRAY [repeat('x', 20001)]")),
        (
            "categories_schema_size",
            copy("categories", "true", "'path', 'x', 'attribute_schema', jsonb_build_object('a', repeat('x', 70000))"),
        ),
        (
            "items_per_org",
            many(
                "items",
                "org_id, category_id, sku, title, unit",
                "org_id, category_id, 'n' || n, title, unit",
                10_000,
            ),
        ),
        (
            "listings_per_org",
            many(
                "listings",
                "seller_org_id, item_id, created_by, title, sale_mode, currency",
                "seller_org_id, item_id, created_by, title, 'auction', currency",
                5_000,
            ),
        ),
        ("listings_status_reason_length", listing("'status_reason', ''")),
        ("listings_own_item", listing("'item_id', gen_random_uuid()")),
        ("listings_own_item", listing("'seller_org_id', (SELECT id FROM orgs WHERE id <> t.seller_org_id LIMIT 1)")),
        ("listings_title_length", listing("'title', ''")),
        ("listings_description_length", listing("'description', repeat('x', 20001)")),
        ("listings_sale_mode_known", listing("'sale_mode', 'raffle'")),
        ("listings_currency_known", listing("'currency', 'XYZ'")),
        ("listings_price_positive", listing("'sale_mode', 'fixed', 'price_minor', 0")),
        ("listings_price_by_mode", listing("'sale_mode', 'fixed'")),
        ("listings_price_by_mode", listing("'price_minor', 5")),
        ("listings_quantity_positive", listing("'quantity', 1000000001")),
        ("listings_min_quantity_range", listing("'min_quantity', 2")),
        ("listings_min_quantity_range", listing("'min_quantity', 0")),
        ("listings_delivery_known", listing("'delivery_options', '{}'::text[]")),
        ("listings_delivery_known", listing("'delivery_options', '{teleport}'::text[]")),
        ("listings_status_check", listing("'status', 'lost', 'published_at', now()")),
        ("listings_published_has_time", listing("'status', 'published'")),
        ("listings_relist_of_fkey", listing("'relist_of', gen_random_uuid()")),
        ("listings_status_moves", sql("UPDATE listings SET status = 'published' WHERE status = 'sold_out'")),
        ("listings_terms_fixed", sql("UPDATE listings SET quantity = quantity + 1 WHERE status = 'published'")),
        ("increment_tables_usable", increments("{5}", "{1}")),
        ("increment_tables_usable", increments("{5}", "{2, 1}")),
        ("increment_tables_usable", increments("{5, 5}", "{1, 2, 3}")),
        ("increment_tables_usable", increments("{0}", "{1, 2}")),
        ("increment_tables_usable", increments("{}", "{0}")),
        ("increment_tables_usable", increments("{}", "{}")),
        (
            "increment_tables_revision_check",
            sql("INSERT INTO increment_tables (currency, revision, below, steps) VALUES ('EUR', 0, '{}', '{1}')"),
        ),
        (
            "increment_tables_revision",
            sql("INSERT INTO increment_tables (currency, revision, below, steps) VALUES ('EUR', 1, '{}', '{1}')"),
        ),
        ("increment_tables_append_only", sql("UPDATE increment_tables SET steps = steps")),
        ("auctions_of_listing", closed(&format!("'listing_id', gen_random_uuid(), {no_leader}"))),
        ("auctions_of_listing", closed(&format!("'currency', 'USD', {no_leader}"))),
        ("auctions_of_listing", closed(&format!("'seller_org_id', t.leader_org_id, {no_leader}"))),
        ("auctions_increment_table_id_fkey", closed(&format!("'increment_table_id', -1, {no_leader}"))),
        ("auctions_one_open_per_listing", live("")),
        ("auctions_bid_count_range", live("'bid_count', t.bid_seq + 1")),
        ("auctions_buy_now_above_opening", live("'buy_now_minor', t.opening_minor")),
        ("auctions_buy_now_reaches_reserve", live("'buy_now_minor', 2000, 'reserve_minor', 3000")),
        ("auctions_closed_has_time", live("'closed_at', now()")),
        ("auctions_closed_has_time", closed("'closed_at', null")),
        ("auctions_divisible_is_plain", live("'lot_mode', 'divisible'")),
        ("auctions_divisible_is_plain", live(&format!("'lot_mode', 'divisible', 'reserve_minor', 2000, {no_leader}"))),
        ("auctions_divisible_is_plain", live(&format!("'lot_mode', 'divisible', 'buy_now_minor', 2000, {no_leader}"))),
        ("auctions_leader_complete", live("'leader_seq', null")),
        ("auctions_leader_is_not_seller", live("'leader_org_id', t.seller_org_id")),
        (
            "auctions_leader_is_a_bid",
            sql("UPDATE auctions SET leader_bid_id = gen_random_uuid() WHERE status = 'live'"),
        ),
        (
            "auctions_leader_is_a_bid",
            sql("UPDATE auctions
                 SET leader_org_id = (SELECT org_id FROM bids AS b WHERE b.auction_id = auctions.id AND seq = 1)
                 WHERE status = 'live'"),
        ),
        ("auctions_length", live("'hard_ends_at', t.starts_at + interval '367 days'")),
        ("auctions_lot_mode_check", live(&format!("'lot_mode', 'half', {no_leader}"))),
        ("auctions_next_above_price", live("'next_minimum_minor', t.price_minor")),
        ("auctions_opening_positive", live("'opening_minor', 0")),
        ("auctions_price_from_opening", live("'opening_minor', t.price_minor + 1")),
        ("auctions_price_within_maximum", live("'leader_max_minor', t.price_minor - 1")),
        ("auctions_quantity_range", live("'quantity', 0")),
        ("auctions_quantity_range", live("'min_order', 0")),
        ("auctions_shares_range", live(&format!("'lot_mode', 'divisible', 'quantity', 1001, {no_leader}"))),
        ("auctions_reserve_above_opening", live("'reserve_minor', t.opening_minor")),
        ("auctions_reserve_lifts_price", live("'reserve_minor', t.leader_max_minor")),
        ("auctions_soft_close_range", live("'soft_close_seconds', -1")),
        ("auctions_soft_close_range", live("'soft_close_seconds', 86401")),
        ("auctions_status_check", live("'status', 'asleep', 'closed_at', now()")),
        ("auctions_times_in_order", live("'starts_at', t.original_ends_at")),
        ("auctions_times_in_order", live("'ends_at', t.original_ends_at - interval '1 second'")),
        ("auctions_times_in_order", live("'ends_at', t.hard_ends_at + interval '1 second'")),
        ("auctions_status_moves", sql("UPDATE auctions SET status = 'live' WHERE status = 'unsold'")),
        ("auctions_terms_fixed", sql("UPDATE auctions SET reserve_minor = 4000 WHERE status = 'live'")),
        ("auctions_terms_fixed", sql("UPDATE auctions SET hard_ends_at = hard_ends_at + interval '1 second'")),
        ("auctions_no_going_back", sql("UPDATE auctions SET bid_seq = 1, bid_count = 1 WHERE status = 'live'")),
        (
            "auctions_no_going_back",
            sql("UPDATE auctions SET ends_at = ends_at - interval '1 second' WHERE status = 'live'"),
        ),
        ("auctions_no_going_back", sql("UPDATE auctions SET version = version - 1 WHERE status = 'live'")),
        ("auctions_closed_is_final", sql("UPDATE auctions SET price_minor = price_minor + 1 WHERE status = 'awarded'")),
        ("bids_of_auction", bid("'seq', 99, 'currency', 'USD'")),
        ("bids_of_auction", bid("'seq', 99, 'lot_mode', 'divisible'")),
        (
            "bids_of_auction",
            bid(
                "'seq', 99, 'seller_org_id', (SELECT id FROM orgs WHERE id NOT IN (t.org_id, t.seller_org_id) LIMIT 1)",
            ),
        ),
        ("bids_seq_unique", bid("")),
        ("bids_seq_check", bid("'seq', 0")),
        ("bids_kind_check", bid("'seq', 99, 'kind', 'wink'")),
        ("bids_amount_positive", bid("'seq', 99, 'amount_minor', 0")),
        ("bids_maximum_range", bid("'seq', 99, 'maximum_minor', t.amount_minor - 1")),
        ("bids_quantity_positive", bid("'seq', 99, 'quantity', 0")),
        ("bids_not_by_seller", bid("'seq', 99, 'org_id', t.seller_org_id")),
        (
            "bids_not_by_sellers_people",
            bid("'seq', 99, 'placed_by', (SELECT user_id FROM memberships WHERE org_id = t.seller_org_id LIMIT 1)"),
        ),
        (
            "bids_per_org",
            format!(
                "SET LOCAL session_replication_role = replica;
                 UPDATE bids SET nth = 1000 WHERE auction_id = (SELECT id FROM auctions WHERE status = 'live');
                 SET LOCAL session_replication_role = origin;
                 {}",
                bid("'seq', 99")
            ),
        ),
        ("bids_in_time", bid("'seq', 99, 'placed_at', (SELECT ends_at FROM auctions WHERE id = t.auction_id)")),
        (
            "bids_in_time",
            bid(
                "'seq', 99, 'placed_at', (SELECT starts_at - interval '1 second' FROM auctions WHERE id = t.auction_id)",
            ),
        ),
        (
            "bids_in_time",
            copy("bids", "auction_id = (SELECT auction_id FROM awards WHERE lot_mode = 'whole')", "'seq', 99"),
        ),
        ("bids_append_only", sql("UPDATE bids SET amount_minor = amount_minor")),
        ("bids_append_only", sql("DELETE FROM bids")),
        ("bids_append_only", sql("TRUNCATE bids CASCADE")),
        (
            "bid_retractions_of_bid",
            sql("INSERT INTO bid_retractions
                 SELECT b.id, b.auction_id, b.seller_org_id, b.placed_by, b.placed_at
                 FROM bids AS b JOIN auctions AS a ON a.id = b.auction_id AND a.status = 'live'"),
        ),
        (
            "bid_retractions_in_time",
            sql("INSERT INTO bid_retractions
                 SELECT b.id, b.auction_id, b.org_id, b.placed_by, b.placed_at
                 FROM bids AS b JOIN awards AS w ON w.bid_id = b.id"),
        ),
        ("bid_retractions_append_only", sql("DELETE FROM bid_retractions")),
        ("awards_of_auction", share("'currency', 'USD', 'status', 'defaulted'")),
        (
            "awards_of_bid",
            share(
                "'org_id', (SELECT id FROM orgs WHERE id NOT IN (t.org_id, t.seller_org_id) LIMIT 1), 'status', 'defaulted'",
            ),
        ),
        ("awards_bid_unless_bought", award("'bid_id', null")),
        ("awards_bid_unless_bought", award("'source', 'buy_now'")),
        ("awards_not_to_seller", award("'org_id', t.seller_org_id")),
        (
            "awards_not_to_sellers_people",
            award(
                "'source', 'buy_now', 'bid_id', null,
                 'awarded_to', (SELECT user_id FROM memberships WHERE org_id = t.seller_org_id LIMIT 1)",
            ),
        ),
        ("awards_source_check", award("'source', 'lottery'")),
        ("awards_status_check", award("'status', 'lost'")),
        ("awards_quantity_positive", award("'quantity', 0")),
        ("awards_amount_positive", award("'amount_minor', 0")),
        ("awards_one_per_whole_lot", award("")),
        ("awards_one_per_bid", share("")),
        ("awards_within_lot", to_taken_back(50)),
        ("awards_not_to_retracted", to_taken_back(1)),
        ("orders_one_per_award", order("")),
        (
            "orders_as_awarded",
            format!(
                "UPDATE awards SET status = 'defaulted' WHERE lot_mode = 'whole';
                 {};
                 {}",
                award("'id', '00000000-0000-0000-0000-000000000001', 'source', 'second_chance', 'status', 'standing'"),
                copy(
                    "orders",
                    "award_id = (SELECT id FROM awards WHERE lot_mode = 'whole' AND status = 'defaulted')",
                    "'award_id', '00000000-0000-0000-0000-000000000001', 'total_minor', 100, 'fee_minor', 5, 'net_minor', 95",
                ),
            ),
        ),
        ("orders_source_check", order("'source', 'gift', 'award_id', null")),
        ("orders_award_by_source", order("'source', 'checkout'")),
        ("orders_award_by_source", order("'award_id', null")),
        ("orders_status_check", order("'status', 'eaten'")),
        ("orders_total_positive", order("'total_minor', 0, 'fee_minor', 0, 'net_minor', 0")),
        ("orders_fee_rate", order("'fee_bps', 20000, 'fee_minor', t.total_minor * 2, 'net_minor', -t.total_minor")),
        ("orders_fee_of_total", order("'fee_minor', t.fee_minor + 1, 'net_minor', t.net_minor - 1")),
        ("orders_net_of_fee", order("'net_minor', t.net_minor + 1")),
        ("orders_parties_differ", order("'buyer_org_id', t.seller_org_id")),
        ("orders_total_of_lines", order("'source', 'checkout', 'award_id', null")),
        ("orders_terms_fixed", sql("UPDATE orders SET fee_bps = 0, fee_minor = 0, net_minor = total_minor")),
        ("order_lines_within_total", position("'line_no', 2")),
        ("order_lines_line_no_check", position("'line_no', 0")),
        ("order_lines_quantity_check", position("'quantity', 0")),
        ("order_lines_amount_positive", position("'amount_minor', 0")),
        ("order_lines_amount_of_units", position("'unit_price_minor', 3, 'quantity', 2, 'amount_minor', 7")),
        ("order_lines_order_id_fkey", position("'order_id', gen_random_uuid()")),
        ("order_lines_listing_id_fkey", position("'listing_id', gen_random_uuid()")),
        ("order_lines_item_id_fkey", position("'item_id', gen_random_uuid()")),
        ("order_lines_append_only", sql("UPDATE order_lines SET quantity = quantity")),
    ]
}

/// A live lot with two bids, a sold one, an unsold one, a divisible one with two shares and a bid that was taken back, a draft.
async fn scene(conn: &mut PgConnection, market: &TestMarket) {
    let [a, b, c] = market.bidders;
    let mut terms = terms(conn).await;
    for sold in [false, true] {
        let lot = auction(conn, market.seller, &terms).await;
        bid(conn, lot, a, 5_000).await.expect("accepted");
        bid(conn, lot, b, 9_000).await.expect("accepted");
        if sold {
            finish(conn, lot).await;
        }
    }
    let empty = auction(conn, market.seller, &terms).await;
    finish(conn, empty).await;
    terms.lot_mode = LotMode::Divisible;
    let lot = auction(conn, market.seller, &terms).await;
    bid_for(conn, lot, a, 2_000, Some(70)).await.expect("accepted");
    bid_for(conn, lot, b, 1_500, Some(20)).await.expect("accepted");
    let gone = bid_for(conn, lot, c, 1_200, Some(5)).await.expect("accepted");
    take_back(conn, gone.bid, c).await.expect("taken back");
    finish(conn, lot).await;
    crate::testing::draft(conn, market.seller, SaleMode::Auction, 1).await;
}

#[tokio::test]
async fn every_rule_of_the_tables_holds_against_plain_sql() {
    let (market, mut conn) = TestMarket::new().await;
    scene(&mut conn, &market).await;
    conn.execute(COPY).await.expect("the helper");
    let mut wrong = Vec::new();
    for (rule, statements) in breaches() {
        let mut tx = conn.begin().await.expect("a transaction");
        let script = format!("{statements}; SET CONSTRAINTS ALL IMMEDIATE");
        let result = sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&mut *tx).await;
        let broken = result.as_ref().err().and_then(shared::invalid::violated).map(str::to_owned);
        tx.rollback().await.expect("rolled back");
        if broken.as_deref() != Some(rule) {
            wrong.push(format!("{rule}: {statements}\n    gave {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    market.close(conn).await;
}

#[tokio::test]
async fn every_rule_of_the_tables_has_a_breach() {
    let (market, mut conn) = TestMarket::new().await;
    // Unique keys that foreign keys point to repeat the primary key; plain references to people,
    // organisations and lists of words are left to the server.
    let rules: Vec<String> = sqlx::query_scalar(
        "WITH tables AS (
             SELECT unnest('{currencies, categories, items, listings, increment_tables, auctions, bids, bid_retractions,
                             awards, orders, order_lines}'::regclass[]) AS oid
         )
         SELECT c.conname::text
         FROM pg_constraint AS c
         JOIN tables AS t ON t.oid = c.conrelid
         WHERE c.contype = 'c'
            OR (c.contype = 'u' AND NOT EXISTS (
                    SELECT FROM pg_attribute AS a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attname = 'id'))
            OR (c.contype = 'f' AND (cardinality(c.conkey) > 1
                    OR c.confrelid <> ALL ('{users, orgs, currencies, categories}'::regclass[])))
         UNION
         SELECT i.indexrelid::regclass::text
         FROM pg_index AS i
         JOIN tables AS t ON t.oid = i.indrelid
         WHERE i.indisunique
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
         UNION
         SELECT g.tgname::text
         FROM pg_trigger AS g
         JOIN tables AS t ON t.oid = g.tgrelid
         WHERE NOT g.tgisinternal",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the rules");
    let tried: BTreeSet<_> = breaches().into_iter().map(|(rule, _)| rule.to_owned()).collect();
    let untried: Vec<_> = rules.iter().filter(|rule| !tried.contains(*rule)).collect();
    assert!(untried.is_empty(), "nobody tries to break {untried:?}");
    assert!(rules.len() > 80, "only {} rules found", rules.len());
    market.close(conn).await;
}
