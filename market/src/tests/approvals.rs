//! Sales on approval.

use super::Breach;

pub(super) fn breaches() -> Vec<Breach> {
    let approval = |status: &str, price: i64, counter: &str, expires: &str, decided: &str| {
        format!(
            "INSERT INTO approvals
             SELECT auction_id, id, org_id, '{status}', {price}, {counter}, now(), now() + {expires}, {decided}
             FROM bids
             ORDER BY placed_at
             LIMIT 1"
        )
    };
    let day = "interval '1 day'";
    let good = approval("asked", 1_000, "NULL", day, "NULL");
    let of = |auction: &str, org: &str| {
        format!(
            "INSERT INTO approvals (auction_id, bid_id, org_id, price_minor, asked_at, expires_at)
             SELECT {auction}, id, {org}, 1, now(), now() + {day} FROM bids LIMIT 1"
        )
    };
    vec![
        ("approvals_of_auction", of("gen_random_uuid()", "org_id")),
        ("approvals_of_bid", of("auction_id", "seller_org_id")),
        ("approvals_pkey", format!("{good}; {good}")),
        ("approvals_status_known", approval("lost", 1_000, "NULL", day, "now()")),
        ("approvals_price_positive", approval("asked", 0, "NULL", day, "NULL")),
        ("approvals_counter_above_price", approval("countered", 1_000, "1000", day, "NULL")),
        ("approvals_countered", approval("countered", 1_000, "NULL", day, "NULL")),
        ("approvals_decided", approval("accepted", 1_000, "NULL", day, "NULL")),
        ("approvals_times_in_order", approval("asked", 1_000, "NULL", "interval '0'", "NULL")),
        (
            "approvals_status_moves",
            format!(
                "{good};
                 UPDATE approvals SET status = 'declined', decided_at = now();
                 UPDATE approvals SET status = 'accepted'"
            ),
        ),
        ("approvals_fixed", format!("{good}; UPDATE approvals SET price_minor = price_minor + 1")),
        ("approvals_fixed", format!("{good}; UPDATE approvals SET expires_at = expires_at + {day}")),
        (
            "approvals_fixed",
            format!("{good}; UPDATE approvals SET status = 'accepted', counter_minor = 2000, decided_at = now()"),
        ),
        ("approvals_kept", format!("{good}; DELETE FROM approvals")),
    ]
}
