//! Checkouts, and what their orders add up to.

use super::{Breach, copy};

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    // A copy of a checkout with its order, and what is said in addition.
    let checkout = |changes: &str| copy("checkouts", "status = 'open'", changes);
    vec![
        ("checkouts_payable_range", checkout("'payable_minor', 0")),
        ("checkouts_status_known", checkout("'status', 'lost', 'ended_at', now()")),
        ("checkouts_paid_in_time", checkout("'pay_by', t.created_at")),
        ("checkouts_ended", checkout("'status', 'paid'")),
        ("checkouts_of_orders", checkout("'none', 1")),
        (
            "checkouts_status_moves",
            sql("UPDATE checkouts SET status = 'paid', ended_at = now();
             UPDATE checkouts SET status = 'open', ended_at = NULL"),
        ),
        ("checkouts_terms_fixed", sql("UPDATE checkouts SET pay_by = pay_by + interval '1 hour'")),
        (
            "orders_of_checkout",
            copy("orders", "true", "'checkout_id', gen_random_uuid(), 'award_id', null, 'source', 'checkout'"),
        ),
        ("orders_one_per_seller", copy("orders", "true", "'award_id', null, 'source', 'checkout'")),
        (
            "basket_lines_bound",
            sql("SET LOCAL session_replication_role = replica;
                 INSERT INTO basket_lines
                 SELECT m.org_id, m.user_id, gen_random_uuid(), 1
                 FROM (SELECT * FROM memberships ORDER BY user_id LIMIT 1) AS m, generate_series(1, 100);
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO basket_lines
                 SELECT org_id, user_id, (SELECT id FROM listings LIMIT 1), 1 FROM memberships ORDER BY user_id LIMIT 1"),
        ),
        ("orders_vat_treatment_known", copy("orders", "true", "'vat_treatment', 'magic'")),
        ("orders_premium_not_negative", copy("orders", "true", "'premium_minor', -1")),
        ("orders_premium_by_tariff", copy("orders", "true", "'premium_minor', 1, 'premium_tariff_id', null")),
        (
            "orders_premium_tariff_exists",
            copy(
                "orders",
                "true",
                "'premium_tariff_id', 0, 'award_id', null, 'source', 'checkout', 'seller_org_id',
                 (SELECT id FROM orgs WHERE id NOT IN (t.seller_org_id, t.buyer_org_id) LIMIT 1)",
            ),
        ),
        ("orders_tax_not_negative", copy("orders", "true", "'tax_minor', -1, 'vat_treatment', 'sellers_rate'")),
        ("orders_tax_by_treatment", copy("orders", "true", "'tax_minor', 1")),
        ("orders_status_moves", sql("UPDATE orders SET status = 'delivered'")),
        (
            "orders_not_by_sellers_people",
            copy(
                "orders",
                "true",
                "'award_id', null, 'source', 'checkout',
                 'placed_by', (SELECT user_id FROM memberships WHERE org_id = t.seller_org_id LIMIT 1)",
            ),
        ),
        ("order_taxes_of_order", sql("INSERT INTO order_taxes VALUES (gen_random_uuid(), 0, 1, 0, 0)")),
        ("order_taxes_rate_range", sql("INSERT INTO order_taxes SELECT id, 10001, 1, 1, 0 FROM orders LIMIT 1")),
        ("order_taxes_net_positive", sql("INSERT INTO order_taxes SELECT id, 0, 0, 0, 0 FROM orders LIMIT 1")),
        ("order_taxes_goods_not_negative", sql("INSERT INTO order_taxes SELECT id, 0, 1, -1, 1 FROM orders LIMIT 1")),
        ("order_taxes_premium_not_negative", sql("INSERT INTO order_taxes SELECT id, 0, 1, 1, -1 FROM orders LIMIT 1")),
        ("order_taxes_of_net", sql("INSERT INTO order_taxes SELECT id, 1900, 100, 20, 0 FROM orders LIMIT 1")),
        (
            "order_taxes_once",
            sql("INSERT INTO order_taxes SELECT id, 0, 1, 0, 0 FROM orders LIMIT 1;
                 INSERT INTO order_taxes SELECT order_id, 0, 2, 0, 0 FROM order_taxes LIMIT 1"),
        ),
        ("order_taxes_append_only", sql("UPDATE order_taxes SET net_minor = net_minor")),
        ("order_events_once", sql("INSERT INTO order_events SELECT order_id, version, status FROM order_events")),
        ("order_events_of_order", sql("INSERT INTO order_events VALUES (gen_random_uuid(), 1, 'paid')")),
        ("order_events_append_only", sql("DELETE FROM order_events")),
        (
            "basket_lines_quantity_range",
            sql(
                "INSERT INTO basket_lines SELECT org_id, user_id, (SELECT id FROM listings LIMIT 1), 0 FROM memberships LIMIT 1",
            ),
        ),
        (
            "basket_lines_listing_exists",
            sql("INSERT INTO basket_lines SELECT org_id, user_id, gen_random_uuid(), 1 FROM memberships LIMIT 1"),
        ),
        (
            "basket_lines_once",
            sql("INSERT INTO basket_lines
                 SELECT org_id, user_id, (SELECT id FROM listings LIMIT 1), 1
                 FROM (SELECT * FROM memberships LIMIT 1) AS m, generate_series(1, 2)"),
        ),
    ]
}
