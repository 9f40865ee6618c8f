//! Auctions and the tables of their increments.

use super::{Breach, copy};

pub(super) fn breaches() -> Vec<Breach> {
    let no_leader = "'leader_bid_id', null, 'leader_org_id', null, 'leader_seq', null, 'leader_max_minor', null";
    let live = |changes: &str| copy("auctions", "status = 'live'", changes);
    let closed = |changes: &str| copy("auctions", "lot_mode = 'whole' AND closed_at IS NOT NULL", changes);
    let increments = |below: &str, steps: &str| {
        format!(
            "INSERT INTO increment_tables (currency, revision, below, steps) VALUES ('EUR', 9, '{below}', '{steps}')"
        )
    };
    let sql = str::to_owned;
    vec![
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
        ("auctions_status_known", live("'status', 'asleep', 'closed_at', now()")),
        ("auctions_times_in_order", live("'starts_at', t.original_ends_at")),
        ("auctions_times_in_order", live("'ends_at', t.original_ends_at - interval '1 second'")),
        ("auctions_times_in_order", live("'ends_at', t.hard_ends_at + interval '1 second'")),
        (
            "auctions_per_day",
            format!(
                "SET LOCAL session_replication_role = replica;
                 SELECT count(pg_temp.copy('auctions', $w$status = 'unsold'$w$, $c$'none', 1$c$))
                 FROM generate_series(1, 10000);
                 SET LOCAL session_replication_role = origin;
                 {}",
                copy("auctions", "status = 'unsold'", ""),
            ),
        ),
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
    ]
}
