//! Invoices and credit notes; the orders that were paid have them. And proofs of exports.

use std::time::Duration;

use chrono::Datelike;
use sqlx::{Connection, PgConnection};

use super::{Breach, copy};
use crate::chat::model::PDF;
use crate::images::store::insert_upload;
use crate::invoices::model::NewProof;
use crate::invoices::rules::proof::{Days, judge};
use crate::invoices::store::{hand_in, tax_unproved};
use crate::listings::model::SaleMode;
use crate::testing::{database_time, eur, listing, pay, placed, trader};

/// An export that waits for its proof, one that is proved, and one that is taxed.
pub(super) async fn fill(conn: &mut PgConnection) {
    let (seller, buyer) = (trader(conn).await, trader(conn).await);
    for (org, country) in [(seller.org, "DE"), (buyer.org, "CH")] {
        let sql = "UPDATE orgs SET country = $2 WHERE id = $1";
        sqlx::query(sql).bind(org).bind(country).execute(&mut *conn).await.expect("placed");
    }
    let goods = listing(conn, seller, SaleMode::Fixed, 9).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        let (checkout, order) = placed(conn, buyer, goods, eur(10_000)).await;
        pay(conn, buyer, checkout).await;
        orders.push(order);
    }
    let today = database_time(conn).await.date_naive();
    let upload =
        insert_upload(conn, seller.org, seller.user, PDF, 5, Duration::from_mins(15)).await.expect("announced").id;
    let number = format!("{:02}DE586600006143E", today.year() % 100);
    let days = Days { ordered_on: today, today };
    let right = |digit: &u32| judge(&format!("{number}{digit}"), today, days).is_ok();
    let mrn = format!("{number}{}", (0..10).find(right).expect("a digit"));
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("set");
    let sql = "UPDATE export_proofs SET due_at = due_at - interval '31 days' WHERE order_id = $1";
    sqlx::query(sql).bind(orders[2]).execute(&mut *tx).await.expect("aged");
    tx.commit().await.expect("committed");
    let mut tx = conn.begin().await.expect("a transaction");
    let new = NewProof { mrn, left_on: today, upload };
    hand_in(&mut tx, seller.org, seller.user, orders[1], &new).await.expect("proved");
    tax_unproved(&mut tx, orders[2]).await.expect("read").expect("taxed");
    tx.commit().await.expect("committed");
}

/// Of proofs of exports, and of invoices that take each other's place.
fn of_exports() -> Vec<Breach> {
    let sql = str::to_owned;
    let awaited = |changes: &str| copy("export_proofs", "mrn IS NULL AND taxed_at IS NULL", changes);
    let proved = |changes: &str| format!("UPDATE export_proofs SET {changes} WHERE mrn IS NOT NULL");
    let waiting = |changes: &str| format!("UPDATE export_proofs SET {changes} WHERE mrn IS NULL AND taxed_at IS NULL");
    vec![
        ("invoices_replaced_once", copy("invoices", "replaces IS NOT NULL", "")),
        ("invoices_replace", copy("invoices", "replaces IS NOT NULL", "'replaces', gen_random_uuid()")),
        (
            "invoices_replaced_by_invoice",
            format!("{REFUND}; {}", copy("invoices", "refund_id IS NOT NULL", &format!("'refund_id', {FREE}, 'replaces', t.refers_to"))),
        ),
        ("invoices_taken_back_once", copy("invoices", "kind = 'credit_note' AND refund_id IS NULL", "")),
        ("invoices_replaced_whole", copy("invoices", "refund_id IS NOT NULL", "'refund_id', null")),
        ("export_proofs_once", awaited("")),
        ("export_proofs_of_order", awaited("'order_id', gen_random_uuid()")),
        ("export_proofs_begin_awaited", awaited("'taxed_at', now()")),
        ("export_proofs_mrn_form", proved("mrn = '26DE'")),
        (
            "export_proofs_once_per_upload",
            waiting(
                "(mrn, left_on, upload_id, handed_in_by, handed_in_at)
                 = (SELECT mrn, left_on, upload_id, handed_in_by, handed_in_at FROM export_proofs WHERE mrn IS NOT NULL)",
            ),
        ),
        ("export_proofs_of_upload", proved("upload_id = gen_random_uuid()")),
        ("export_proofs_whole", proved("left_on = NULL")),
        ("export_proofs_taxed_late", waiting("taxed_at = due_at - interval '1 day'")),
        ("export_proofs_fixed", sql("UPDATE export_proofs SET due_at = due_at + interval '1 day'")),
    ]
}

