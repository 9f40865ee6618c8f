//! Rates, tariffs, and the money ledger.

use super::Breach;

/// Two accounts of the platform and one of the oldest organisation, with nothing on them.
const ACCOUNTS: &str =
    "INSERT INTO money_accounts (org_id, kind, currency) VALUES (NULL, 'cash', 'SEK'), (NULL, 'tax', 'SEK');
     INSERT INTO money_accounts (org_id, kind, currency, balance_minor)
     SELECT id, 'held', 'SEK', 0 FROM orgs ORDER BY id LIMIT 1";

/// A transfer that has declared so many entries, and the entries: the account's kind and the amount.
fn transfer(reference: &str, declared: usize, entries: &[(&str, i64)]) -> String {
    let mut script =
        format!("INSERT INTO money_transfers (kind, reference, entries) VALUES ('capture', '{reference}', {declared})");
    for (number, (kind, amount)) in (1..).zip(entries) {
        script.push_str(&entry(reference, number, declared, kind, *amount));
    }
    script
}

fn entry(reference: &str, number: i32, declared: usize, kind: &str, amount: i64) -> String {
    format!(
        "; INSERT INTO money_entries (transfer_id, entry_no, entries, account_id, currency, amount_minor)
           SELECT t.id, {number}, {declared}, a.id, a.currency, {amount}
           FROM money_transfers AS t, money_accounts AS a
           WHERE t.reference = '{reference}' AND a.kind = '{kind}' AND a.currency = 'SEK'"
    )
}

/// Accounts, a transfer of 100 to the organisation that stands as if it had been committed, and then the rest.
fn booked(rest: &str) -> String {
    let capture = transfer("pay-1", 2, &[("cash", -100), ("held", 100)]);
    format!("{ACCOUNTS}; {capture}; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; {rest}")
}

fn snapshot(rates: usize, inserted: &[(usize, &str, &str)]) -> String {
    let mut script = format!(
        "INSERT INTO fx_snapshots (source, day, rates, checksum)
         VALUES ('test', '2026-01-05', {rates}, sha256('a'))"
    );
    for (number, currency, per_euro) in inserted {
        script.push_str(&rate(*number, rates, currency, per_euro));
    }
    script
}

fn rate(number: usize, rates: usize, currency: &str, per_euro: &str) -> String {
    format!(
        "; INSERT INTO fx_rates (snapshot_id, rate_no, rates, currency, per_euro)
           SELECT id, {number}, {rates}, '{currency}', {per_euro} FROM fx_snapshots WHERE source = 'test'"
    )
}

pub(super) fn breaches() -> Vec<Breach> {
    [rates(), tariffs(), accounts(), debts(), transfers()].concat()
}

/// An organisation that is owed what only organisations owe.
fn debts() -> Vec<Breach> {
    let account = "INSERT INTO money_accounts (org_id, kind, currency, balance_minor)
                   SELECT id, 'debt', 'SEK', 0 FROM orgs ORDER BY id LIMIT 1";
    let transfer = transfer("debt-1", 2, &[("cash", -100), ("debt", 100)]);
    vec![("money_accounts_debt_not_above_zero", format!("{ACCOUNTS}; {account}; {transfer}"))]
}

fn rates() -> Vec<Breach> {
    let dollar = || snapshot(1, &[(1, "USD", "1.1")]);
    let settled =
        |rest: &str| format!("{}; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; {rest}", dollar());
    let bare = |columns: &str, values: &str| {
        format!("INSERT INTO fx_snapshots (source, day, rates, checksum{columns}) VALUES ({values})")
    };
    vec![
        ("fx_snapshots_source_form", bare("", "'A bank', '2026-01-05', 1, sha256('a')")),
        ("fx_snapshots_rates_range", bare("", "'test', '2026-01-05', 0, sha256('a')")),
        ("fx_snapshots_checksum_length", bare("", "'test', '2026-01-05', 1, 'a'")),
        ("fx_snapshots_once", format!("{}; {}", dollar(), dollar())),
        ("fx_snapshots_complete", snapshot(1, &[])),
        ("fx_snapshots_complete", snapshot(2, &[(1, "USD", "1.1")])),
        ("fx_snapshots_append_only", "UPDATE fx_snapshots SET day = day".to_owned()),
        ("fx_snapshots_append_only", "DELETE FROM fx_snapshots".to_owned()),
        ("fx_rates_append_only", "UPDATE fx_rates SET per_euro = per_euro".to_owned()),
        ("fx_rates_append_only", "TRUNCATE fx_rates".to_owned()),
        ("fx_rates_positive", snapshot(1, &[(1, "USD", "0")])),
        ("fx_rates_positive", snapshot(1, &[(1, "USD", "'NaN'")])),
        ("fx_rates_not_of_the_euro", snapshot(1, &[(1, "EUR", "1")])),
        ("fx_rates_pkey", snapshot(2, &[(1, "USD", "1.1"), (2, "USD", "1.2")])),
        // A rate that is added to a snapshot of another transaction, in the three ways that could be tried.
        ("fx_rates_number_once", settled(rate(1, 1, "CHF", "0.9").trim_start_matches(';'))),
        ("fx_rates_number_range", settled(rate(2, 1, "CHF", "0.9").trim_start_matches(';'))),
        ("fx_rates_of_snapshot", settled(rate(2, 2, "CHF", "0.9").trim_start_matches(';'))),
    ]
}

