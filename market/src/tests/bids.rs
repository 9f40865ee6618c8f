//! Bids and their retractions.

use super::{Breach, copy};

pub(super) fn breaches() -> Vec<Breach> {
    let bid = |changes: &str| {
        copy("bids", "auction_id = (SELECT id FROM auctions WHERE status = 'live' AND sale_event_id IS NULL)", changes)
    };
    let sql = str::to_owned;
    vec![
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
                 UPDATE bids SET nth = 1000 WHERE auction_id = (SELECT id FROM auctions WHERE status = 'live' AND sale_event_id IS NULL);
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
    ]
}
