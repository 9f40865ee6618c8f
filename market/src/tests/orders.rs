//! Orders and their lines.

use super::{Breach, copy};

pub(super) fn breaches() -> Vec<Breach> {
    let award = |changes: &str| copy("awards", "lot_mode = 'whole'", changes);
    let order = |changes: &str| copy("orders", "true", changes);
    let position =
        |changes: &str| copy("order_lines", "true", &format!("'line_no', 2, 'unit_price_minor', null, {changes}"));
    let sql = str::to_owned;
    // In a checkout of its own, which it adds up to.
    let apart = |which: &str, changes: &str| {
        let of = format!("id = (SELECT checkout_id FROM orders AS t WHERE {which} LIMIT 1)");
        let own = "'checkout_id', '00000000-0000-0000-0000-000000000002'";
        let checkout = copy("checkouts", &of, "'id', '00000000-0000-0000-0000-000000000002'");
        format!("{checkout};\n{}", copy("orders", which, &format!("{own}, {changes}")))
    };
    vec![
        ("orders_one_per_award", order("")),
        (
            "orders_as_awarded",
            format!(
                "UPDATE awards SET status = 'defaulted' WHERE lot_mode = 'whole';
                 {};
                 {}",
                award("'id', '00000000-0000-0000-0000-000000000001', 'source', 'second_chance', 'status', 'standing'"),
                apart(
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
        ("orders_total_of_lines", apart("true", "'source', 'checkout', 'award_id', null")),
        ("orders_of_known_rates", apart("true", "'source', 'checkout', 'award_id', null, 'fx_snapshot_id', 999")),
        (
            "orders_within_checkout",
            format!(
                "{};
                 {}",
                copy(
                    "orders",
                    "true",
                    "'id', '00000000-0000-0000-0000-000000000003', 'source', 'checkout', 'award_id', null,
                     'seller_org_id', (SELECT id FROM orgs WHERE id NOT IN (t.seller_org_id, t.buyer_org_id) LIMIT 1)",
                ),
                copy(
                    "order_lines",
                    "order_id = (SELECT id FROM orders LIMIT 1)",
                    "'order_id', '00000000-0000-0000-0000-000000000003'",
                ),
            ),
        ),
        ("order_lines_fee_rate", position("'fee_bps', 10001")),
        ("orders_terms_fixed", sql("UPDATE orders SET fee_bps = 0, fee_minor = 0, net_minor = total_minor")),
        ("order_lines_within_total", position("'line_no', 2")),
        ("order_lines_line_no_check", position("'line_no', 0")),
        ("order_lines_quantity_check", position("'quantity', 0")),
        ("order_lines_amount_positive", position("'amount_minor', 0")),
        ("order_lines_amount_of_units", position("'unit_price_minor', 3, 'quantity', 2, 'amount_minor', 7")),
        ("order_lines_order_id_fkey", position("'order_id', gen_random_uuid()")),
        ("order_lines_listing_id_fkey", position("'listing_id', gen_random_uuid()")),
        ("order_lines_unlisted", position("'listing_id', null")),
        ("order_lines_item_id_fkey", position("'item_id', gen_random_uuid()")),
        ("order_lines_append_only", sql("UPDATE order_lines SET quantity = quantity")),
    ]
}
