//! Imports, what became of their rows, and past sales.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{Breach, copy, many};
use crate::testing::Trader;

/// An import that was applied, with a row of each kind, one that waits, and the file that both have.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader) {
    let script = format!(
        "INSERT INTO uploads (id, org_id, created_by, content_type, size, object_key, expires_at, completed_at)
         VALUES (gen_random_uuid(), '{org}', '{user}', 'text/csv', 5, 'uploads/csv', now(), now());
         INSERT INTO imports (id, org_id, created_by, kind, checksum, upload_id, status, encoding, separator, row_count, applied,
                              refused, finished_at)
         SELECT gen_random_uuid(), org_id, created_by, 'listings', sha256('done'), id, 'done', 'utf8', 'comma', 2, 1, 1, now()
         FROM uploads
         WHERE content_type = 'text/csv';
         INSERT INTO imports (id, org_id, created_by, kind, checksum, upload_id)
         SELECT gen_random_uuid(), org_id, created_by, 'stock', sha256('queued'), id FROM uploads WHERE content_type = 'text/csv';
         INSERT INTO import_rows (import_id, line, outcome, sku, faults)
         SELECT id, 2, 'refused', 'A', '[{{\"reason\": \"so\"}}]' FROM imports WHERE status = 'done';
         INSERT INTO import_rows (import_id, line, outcome, sku, listing_id)
         SELECT i.id, 3, 'applied', 'B', l.id FROM imports AS i, listings AS l WHERE i.status = 'done' LIMIT 1;
         INSERT INTO past_sales (org_id, book, line_id, import_id, order_number, sold_on, category, region, product, quantity, currency,
                                 amount_fine)
         SELECT org_id, 'Shop', '1', id, 'A-1', '2016-11-08', 'Chairs', 'South', 'Chair', 2, 'EUR', 957577500
         FROM imports
         WHERE status = 'done';",
        org = seller.org,
        user = seller.user,
    );
    sqlx::raw_sql(AssertSqlSafe(script)).execute(conn).await.expect("imports");
}

pub(super) fn breaches() -> Vec<Breach> {
    let another = "'checksum', sha256('another')";
    let done = |changes: &str| copy("imports", "status = 'done'", &format!("{another}, {changes}"));
    let queued = |changes: &str| copy("imports", "status = 'queued'", &format!("{another}, {changes}"));
    let row = |changes: &str| copy("import_rows", "outcome = 'refused'", &format!("'line', 9, {changes}"));
    let sale = |changes: &str| copy("past_sales", "true", &format!("'line_id', '2', {changes}"));
    let columns = "org_id, created_by, kind, checksum, job_id";
    let values = "org_id, created_by, kind, sha256(n::text::bytea), (SELECT max(id) FROM jobs)";
    let job =
        "INSERT INTO jobs (state, queue, kind, payload, run_at) VALUES ('scheduled', 'reports', 'test', '{}', now())";
    vec![
        ("imports_kind_known", queued("'kind', 'orders'")),
        ("imports_checksum_length", copy("imports", "status = 'queued'", r"'checksum', '\x00'::bytea")),
        ("imports_of_upload", queued("'upload_id', gen_random_uuid()")),
        ("imports_terms_object", queued("'terms', '[]'::jsonb")),
        ("imports_status_known", queued("'status', 'paused'")),
        ("imports_failure_length", done("'status', 'failed', 'failure', ''")),
        ("imports_encoding_known", queued("'encoding', 'utf16'")),
        ("imports_separator_known", queued("'separator', 'dot'")),
        ("imports_row_count_range", queued("'row_count', 0")),
        ("imports_row_count_range", queued("'row_count', 100001")),
        ("imports_once", copy("imports", "status = 'done'", "")),
        ("imports_failed_has_reason", done("'status', 'failed'")),
        ("imports_failed_has_reason", done("'failure', 'so'")),
        ("imports_finished", done("'finished_at', null")),
        ("imports_finished", queued("'finished_at', now()")),
        ("imports_counted", done("'applied', 0")),
        ("imports_counted", done("'applied', 2")),
        ("imports_counted", queued("'refused', 1")),
        (
            "imports_per_day",
            many(
                "imports",
                "org_id, created_by, kind, checksum",
                "org_id, created_by, kind, sha256(n::text::bytea)",
                200,
            ),
        ),
        ("imports_unfinished", format!("{job}; {}", many("imports", columns, values, 5))),
        ("import_rows_of_import", row("'import_id', gen_random_uuid()")),
        ("import_rows_line_range", row("'line', 1")),
        ("import_rows_outcome_known", row("'outcome', 'lost', 'faults', null")),
        ("import_rows_sku_length", row("'sku', ''")),
        ("import_rows_of_listing", row("'outcome', 'applied', 'faults', null, 'listing_id', gen_random_uuid()")),
        ("import_rows_faults_listed", row("'faults', '{}'::jsonb")),
        ("import_rows_once", copy("import_rows", "outcome = 'refused'", "")),
        ("import_rows_say_why", row("'faults', null")),
        ("import_rows_say_why", row("'outcome', 'applied'")),
        ("import_rows_unlisted", row("'listing_id', (SELECT id FROM listings LIMIT 1)")),
        ("past_sales_once", copy("past_sales", "true", "")),
        ("past_sales_kept", "DELETE FROM past_sales".to_owned()),
        ("past_sales_key_fixed", "UPDATE past_sales SET book = 'Stall'".to_owned()),
        ("past_sales_book_length", sale("'book', ''")),
        ("past_sales_book_length", sale("'book', repeat('x', 101)")),
        ("past_sales_line_id_length", copy("past_sales", "true", "'line_id', ''")),
        ("past_sales_of_import", sale("'import_id', gen_random_uuid()")),
        ("past_sales_order_number_length", sale("'order_number', ''")),
        ("past_sales_day_range", sale("'sold_on', '1899-12-31'")),
        ("past_sales_day_range", sale("'sold_on', '2200-01-01'")),
        ("past_sales_category_length", sale("'category', ''")),
        ("past_sales_region_length", sale("'region', ''")),
        ("past_sales_product_length", sale("'product', ''")),
        ("past_sales_quantity_range", sale("'quantity', 1000000001")),
        ("past_sales_quantity_range", sale("'quantity', -1000000001")),
        ("past_sales_amount_range", sale("'amount_fine', 1000000000000000001")),
        ("past_sales_amount_range", sale("'amount_fine', -1000000000000000001")),
    ]
}