/// An order without an invoice.
const OTHER: &str = "(SELECT id FROM orders WHERE id NOT IN (SELECT order_id FROM invoices) LIMIT 1)";

/// A refund without a credit note.
const REFUND: &str = "INSERT INTO refunds (id, payment_id, cause, amount_minor)
                      SELECT gen_random_uuid(), payment_id, 'late', 1 FROM escrows LIMIT 1";
const FREE: &str = "(SELECT id FROM refunds WHERE cause = 'late')";

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let invoice = |changes: &str| copy("invoices", "kind = 'invoice'", &format!("'order_id', {OTHER}, {changes}"));
    let credit = |changes: &str| {
        let copied = copy("invoices", "kind = 'credit_note'", &format!("'refund_id', {FREE}, {changes}"));
        format!("{REFUND}; {copied}")
    };
    let line = |changes: &str| copy("invoice_lines", "true", &format!("'line_no', 99, {changes}"));
    let tax = |changes: &str| copy("invoice_taxes", "true", &format!("'rate_bps', 99, {changes}"));
    let series = |year: i32, kind: &str, last: i64| {
        format!(
            "INSERT INTO invoice_series (seller_org_id, year, kind, last)
             SELECT seller_org_id, {year}, '{kind}', {last} FROM invoices LIMIT 1"
        )
    };
    let past = |year: i32, kind: &str, last: i64| {
        format!("ALTER TABLE invoice_series DISABLE TRIGGER invoice_series_begins; {}", series(year, kind, last))
    };
    // Of an invoice without one.
    let file = |columns: &str, values: &str| {
        format!(
            "INSERT INTO invoice_files (invoice_id, object_key, bytes, sha256{columns})
             SELECT {values} FROM invoices WHERE id NOT IN (SELECT invoice_id FROM invoice_files) LIMIT 1"
        )
    };
    let (key, hash) = ("'invoices/' || id || '.pdf'", "sha256('')");
    let printed = file("", &format!("id, {key}, 1, {hash}"));
    let of_invoices = vec![
        ("invoice_files_once", format!("{printed}; INSERT INTO invoice_files SELECT * FROM invoice_files")),
        (
            "invoice_files_of_invoice",
            format!(
                "INSERT INTO invoice_files (invoice_id, object_key, bytes, sha256)
                 SELECT id, {key}, 1, {hash} FROM (SELECT gen_random_uuid() AS id) AS nobody"
            ),
        ),
        ("invoice_files_key_of_invoice", file("", &format!("id, 'invoices/mine.pdf', 1, {hash}"))),
        ("invoice_files_bytes_positive", file("", &format!("id, {key}, 0, {hash}"))),
        ("invoice_files_sha256_length", file("", &format!("id, {key}, 1, 'short'"))),
        ("invoice_files_lacks_length", file(", lacks", &format!("id, {key}, 1, {hash}, ''"))),
        ("invoice_files_append_only", format!("{printed}; UPDATE invoice_files SET bytes = 2")),
        ("countries_currency_known", sql("UPDATE countries SET currency = 'XXX' WHERE code = 'DE'")),
        ("invoice_series_year_range", past(1999, "invoice", 1)),
        ("invoice_series_kind_known", past(2001, "letter", 1)),
        ("invoice_series_last_positive", past(2001, "invoice", 0)),
        ("invoice_series_begins", series(2001, "invoice", 1)),
        ("invoice_series_by_one", sql("UPDATE invoice_series SET last = last + 1")),
        ("invoice_series_kept", sql("DELETE FROM invoice_series")),
        (
            "invoices_kind_known",
            sql("ALTER TABLE invoices DISABLE TRIGGER invoices_numbered; ") + &invoice("'kind', 'letter'"),
        ),
        ("invoices_of_order", invoice("'order_id', gen_random_uuid()")),
        ("invoices_of_refund", credit("'refund_id', gen_random_uuid()")),
        ("invoices_one_per_refund", copy("invoices", "kind = 'credit_note'", "")),
        ("invoices_net_not_negative", invoice("'net_minor', -1, 'tax_minor', 2, 'gross_minor', 1")),
        ("invoices_tax_not_negative", invoice("'tax_minor', -1, 'net_minor', 2, 'gross_minor', 1")),
        ("invoices_gross_positive", invoice("'net_minor', 0, 'tax_minor', 0, 'gross_minor', 0")),
        ("invoices_vat_treatment_known", invoice("'vat_treatment', 'mood'")),
        ("invoices_vat_note_length", invoice("'vat_treatment', 'export', 'vat_note', ''")),
        ("invoices_of_known_rates", invoice("'fx_snapshot_id', 0")),
        (
            "invoices_number_once",
            sql("ALTER TABLE invoices DISABLE TRIGGER invoices_numbered") + ";" + &invoice("'number', t.number"),
        ),
        ("invoices_refer", credit("'refers_to', gen_random_uuid()")),
        ("invoices_add_up", invoice("'gross_minor', t.gross_minor + 1")),
        ("invoices_credit_refers", invoice("'refers_to', t.id")),
        ("invoices_vat_noted", invoice("'vat_note', 'so'")),
        ("invoices_accounting", invoice("'accounting_currency', 'EUR', 'accounting_tax_minor', null")),
        ("invoices_one_per_order", copy("invoices", "kind = 'invoice'", "")),
        ("invoices_sum_of_lines", invoice("'none', 1")),
        (
            "invoices_credited_within",
            credit("'net_minor', 1000000, 'tax_minor', 0, 'gross_minor', 1000000")
                + &format!(
                    "; INSERT INTO invoice_lines (invoice_id, line_no, part, title, quantity, unit, net_minor)
                       SELECT id, 1, 'goods', 'a', 1, 'piece', net_minor FROM invoices WHERE refund_id = {FREE};
                       INSERT INTO invoice_taxes (invoice_id, rate_bps, net_minor, tax_minor)
                       SELECT id, 0, net_minor, 0 FROM invoices WHERE refund_id = {FREE}"
                ),
        ),
        ("invoices_append_only", sql("UPDATE invoices SET net_minor = net_minor")),
        ("invoice_lines_of_invoice", line("'invoice_id', gen_random_uuid()")),
        ("invoice_lines_number_positive", line("'line_no', 0")),
        ("invoice_lines_part_known", line("'part', 'mood'")),
        ("invoice_lines_quantity_positive", line("'quantity', 0")),
        ("invoice_lines_net_positive", line("'net_minor', 0")),
        ("invoice_lines_once", copy("invoice_lines", "true", "")),
        ("invoice_lines_append_only", sql("DELETE FROM invoice_lines")),
        ("invoice_lines_in_sum", line("'none', 1")),
        ("invoice_taxes_of_invoice", tax("'invoice_id', gen_random_uuid()")),
        ("invoice_taxes_rate_range", tax("'rate_bps', 10001")),
        ("invoice_taxes_net_not_negative", tax("'net_minor', -1, 'tax_minor', 1")),
        ("invoice_taxes_tax_not_negative", tax("'tax_minor', -1")),
        ("invoice_taxes_of_something", tax("'net_minor', 0, 'tax_minor', 0")),
        ("invoice_taxes_by_rate", tax("'rate_bps', 0, 'tax_minor', 1")),
        ("invoice_taxes_once", copy("invoice_taxes", "true", "")),
        ("invoice_taxes_append_only", sql("DELETE FROM invoice_taxes")),
        ("invoice_taxes_in_sum", tax("'tax_minor', 1")),
    ];
    [of_invoices, of_exports()].concat()
}
