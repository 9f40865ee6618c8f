//! Exports.

use sqlx::{AssertSqlSafe, PgConnection};

use super::{Breach, copy, many};
use crate::testing::Trader;

/// An export that waits, and somebody's own data that is being collected.
pub(super) async fn fill(conn: &mut PgConnection, seller: Trader) {
    let script = format!(
        "INSERT INTO exports (id, org_id, requested_by, kind, format) VALUES (gen_random_uuid(), '{org}', '{user}', 'bids', 'csv');
         INSERT INTO exports (id, requested_by, kind, format) VALUES (gen_random_uuid(), '{user}', 'own_data', 'zip');",
        org = seller.org,
        user = seller.user,
    );
    sqlx::raw_sql(AssertSqlSafe(script)).execute(conn).await.expect("exports");
}

pub(super) fn breaches() -> Vec<Breach> {
    let bids = |changes: &str| copy("exports", "kind = 'bids'", changes);
    let columns = "org_id, requested_by, kind, format, job_id";
    let values = "(SELECT org_id FROM exports WHERE org_id IS NOT NULL LIMIT 1), requested_by, 'orders', 'csv'";
    let job =
        "INSERT INTO jobs (state, queue, kind, payload, run_at) VALUES ('scheduled', 'reports', 'test', '{}', now())";
    vec![
        ("exports_kind_known", bids("'kind', 'users'")),
        ("exports_format_known", bids("'format', 'xlsx'")),
        ("exports_filters_object", bids("'filters', '[]'::jsonb")),
        ("exports_status_known", bids("'status', 'lost'")),
        ("exports_failure_length", bids("'status', 'failed', 'failure', ''")),
        ("exports_row_count_positive", bids("'row_count', -1")),
        ("exports_own_data_whole", bids("'format', 'zip'")),
        ("exports_own_data_whole", bids("'kind', 'own_data', 'format', 'zip'")),
        ("exports_ready_has_file", bids("'status', 'ready'")),
        ("exports_failed_has_reason", bids("'status', 'failed'")),
        ("exports_own_data_once", copy("exports", "kind = 'own_data'", "'job_id', null")),
        ("exports_per_day", many("exports", columns, &format!("{values}, NULL::bigint"), 100)),
        (
            "exports_unfinished",
            format!("{job}; {}", many("exports", columns, &format!("{values}, (SELECT max(id) FROM jobs)"), 10)),
        ),
    ]
}