fn tariffs() -> Vec<Breach> {
    let commission = |plan: &str, revision: i32, bps: i32| {
        format!("INSERT INTO commission_rates (plan, revision, fee_bps) VALUES ('{plan}', {revision}, {bps})")
    };
    let premium = |revision: i32, upto: &str, bps: &str, least: i64| {
        format!(
            "INSERT INTO premium_tariffs (currency, revision, upto, bps, least_minor)
             VALUES ('EUR', {revision}, '{upto}', '{bps}', {least})"
        )
    };
    let unusable = [
        ("{}", "{}"),
        ("{1000}", "{500}"),
        ("{1000, 1000}", "{3, 2, 1}"),
        ("{2000, 1000}", "{3, 2, 1}"),
        ("{0}", "{2, 1}"),
        ("{NULL}", "{2, 1}"),
        ("{1000, NULL}", "{3, 2, 1}"),
        ("{}", "{10001}"),
        ("{}", "{-1}"),
        ("{1000}", "{500, NULL}"),
        ("{{1000}}", "{2, 1}"),
        ("{1000}", "{{2, 1}}"),
        ("[0:0]={1000}", "{2, 1}"),
        ("{1000}", "[0:1]={2, 1}"),
    ];
    let vat = |country: &str, kind: &str, bps: i32| {
        format!(
            "INSERT INTO vat_rates (country, kind, valid_from, bps) VALUES ('{country}', '{kind}', '2026-01-01', {bps})"
        )
    };
    let mut breaches = vec![
        ("countries_code_form", "INSERT INTO countries (code, eu) VALUES ('de', true)".to_owned()),
        ("commission_rates_plan_known", commission("gold", 1, 500)),
        ("commission_rates_revision_positive", commission("standard", 0, 500)),
        ("commission_rates_range", commission("standard", 1, 10_001)),
        ("commission_rates_revision", format!("{0}; {0}", commission("standard", 1, 500))),
        ("commission_rates_append_only", "UPDATE commission_rates SET fee_bps = 0".to_owned()),
        ("premium_tariffs_revision_positive", premium(0, "{}", "{1}", 0)),
        ("premium_tariffs_least_range", premium(1, "{}", "{1}", -1)),
        ("premium_tariffs_revision", format!("{0}; {0}", premium(1, "{}", "{1}", 0))),
        ("premium_tariffs_append_only", "DELETE FROM premium_tariffs".to_owned()),
        ("vat_rates_country_known", vat("ZZ", "standard", 1900)),
        ("vat_rates_kind_known", vat("DE", "none", 1900)),
        ("vat_rates_range", vat("DE", "standard", -1)),
        ("vat_rates_append_only", "UPDATE vat_rates SET bps = 0".to_owned()),
    ];
    breaches.extend(unusable.map(|(upto, bps)| ("premium_tariffs_usable", premium(1, upto, bps, 0))));
    breaches
}

