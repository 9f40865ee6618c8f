//! Plans, their subscriptions, terms, charges and payments.

use sqlx::{Connection, PgConnection};

use super::{Breach, copy};
use crate::escrow::model::PaymentStatus;
use crate::identity::Plan;
use crate::payments::Provider;
use crate::plans::store::{PlanSettled, begin, choose, settle, start_charge};
use crate::testing::{captured, trader};

/// A subscription to a plan that is paid, and to a better one that is not.
pub(super) async fn fill(conn: &mut PgConnection) {
    let owner = trader(conn).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let chosen = choose(&mut tx, owner.org, owner.user, Plan::Standard, None).await.expect("chosen");
    let charge = chosen.charge.expect("owed");
    let (payment, owed) =
        begin(&mut tx, owner.org, owner.user, charge, Provider::Simulator, "card").await.expect("begun");
    assert_eq!(owed.payment.expect("an attempt").status, PaymentStatus::Created);
    start_charge(&mut tx, payment).await.expect("to be asked").expect("undecided");
    let settled = settle(&mut tx, payment, &captured(payment, owed.amount)).await.expect("settled");
    assert_eq!(settled, PlanSettled::Paid { charge, again: false });
    let chosen = choose(&mut tx, owner.org, owner.user, Plan::Pro, None).await.expect("chosen");
    assert!(chosen.charge.is_some(), "the rest of the term is owed");
    tx.commit().await.expect("committed");
}

pub(super) fn breaches() -> Vec<Breach> {
    [plans(), subscriptions(), charges(), payments()].concat()
}

fn plans() -> Vec<Breach> {
    let sql = str::to_owned;
    vec![
        ("plans_code_known", sql("INSERT INTO plans (code, offered) VALUES ('gold', true)")),
        ("plans_trial_range", sql("UPDATE plans SET trial_days = 91")),
        ("plans_listings_range", sql("UPDATE plans SET most_listings = -1")),
        ("plan_fees_of_plan", sql("INSERT INTO plan_fees (plan, currency, fee_minor) VALUES ('gold', 'EUR', 1)")),
        ("plan_fees_of_paid", sql("INSERT INTO plan_fees (plan, currency, fee_minor) VALUES ('free', 'EUR', 1)")),
        ("plan_fees_range", sql("UPDATE plan_fees SET fee_minor = 0")),
    ]
}

fn subscriptions() -> Vec<Breach> {
    let sql = str::to_owned;
    // Of one that has ended.
    let ended = |changes: &str| {
        copy("plan_subscriptions", "true", &format!("'status', 'cancelled', 'ended_at', now(), {changes}"))
    };
    let term = |changes: &str| copy("plan_terms", "true", &format!("'number', 99, {changes}"));
    let set = |changes: &str| format!("UPDATE plan_subscriptions SET {changes} WHERE status = 'active'");
    vec![
        ("plan_subscriptions_of_plan", ended("'plan', 'gold'")),
        ("plan_subscriptions_fee_range", ended("'fee_minor', -1")),
        ("plan_subscriptions_status_known", ended("'status', 'lost', 'ended_at', null")),
        ("plan_subscriptions_next_known", ended("'next_plan', 'gold'")),
        ("plan_subscriptions_anchor_range", ended("'anchor_day', 0")),
        ("plan_subscriptions_anchor_range", ended("'anchor_day', 32")),
        ("plan_subscriptions_term_positive", ended("'term', 0")),
        ("plan_subscriptions_paid", ended("'plan', 'free'")),
        ("plan_subscriptions_trial_free", ended("'status', 'trial', 'ended_at', null")),
        ("plan_subscriptions_ended", ended("'ended_at', null")),
        ("plan_subscriptions_one_open", copy("plan_subscriptions", "status = 'active'", "")),
        ("plan_subscriptions_status_moves", set("status = 'trial', fee_minor = 0")),
        ("plan_subscriptions_fixed", set("anchor_day = anchor_day % 31 + 1")),
        ("plan_subscriptions_fixed", set("term = term + 2")),
        ("plan_subscriptions_fixed", set("renews_at = renews_at + interval '1 day'")),
        ("plan_subscriptions_kept", sql("DELETE FROM plan_subscriptions")),
        ("plan_subscriptions_kept", sql("TRUNCATE plan_subscriptions CASCADE")),
        ("plan_terms_of_subscription", term("'subscription_id', gen_random_uuid()")),
        ("plan_terms_number_positive", term("'number', 0")),
        ("plan_terms_of_plan", term("'plan', 'gold'")),
        ("plan_terms_fee_range", term("'fee_minor', -1")),
        ("plan_terms_days", term("'ends_on', t.starts_on")),
        ("plan_terms_days", term("'ends_at', t.starts_at")),
        ("plan_terms_append_only", sql("UPDATE plan_terms SET fee_minor = 0")),
        ("plan_terms_append_only", sql("DELETE FROM plan_terms")),
    ]
}

