//! Payout accounts and payouts.

use sqlx::PgConnection;

use super::{Breach, copy};

/// An active account of the oldest organisation, and three payouts of it: one that waits, one that is at the account and one that
/// was paid.
pub(super) async fn fill(conn: &mut PgConnection) {
    sqlx::raw_sql(
        "INSERT INTO payout_accounts (id, org_id, provider, provider_ref, status, opened_by, checked_at)
         SELECT gen_random_uuid(), id, 'simulator', 'acct', 'active', created_by, now() FROM orgs ORDER BY id LIMIT 1;
         INSERT INTO payouts (id, org_id, currency, amount_minor)
         SELECT gen_random_uuid(), org_id, 'EUR', 1 FROM payout_accounts;
         INSERT INTO payouts (id, org_id, account_id, currency, amount_minor, status, transfer_ref)
         SELECT gen_random_uuid(), org_id, id, 'SEK', 1, 'intended', 'tr-1' FROM payout_accounts;
         INSERT INTO payouts
             (id, org_id, account_id, currency, amount_minor, status, transfer_ref, provider_ref, ended_at)
         SELECT gen_random_uuid(), org_id, id, 'EUR', 1, 'paid', 'tr-2', 'po-2', now() FROM payout_accounts",
    )
    .execute(conn)
    .await
    .expect("payouts");
}

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let long = "repeat('x', 201)";
    // A copy of the account that nothing forbids.
    let account = |changes: &str| {
        let closed = "'status', 'closed', 'provider_ref', null, 'checked_at', null";
        copy("payout_accounts", "true", &format!("{closed}, {changes}"))
    };
    // A copy of a payout that has failed before anything moved, which nothing forbids.
    let payout = |changes: &str| {
        let failed = "'status', 'failed', 'failure', 'no', 'ended_at', now()";
        copy("payouts", "status = 'waiting'", &format!("{failed}, {changes}"))
    };
    let paid = |changes: &str| {
        let other = "'transfer_ref', 'tr-3', 'provider_ref', 'po-3'";
        copy("payouts", "status = 'paid'", &format!("{other}, {changes}"))
    };
    vec![
        ("payout_accounts_provider_known", account("'provider', 'cash'")),
        ("payout_accounts_ref_length", account("'provider_ref', '', 'checked_at', now()")),
        ("payout_accounts_own_ref_length", account("'own_ref', ''")),
        ("payout_accounts_status_known", account("'status', 'lost'")),
        (
            "payout_accounts_requirements_count",
            account("'requirements', (SELECT array_agg('x'::text) FROM generate_series(1, 101))"),
        ),
        ("payout_accounts_failure_length", account(&format!("'failure', {long}"))),
        ("payout_accounts_ref_once", account("'provider_ref', 'acct', 'checked_at', now()")),
        ("payout_accounts_usable_ref", account("'status', 'active'")),
        ("payout_accounts_failed", account("'provider_ref', 'other', 'checked_at', now(), 'failure', 'no'")),
        ("payout_accounts_checked", account("'checked_at', now()")),
        ("payout_accounts_one", account("'status', 'pending'")),
        (
            "payout_accounts_status_moves",
            sql("UPDATE payout_accounts SET status = 'closed'; UPDATE payout_accounts SET status = 'active'"),
        ),
        ("payout_accounts_terms_fixed", sql("UPDATE payout_accounts SET provider_ref = 'other'")),
        ("payouts_amount_positive", payout("'amount_minor', 0")),
        (
            "payouts_status_known",
            payout("'status', 'lost', 'ended_at', null, 'account_id', (SELECT id FROM payout_accounts)"),
        ),
        ("payouts_attempt_positive", payout("'attempt', 0")),
        ("payouts_transfer_once", paid("'transfer_ref', 'tr-2'")),
        ("payouts_transfer_length", paid("'transfer_ref', ''")),
        ("payouts_ref_once", paid("'provider_ref', 'po-2'")),
        ("payouts_ref_length", paid("'provider_ref', ''")),
        ("payouts_failure_length", payout(&format!("'failure', {long}"))),
        ("payouts_of_account", paid("'account_id', gen_random_uuid()")),
        ("payouts_account_known", copy("payouts", "status = 'waiting'", "'status', 'intended', 'currency', 'NOK'")),
        ("payouts_sent_refs", paid("'provider_ref', null")),
        ("payouts_failed_why", payout("'failure', null")),
        ("payouts_failed_before", paid("'status', 'failed', 'failure', 'no'")),
        ("payouts_transferred_to", copy("payouts", "status = 'waiting'", "'currency', 'NOK', 'transfer_ref', 'tr-4'")),
        ("payouts_ended", payout("'ended_at', null")),
        ("payouts_one_open", copy("payouts", "status = 'waiting'", "")),
        ("payouts_status_moves", sql("UPDATE payouts SET status = 'intended', ended_at = null WHERE status = 'paid'")),
        ("payouts_terms_fixed", sql("UPDATE payouts SET amount_minor = 2 WHERE status = 'intended'")),
    ]
}
