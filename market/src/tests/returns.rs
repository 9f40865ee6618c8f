//! Returns and their lines.

use sqlx::{Connection, PgConnection};

use super::{Breach, copy};
use crate::escrow::store::{receive as arrive, ship};
use crate::listings::model::SaleMode;
use crate::offers::model::Party;
use crate::returns::model::{Disposition, ReturnReason};
use crate::returns::rules::Wanted;
use crate::returns::store::{NewReturn, approve, receive, request};
use crate::testing::{Trader, eur, listing, pay, placed, trader};

/// Of an order of five units, one that is asked for and one that has come back.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader) {
    let buyer = trader(conn).await;
    let goods = listing(conn, seller, SaleMode::Fixed, 5).await;
    let (checkout, order) = placed(conn, buyer, goods, eur(50_000)).await;
    pay(conn, buyer, checkout).await;
    let mut tx = conn.begin().await.expect("a transaction");
    ship(&mut tx, seller.org, seller.user, order).await.expect("sent");
    arrive(&mut tx, buyer.org, buyer.user, order).await.expect("arrived");
    for received in [false, true] {
        let wanted = [Wanted { line: 1, quantity: 1 }];
        let new = NewReturn { order, reason: ReturnReason::Damaged, text: None, lines: &wanted };
        let id = request(&mut tx, Party { org: buyer.org, user: buyer.user }, new).await.expect("requested");
        if received {
            let by = Party { org: seller.org, user: seller.user };
            approve(&mut tx, by, id, None).await.expect("approved");
            receive(&mut tx, by, id, &[(1, Disposition::OnHand)]).await.expect("received");
        }
    }
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let open = |changes: &str| copy("returns", "status = 'requested'", changes);
    let decided = |changes: &str| open(&format!("'decided_at', now(), {changes}"));
    let ended = |changes: &str| decided(&format!("'due_at', null, 'ended_at', now(), {changes}"));
    let line = |changes: &str| {
        let of = "return_id = (SELECT id FROM returns WHERE status = 'requested')";
        copy("return_lines", of, &format!("'line_no', 2, {changes}"))
    };
    let set = |changes: &str| format!("UPDATE returns SET {changes} WHERE status = 'requested'");
    let other = "(SELECT id FROM orders WHERE id <> t.order_id LIMIT 1)";
    vec![
        (
            "returns_of_paid_order",
            open(
                "'order_id', (SELECT id
                              FROM orders
                              WHERE seller_org_id = t.seller_org_id
                                AND id NOT IN (SELECT order_id FROM escrows)
                              LIMIT 1)",
            ),
        ),
        ("returns_reason_known", open("'reason', 'mood'")),
        ("returns_text_length", open("'text', ''")),
        ("returns_status_known", ended("'status', 'lost'")),
        ("returns_note_length", ended("'status', 'cancelled', 'note', ''")),
        ("returns_tracking_length", open("'tracking', '', 'sent_at', now()")),
        ("returns_share_not_negative", ended("'status', 'received', 'share_minor', -1")),
        ("returns_one_per_refund", copy("returns", "status = 'refunded'", "")),
        ("returns_of_seller", open("'seller_org_id', (SELECT buyer_org_id FROM orders WHERE id = t.order_id)")),
        (
            "returns_of_refund",
            ended(
                "'status', 'refunded', 'share_minor', 1, 'refund_id', (SELECT id FROM refunds WHERE cause = 'seller' LIMIT 1)",
            ),
        ),
        ("returns_decided", decided("'none', 1")),
        ("returns_decided", open("'status', 'approved'")),
        ("returns_decided", open("'note', 'well'")),
        ("returns_ended", open("'due_at', null")),
        ("returns_ended", open("'ended_at', now()")),
        ("returns_ended", decided("'status', 'lapsed'")),
        ("returns_refunded", ended("'status', 'refunded', 'share_minor', 1")),
        ("returns_refused_why", ended("'status', 'refused', 'decided_by', t.requested_by")),
        ("returns_sent", open("'sent_at', now()")),
        ("returns_sent", decided("'status', 'in_transit'")),
        ("returns_valued", ended("'status', 'received'")),
        ("returns_valued", open("'share_minor', 1")),
        ("returns_valued", open("'received_by', t.requested_by")),
        (
            "returns_per_order",
            sql("SET LOCAL session_replication_role = replica;
                 INSERT INTO returns (id, order_id, seller_org_id, reason, requested_by, requested_at, due_at)
                 SELECT gen_random_uuid(), order_id, seller_org_id, reason, requested_by, requested_at, due_at
                 FROM (SELECT * FROM returns WHERE status = 'requested') AS r, generate_series(1, 98);
                 SET LOCAL session_replication_role = origin;
                 INSERT INTO returns (id, order_id, seller_org_id, reason, requested_by, requested_at, due_at)
                 SELECT gen_random_uuid(), order_id, seller_org_id, reason, requested_by, requested_at, due_at
                 FROM returns
                 WHERE status = 'requested'
                 LIMIT 1"),
        ),
        ("returns_status_moves", set("status = 'in_transit', decided_at = now(), tracking = 'x', sent_at = now()")),
        ("returns_fixed", set("requested_at = now()")),
        ("returns_fixed", sql("UPDATE returns SET received_by = NULL WHERE status = 'refunded'")),
        (
            "returns_fixed",
            set("status = 'approved', decided_at = now()")
                + "; UPDATE returns SET note = 'better' WHERE status = 'approved'",
        ),
        ("returns_kept", sql("DELETE FROM returns")),
        ("returns_kept", sql("TRUNCATE returns CASCADE")),
        ("returns_have_lines", open("'none', 1")),
        (
            "returns_have_lines",
            set("status = 'approved', decided_at = now()")
                + "; UPDATE returns
                     SET status = 'received', share_minor = 0, due_at = NULL, ended_at = now()
                     WHERE status = 'approved'",
        ),
        ("return_lines_once", line("'line_no', 1")),
        ("return_lines_quantity_positive", line("'line_no', 1, 'quantity', 0")),
        ("return_lines_disposition_known", line("'disposition', 'lost', 'restocked', false")),
        ("return_lines_of_return", line(&format!("'order_id', {other}"))),
        ("return_lines_of_line", line("'none', 1")),
        ("return_lines_stocked", line("'disposition', 'on_hand'")),
        ("return_lines_fixed", sql("UPDATE return_lines SET quantity = quantity + 1")),
        ("return_lines_fixed", sql("UPDATE return_lines SET disposition = 'quarantine' WHERE disposition IS NOT NULL")),
        ("return_lines_kept", sql("DELETE FROM return_lines")),
        ("return_lines_kept", sql("TRUNCATE return_lines")),
        (
            "return_lines_within_bought",
            // Beside one unit each of an open one and of one that is back.
            open("'id', '00000000-0000-7000-8000-000000000001'")
                + "; INSERT INTO return_lines (return_id, order_id, line_no, quantity)
                     SELECT id, order_id, 1, 4 FROM returns WHERE id = '00000000-0000-7000-8000-000000000001'",
        ),
        (
            "return_lines_at_request",
            copy("return_lines", "disposition IS NOT NULL", "'line_no', 2, 'disposition', null, 'restocked', null"),
        ),
        (
            "return_lines_received",
            sql("UPDATE return_lines SET disposition = 'on_hand', restocked = false WHERE disposition IS NULL"),
        ),
        (
            "refunds_of_return",
            sql("UPDATE escrows
                 SET refunded_minor = refunded_minor + 1
                 WHERE order_id = (SELECT order_id FROM refunds WHERE cause = 'return');
                 INSERT INTO refunds (id, payment_id, order_id, cause, amount_minor, net_minor, reason)
                 SELECT gen_random_uuid(), payment_id, order_id, cause, 1, 1, 'r' FROM refunds WHERE cause = 'return'"),
        ),
    ]
}
