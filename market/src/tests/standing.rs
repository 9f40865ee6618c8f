//! Strikes, appeals, and offers to next bidders.

use super::{Breach, copy};

const STRIKE: &str = "INSERT INTO strikes SELECT gen_random_uuid(), buyer_org_id, id, now() FROM orders LIMIT 1";
const APPEAL: &str = "INSERT INTO appeals SELECT s.id, 'Why', u.id FROM strikes AS s CROSS JOIN users AS u LIMIT 1";

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let appeal = |columns: &str, values: &str| {
        format!(
            "{STRIKE};
             INSERT INTO appeals (strike_id, appealed_by, {columns})
             SELECT s.id, u.id, {values} FROM strikes AS s CROSS JOIN users AS u LIMIT 1"
        )
    };
    // Of the bid with the highest number in an auction.
    let chance = |quantity: i64, amount: i64, status: &str, expires: &str, decided: &str| {
        format!(
            "INSERT INTO second_chances
             SELECT gen_random_uuid(), auction_id, id, org_id, {quantity}, {amount}, '{status}', now(), now() + {expires}, {decided}
             FROM bids
             ORDER BY placed_at
             LIMIT 1"
        )
    };
    let day = "interval '1 day'";
    let good = chance(1, 1_000, "offered", day, "NULL");
    vec![
        ("strikes_of_order", sql("INSERT INTO strikes SELECT gen_random_uuid(), id, gen_random_uuid() FROM orgs LIMIT 1")),
        ("strikes_once_per_order", format!("{STRIKE}; {STRIKE}")),
        ("strikes_append_only", sql("DELETE FROM strikes")),
        ("appeals_of_strike", sql("INSERT INTO appeals SELECT gen_random_uuid(), 'Why', id FROM users LIMIT 1")),
        ("appeals_text_length", appeal("text", "''")),
        ("appeals_outcome_known", appeal("text, outcome, note, decided_by, decided_at", "'Why', 'lost', 'So', u.id, now()")),
        ("appeals_note_length", appeal("text, outcome, note, decided_by, decided_at", "'Why', 'kept', '', u.id, now()")),
        ("appeals_decided_whole", appeal("text, outcome", "'Why', 'kept'")),
        ("appeals_decided_once", format!("{STRIKE}; {APPEAL}; UPDATE appeals SET text = 'Because'")),
        (
            "appeals_decided_once",
            format!(
                "{STRIKE}; {APPEAL};
                 UPDATE appeals SET outcome = 'kept', note = 'So', decided_by = appealed_by, decided_at = now();
                 UPDATE appeals SET outcome = 'lifted'"
            ),
        ),
        ("awards_only_default", sql("UPDATE awards SET amount_minor = amount_minor + 1")),
        (
            "awards_only_default",
            sql("UPDATE awards SET status = 'defaulted'; UPDATE awards SET status = 'standing'"),
        ),
        ("auctions_second_chances_range", copy("auctions", "status = 'unsold'", "'second_chances', 11")),
        ("auctions_second_chances_fixed", sql("UPDATE auctions SET second_chances = second_chances + 1")),
        (
            "second_chances_of_auction",
            sql("INSERT INTO second_chances
                 SELECT gen_random_uuid(), gen_random_uuid(), id, org_id, 1, 1, 'offered', now(), now() + interval '1 day'
                 FROM bids
                 LIMIT 1"),
        ),
        (
            "second_chances_of_bid",
            sql("INSERT INTO second_chances
                 SELECT gen_random_uuid(), auction_id, id, seller_org_id, 1, 1, 'offered', now(), now() + interval '1 day'
                 FROM bids
                 LIMIT 1"),
        ),
        ("second_chances_quantity_positive", chance(0, 1_000, "offered", day, "NULL")),
        ("second_chances_amount_range", chance(1, 0, "offered", day, "NULL")),
        ("second_chances_status_known", chance(1, 1_000, "lost", day, "now()")),
        ("second_chances_times_in_order", chance(1, 1_000, "offered", "interval '0'", "NULL")),
        ("second_chances_decided", chance(1, 1_000, "accepted", day, "NULL")),
        ("second_chances_once_per_bid", format!("{}; {}", chance(1, 1_000, "declined", day, "now()"), good)),
        (
            "second_chances_one_open",
            sql("INSERT INTO second_chances
                 SELECT gen_random_uuid(), auction_id, id, org_id, 1, 1, 'offered', now(), now() + interval '1 day'
                 FROM bids
                 WHERE auction_id = (SELECT auction_id FROM bids GROUP BY auction_id HAVING count(*) > 1 LIMIT 1)"),
        ),
        (
            "second_chances_status_moves",
            format!(
                "{good};
                 UPDATE second_chances SET status = 'declined', decided_at = now();
                 UPDATE second_chances SET status = 'accepted'"
            ),
        ),
        ("second_chances_fixed", format!("{good}; UPDATE second_chances SET amount_minor = amount_minor + 1")),
        ("second_chances_kept", sql("DELETE FROM second_chances")),
    ]
}
