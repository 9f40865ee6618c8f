//! Awards.

use super::{Breach, copy};

pub(super) fn breaches() -> Vec<Breach> {
    let award = |changes: &str| copy("awards", "lot_mode = 'whole'", changes);
    let share = |changes: &str| copy("awards", "lot_mode = 'divisible'", changes);
    let taken_back = "(SELECT bid_id FROM bid_retractions AS r JOIN auctions AS a ON a.id = r.auction_id \
                      WHERE a.lot_mode = 'divisible')";
    let to_taken_back = |quantity: i64| {
        share(&format!(
            "'bid_id', {taken_back}, 'org_id', (SELECT org_id FROM bids WHERE id = {taken_back}), 'quantity', {quantity}"
        ))
    };
    vec![
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
        ("awards_source_known", award("'source', 'lottery'")),
        ("awards_status_check", award("'status', 'lost'")),
        ("awards_quantity_positive", award("'quantity', 0")),
        ("awards_amount_positive", award("'amount_minor', 0")),
        ("awards_one_per_whole_lot", award("")),
        ("awards_one_per_bid", share("")),
        ("awards_within_lot", to_taken_back(50)),
        ("awards_not_to_retracted", to_taken_back(1)),
    ]
}
