//! Reviews, their reports, and ratings.

use sqlx::{Connection, PgConnection};

use super::{Breach, copy, many};
use crate::offers::model::Party;
use crate::reviews::model::ReviewReportReason;
use crate::reviews::store::{answer, report, write};
use crate::testing::{Trader, earn, eur, trader};

/// A review that nobody reads yet, and two that are shown, of which one is answered and reported.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader) {
    let buyer = trader(conn).await;
    let party = |of: Trader| Party { org: of.org, user: of.user };
    for both in [false, true] {
        let order = earn(conn, seller, buyer, eur(10_000)).await;
        let mut tx = conn.begin().await.expect("a transaction");
        let about = write(&mut tx, party(buyer), order, 3, "Well.").await.expect("written").review.id;
        if both {
            write(&mut tx, party(seller), order, 4, "Well, too.").await.expect("written");
            answer(&mut tx, party(seller), about, "Thank you.").await.expect("answered");
            report(&mut tx, party(seller), about, ReviewReportReason::Other, Some("So.")).await.expect("reported");
        }
        tx.commit().await.expect("committed");
    }
}

pub(super) fn breaches() -> Vec<Breach> {
    [reviews(), reports()].concat()
}

fn reviews() -> Vec<Breach> {
    let sql = str::to_owned;
    // Of the side that has not written.
    let blind = |changes: &str| copy("reviews", "shown_at IS NULL", &format!("'side', 'seller', {changes}"));
    let set = |changes: &str, which: &str| format!("UPDATE reviews SET {changes} WHERE {which}");
    let (waits, shown) = ("shown_at IS NULL", "shown_at IS NOT NULL AND answered_at IS NULL");
    let hide = |reason: &str| format!("hidden_reason = '{reason}', hidden_by = written_by, hidden_at = now()");
    let not_completed = "(SELECT id
                          FROM orders
                          WHERE id NOT IN (SELECT order_id FROM order_events WHERE status = 'completed')
                          LIMIT 1)";
    vec![
        ("reviews_side_known", blind("'side', 'both'")),
        ("reviews_stars_range", blind("'stars', 0")),
        ("reviews_stars_range", blind("'stars', 6")),
        ("reviews_text_length", blind("'text', ''")),
        ("reviews_due_later", blind("'due_at', t.written_at")),
        (
            "reviews_shown_later",
            format!(
                "SET LOCAL session_replication_role = replica; {}",
                set("shown_at = written_at - interval '1 day'", waits)
            ),
        ),
        ("reviews_answer_length", set("answer = '', answered_by = written_by, answered_at = now()", shown)),
        ("reviews_answered", set("answer = 'So.'", shown)),
        ("reviews_answered", set("answer = 'So.', answered_by = written_by, answered_at = now()", waits)),
        ("reviews_hidden_reason_length", set(&hide(""), shown)),
        ("reviews_hidden", set("hidden_reason = 'So.'", shown)),
        ("reviews_hidden", set(&hide("So."), waits)),
        ("reviews_once", copy("reviews", waits, "")),
        ("reviews_of_order", blind("'buyer_org_id', t.seller_org_id")),
        ("reviews_begin_blind", blind("'shown_at', now()")),
        ("reviews_of_completed", blind(&format!("'order_id', {not_completed}"))),
        ("reviews_blind", set("shown_at = now()", waits)),
        ("reviews_fixed", set("text = text || '!'", shown)),
        ("reviews_fixed", set("due_at = due_at + interval '1 day'", waits)),
        ("reviews_fixed", set("answer = 'Something else.'", "answered_at IS NOT NULL")),
        (
            "reviews_fixed",
            format!("{}; {}", set(&hide("So."), shown), set("hidden_reason = 'No.'", "hidden_at IS NOT NULL")),
        ),
        ("reviews_kept", sql("DELETE FROM reviews")),
        ("reviews_kept", sql("TRUNCATE reviews CASCADE")),
        ("org_ratings_reviews_not_negative", sql("UPDATE org_ratings SET reviews = -1")),
        ("org_ratings_stars_possible", sql("UPDATE org_ratings SET stars = 5 * reviews + 1")),
        (
            "review_requests_of_order",
            sql("INSERT INTO review_requests (order_id, due_at) VALUES (gen_random_uuid(), now())"),
        ),
    ]
}

fn reports() -> Vec<Breach> {
    let report = |changes: &str| copy("review_reports", "true", changes);
    let decided = "'decided_by', t.reported_by, 'decided_at', t.created_at";
    let decide = |outcome: &str| {
        format!(
            "UPDATE review_reports
             SET status = '{outcome}', decided_by = reported_by, decided_at = now(), decision = 'So.'"
        )
    };
    vec![
        ("review_reports_reason_known", report("'reason', 'none'")),
        ("review_reports_note_length", report("'note', ''")),
        ("review_reports_status_known", report(&format!("'status', 'none', {decided}, 'decision', 'So.'"))),
        ("review_reports_decision_length", report(&format!("'status', 'upheld', {decided}, 'decision', ''"))),
        ("review_reports_decided", report("'decided_at', t.created_at")),
        ("review_reports_decided", report("'status', 'upheld'")),
        ("review_reports_once", report("")),
        ("review_reports_of_review", report("'review_id', gen_random_uuid()")),
        (
            "review_reports_per_day",
            many(
                "review_reports",
                "review_id, org_id, reported_by, reason",
                "gen_random_uuid(), t.org_id, t.reported_by, t.reason",
                100,
            ),
        ),
        ("review_reports_status_moves", format!("{}; {}", decide("upheld"), decide("dismissed"))),
        ("review_reports_fixed", "UPDATE review_reports SET reason = 'spam'".to_owned()),
    ]
}