fn charges() -> Vec<Breach> {
    let sql = str::to_owned;
    let charge = |changes: &str| copy("plan_charges", "status = 'open'", &format!("'plan', 'partner', {changes}"));
    vec![
        ("plan_charges_of_term", charge("'term', 99")),
        ("plan_charges_kind_known", charge("'kind', 'gift'")),
        ("plan_charges_of_plan", charge("'plan', 'gold'")),
        ("plan_charges_amount_range", charge("'amount_minor', 0")),
        ("plan_charges_status_known", charge("'status', 'lost', 'act_at', null, 'ended_at', now()")),
        ("plan_charges_reminders_range", charge("'reminders', 4")),
        ("plan_charges_once", copy("plan_charges", "status = 'open'", "")),
        ("plan_charges_acted", charge("'act_at', null")),
        ("plan_charges_ended", charge("'ended_at', now()")),
        (
            "plan_charges_status_moves",
            sql("UPDATE plan_charges SET status = 'open', act_at = now(), ended_at = NULL WHERE status = 'paid'"),
        ),
        ("plan_charges_fixed", sql("UPDATE plan_charges SET amount_minor = amount_minor + 1 WHERE status = 'open'")),
        ("plan_charges_fixed", sql("UPDATE plan_charges SET reminders = 1; UPDATE plan_charges SET reminders = 0")),
        ("plan_charges_kept", sql("DELETE FROM plan_charges")),
        ("plan_charges_kept", sql("TRUNCATE plan_charges CASCADE")),
    ]
}

fn payments() -> Vec<Breach> {
    let sql = str::to_owned;
    // A copy of a payment as a further attempt that failed, which nothing forbids.
    let payment = |changes: &str| {
        let failed = "'status', 'failed', 'failure', 'no', 'attempt', 2, 'provider_ref', null";
        copy("plan_payments", "true", &format!("{failed}, {changes}"))
    };
    let long = "repeat('x', 201)";
    let funding = "'status', 'funding', 'failure', null, 'ended_at', null";
    vec![
        ("plan_payments_attempt_range", payment("'attempt', 101")),
        ("plan_payments_provider_known", payment("'provider', 'cash'")),
        ("plan_payments_method_length", payment("'method', ''")),
        ("plan_payments_ref_length", payment("'provider_ref', ''")),
        ("plan_payments_status_known", payment("'status', 'lost', 'failure', null")),
        ("plan_payments_failure_length", payment(&format!("'failure', {long}"))),
        ("plan_payments_confirm_form", payment(&format!("{funding}, 'confirm_at', 'javascript:0'"))),
        ("plan_payments_confirm_while_funding", payment("'confirm_at', 'https://bank.example/'")),
        ("plan_payments_of_charge", payment("'amount_minor', 1")),
        ("plan_payments_attempt_once", payment("'attempt', 1")),
        ("plan_payments_ref_once", payment("'provider_ref', t.provider_ref")),
        ("plan_payments_held_ref", payment("'status', 'held', 'failure', null")),
        ("plan_payments_failed_why", payment("'failure', null")),
        ("plan_payments_ended", payment("'ended_at', null")),
        ("plan_payments_one_live", payment(funding)),
        (
            "plan_payments_status_moves",
            sql("UPDATE plan_payments SET status = 'failed', failure = 'no' WHERE status = 'held'"),
        ),
        ("plan_payments_fixed", sql("UPDATE plan_payments SET method = 'cheque'")),
        ("plan_payments_fixed", sql("UPDATE plan_payments SET provider_ref = 'another'")),
        ("plan_payments_kept", sql("DELETE FROM plan_payments")),
        ("plan_payments_kept", sql("TRUNCATE plan_payments CASCADE")),
    ]
}
