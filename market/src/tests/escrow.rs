//! Payments, escrows, disputes, refunds and webhooks.

use sqlx::PgConnection;

use super::{Breach, copy};
use crate::checkout::model::CheckoutLine;
use crate::checkout::store as checkouts;
use crate::escrow::model::DisputeReason;
use crate::escrow::store::{NewDispute, open_dispute, refund};
use crate::listings::model::SaleMode;
use crate::testing::{Trader, eur, listing, pay, trader};

/// Two paid orders, of one of which a part goes back, and about the other a dispute is open; and a webhook.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader) {
    let buyer = trader(conn).await;
    for disputed in [false, true] {
        let listing = listing(conn, seller, SaleMode::Fixed, 5).await;
        let lines = [CheckoutLine { listing, quantity: 1, price: eur(10_000) }];
        let term = chrono::TimeDelta::minutes(30);
        let mut tx = sqlx::Connection::begin(conn).await.expect("a transaction");
        let id = checkouts::place(&mut tx, buyer.org, buyer.user, &lines, term).await.expect("placed");
        let order = checkouts::checkout(&mut tx, buyer.org, id).await.expect("read").expect("placed").orders[0].id;
        pay(&mut tx, buyer, id).await;
        if disputed {
            let new = NewDispute { order, reason: DisputeReason::Other, text: "no" };
            open_dispute(&mut tx, buyer.org, buyer.user, new).await.expect("opened");
        } else {
            refund(&mut tx, seller.org, seller.user, order, eur(100), "scratched").await.expect("given back");
        }
        tx.commit().await.expect("committed");
    }
    sqlx::query(
        "INSERT INTO webhook_inbox (provider, event_id, kind, subject, body) VALUES ('simulator', '1', 'a', 'b', '')",
    )
    .execute(conn)
    .await
    .expect("a webhook");
}

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    // A copy of a payment as a further attempt that failed, which nothing forbids.
    let payment = |changes: &str| {
        let failed = "'status', 'failed', 'failure', 'no', 'attempt', 2, 'provider_ref', null";
        copy("payments", "true", &format!("{failed}, {changes}"))
    };
    let escrow = |changes: &str| {
        let other = "'order_id', (SELECT id FROM orders WHERE id NOT IN (SELECT order_id FROM escrows) LIMIT 1)";
        copy("escrows", "status = 'held'", &format!("{other}, {changes}"))
    };
    let dispute = |changes: &str| {
        let ended = "'status', 'withdrawn', 'ended_at', now(), 'ended_by', t.opened_by";
        copy("disputes", "true", &format!("{ended}, {changes}"))
    };
    let late =
        "'order_id', null, 'cause', 'late', 'fee_minor', 0, 'net_minor', 0, 'premium_minor', 0, 'goods_tax_minor', 0,
                'premium_tax_minor', 0, 'provider_ref', null";
    let refund = |changes: &str| copy("refunds", "true", &format!("{late}, {changes}"));
    let webhook = |changes: &str| {
        format!(
            "INSERT INTO webhook_inbox (provider, event_id, kind, subject, body, outcome, applied_at)
             SELECT provider, event_id, kind, subject, body, outcome, applied_at
             FROM (SELECT (jsonb_populate_record(w, jsonb_build_object('event_id', '2', {changes}))).* FROM webhook_inbox AS w) AS w"
        )
    };
    let long = "repeat('x', 201)";
    vec![
        ("payments_attempt_range", payment("'attempt', 101")),
        ("payments_provider_known", payment("'provider', 'cash'")),
        ("payments_method_length", payment("'method', ''")),
        ("payments_ref_length", payment("'provider_ref', ''")),
        ("payments_status_known", payment("'status', 'lost', 'failure', null, 'ended_at', now()")),
        ("payments_failure_length", payment(&format!("'failure', {long}"))),
        (
            "payments_confirm_form",
            payment("'status', 'funding', 'failure', null, 'ended_at', null, 'confirm_at', 'javascript:0'"),
        ),
        ("payments_confirm_while_funding", payment("'confirm_at', 'https://bank.example/'")),
        ("payments_of_checkout", payment("'amount_minor', 1")),
        ("payments_attempt_once", payment("'attempt', 1")),
        ("payments_ref_once", payment("'provider_ref', t.provider_ref")),
        ("payments_held_ref", payment("'status', 'held', 'failure', null")),
        ("payments_failed_why", payment("'failure', null")),
        ("payments_ended", payment("'ended_at', null")),
        ("payments_one_live", payment("'status', 'created', 'failure', null, 'ended_at', null")),
        ("payments_status_moves", sql("UPDATE payments SET status = 'failed', failure = 'no'")),
        ("payments_terms_fixed", sql("UPDATE payments SET method = 'cash'")),
        ("escrows_once", copy("escrows", "true", "")),
        ("escrows_of_order", escrow("'order_id', gen_random_uuid(), 'refunded_minor', 0")),
        ("escrows_of_payment", escrow("'payment_id', gen_random_uuid(), 'refunded_minor', 0")),
        ("escrows_amount_positive", escrow("'amount_minor', 0, 'status', 'refunded', 'refunded_minor', 0")),
        ("escrows_status_known", escrow("'status', 'lost', 'refunded_minor', 1, 'released_minor', t.amount_minor - 1")),
        ("escrows_amounts", escrow("'refunded_minor', t.amount_minor")),
        (
            "escrows_status_moves",
            sql("UPDATE escrows SET status = 'released', released_minor = amount_minor WHERE status = 'frozen';
                 UPDATE escrows SET status = 'held', released_minor = 0 WHERE status = 'released'"),
        ),
        ("escrows_terms_fixed", sql("UPDATE escrows SET amount_minor = amount_minor + 1")),
        ("escrows_refunds_add_up", sql("UPDATE escrows SET refunded_minor = refunded_minor + 1 WHERE status = 'held'")),
        ("disputes_of_order", dispute("'order_id', gen_random_uuid()")),
        ("disputes_reason_known", dispute("'reason', 'mood'")),
        ("disputes_text_length", dispute("'text', ''")),
        ("disputes_from", dispute("'order_status', 'completed'")),
        ("disputes_status_known", dispute("'status', 'lost'")),
        ("disputes_note_length", dispute("'note', ''")),
        ("disputes_ended", dispute("'ended_at', null")),
        ("disputes_one_open", copy("disputes", "true", "")),
        (
            "disputes_status_moves",
            sql("UPDATE disputes SET status = 'withdrawn', ended_at = now(), ended_by = opened_by;
                 UPDATE disputes SET status = 'split'"),
        ),
        ("refunds_of_payment", refund("'payment_id', gen_random_uuid()")),
        ("refunds_of_order", copy("refunds", "true", "'order_id', gen_random_uuid()")),
        ("refunds_cause_known", copy("refunds", "true", "'cause', 'mood'")),
        ("refunds_amount_positive", refund("'amount_minor', 0")),
        ("refunds_status_known", refund("'status', 'lost', 'ended_at', now()")),
        ("refunds_ref_length", refund("'provider_ref', ''")),
        (
            "refunds_ref_once",
            sql("UPDATE refunds SET status = 'sent', provider_ref = 'a'")
                + ";"
                + &copy("refunds", "true", "'order_id', t.order_id"),
        ),
        ("refunds_reason_length", refund("'reason', ''")),
        ("refunds_late_whole", copy("refunds", "true", "'cause', 'late'")),
        ("refunds_parts", copy("refunds", "true", "'amount_minor', t.amount_minor + 1")),
        ("refunds_ended", refund("'ended_at', now()")),
        ("refunds_done_ref", refund("'status', 'done', 'ended_at', now()")),
        ("refunds_late_once", refund("'none', 1") + ";" + &refund("'none', 1")),
        (
            "refunds_status_moves",
            sql("UPDATE refunds SET status = 'failed', ended_at = now();
                 UPDATE refunds SET status = 'intended', ended_at = null"),
        ),
        ("refunds_terms_fixed", sql("UPDATE refunds SET created_at = now()")),
        ("refunds_add_up", copy("refunds", "true", "'none', 1")),
        ("webhook_inbox_provider_known", webhook("'provider', 'nobody'")),
        ("webhook_inbox_event_length", webhook("'event_id', ''")),
        ("webhook_inbox_kind_length", webhook("'kind', ''")),
        ("webhook_inbox_subject_length", webhook("'subject', ''")),
        (
            "webhook_inbox_body_size",
            sql("INSERT INTO webhook_inbox (provider, event_id, kind, subject, body)
                 VALUES ('simulator', '2', 'a', 'b', convert_to(repeat('x', 65537), 'UTF8'))"),
        ),
        ("webhook_inbox_outcome_known", webhook("'outcome', 'lost', 'applied_at', now()")),
        ("webhook_inbox_once", webhook("'event_id', '1'")),
        ("webhook_inbox_applied", webhook("'applied_at', now()")),
        ("webhook_inbox_body_fixed", sql("UPDATE webhook_inbox SET kind = 'c'")),
    ]
}