fn accounts() -> Vec<Breach> {
    let by_hand = |change: &str| booked(&format!("UPDATE money_accounts SET {change} WHERE kind = 'held'"));
    let account = |org: &str, kind: &str, balance: &str| {
        format!(
            "INSERT INTO money_accounts (org_id, kind, currency, balance_minor)
             SELECT {org}, '{kind}', 'SEK', {balance} FROM orgs ORDER BY id LIMIT 1"
        )
    };
    vec![
        ("money_accounts_once", format!("{0}; {0}", account("NULL", "cash", "NULL"))),
        ("money_accounts_once", format!("{0}; {0}", account("id", "held", "0"))),
        ("money_accounts_kind_known", account("NULL", "held", "NULL")),
        ("money_accounts_kind_known", account("id", "cash", "0")),
        ("money_accounts_counted", account("NULL", "cash", "0")),
        ("money_accounts_counted", account("id", "held", "NULL")),
        ("money_accounts_begin_empty", account("id", "held", "5")),
        ("money_accounts_not_below_zero", booked(&transfer("pay-2", 2, &[("held", -101), ("cash", 101)]))),
        ("money_accounts_by_entries", by_hand("balance_minor = balance_minor + 1")),
        ("money_accounts_by_entries", by_hand("kind = 'payable'")),
        ("money_accounts_by_entries", by_hand("currency = 'USD'")),
        ("money_accounts_by_entries", by_hand("org_id = (SELECT id FROM orgs ORDER BY id DESC LIMIT 1)")),
        ("money_accounts_kept", booked("DELETE FROM money_accounts WHERE kind = 'tax'")),
        ("money_accounts_kept", booked("TRUNCATE money_accounts CASCADE")),
    ]
}

fn transfers() -> Vec<Breach> {
    let bare = |columns: &str, values: &str| {
        booked(&format!("INSERT INTO money_transfers (kind, reference, entries{columns}) VALUES ({values})"))
    };
    let added =
        |number: i32, declared: usize| booked(entry("pay-1", number, declared, "tax", 5).trim_start_matches(';'));
    let amount = |amounts: [i64; 2]| booked(&transfer("pay-2", 2, &[("cash", amounts[0]), ("held", amounts[1])]));
    let correction = "INSERT INTO money_transfers (kind, reference, entries, reverses)
                      SELECT 'correction', 'c' || n, 2, min(id) FROM money_transfers, generate_series(1, 2) AS n GROUP BY n";
    vec![
        ("money_transfers_kind_known", bare("", "'gift', 'a', 2")),
        ("money_transfers_reference_length", bare("", "'payout', '', 2")),
        ("money_transfers_entries_range", bare("", "'payout', 'a', 1")),
        ("money_transfers_of_known_order", bare(", order_id", "'payout', 'a', 2, gen_random_uuid()")),
        ("money_transfers_reverses_known", bare(", reverses", "'correction', 'a', 2, -1")),
        ("money_transfers_once", booked(&transfer("pay-1", 2, &[]))),
        ("money_transfers_reversed_once", booked(correction)),
        ("money_transfers_correct", bare("", "'correction', 'a', 2")),
        (
            "money_transfers_correct",
            booked(
                "INSERT INTO money_transfers (kind, reference, entries, reverses)
                 SELECT 'payout', 'a', 2, id FROM money_transfers",
            ),
        ),
        ("money_transfers_complete", booked(&transfer("pay-2", 2, &[]))),
        ("money_transfers_complete", booked(&transfer("pay-2", 3, &[("cash", -5), ("held", 5)]))),
        ("money_transfers_sum_to_zero", amount([-5, 6])),
        ("money_transfers_append_only", booked("UPDATE money_transfers SET reference = 'b'")),
        ("money_transfers_append_only", booked("DELETE FROM money_transfers")),
        ("money_entries_amount_not_zero", amount([0, 5])),
        ("money_entries_account_once", booked(&transfer("pay-2", 2, &[("cash", -5), ("cash", 5)]))),
        ("money_entries_append_only", booked("UPDATE money_entries SET amount_minor = 1")),
        ("money_entries_append_only", booked("TRUNCATE money_entries")),
        (
            "money_entries_of_account",
            booked(
                "INSERT INTO money_transfers (kind, reference, entries) VALUES ('payout', 'a', 2);
                 INSERT INTO money_entries (transfer_id, entry_no, entries, account_id, currency, amount_minor)
                 SELECT t.id, 1, 2, a.id, 'USD', 5
                 FROM money_transfers AS t, money_accounts AS a
                 WHERE t.reference = 'a' AND a.kind = 'held' AND a.currency = 'SEK'",
            ),
        ),
        // An entry that is added to a finished transfer, in the three ways that could be tried.
        ("money_entries_pkey", added(1, 2)),
        ("money_entries_number_range", added(3, 2)),
        ("money_entries_of_transfer", added(3, 4)),
    ]
}
