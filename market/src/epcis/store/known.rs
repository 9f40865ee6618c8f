//! Which EPCs and which steps an organisation has events of.
//!
//! Each value is one step along an index, however many events have it: a page of thirty values takes as many look-ups.

use shared::ids::OrgId;
use sqlx::PgConnection;

/// What only names a class is passed over.
pub(super) const EPCS: &str = "
WITH RECURSIVE known AS (
    (
        SELECT epc
        FROM cargo_epcis_epcs
        WHERE org = $1
            AND epc > $2
        ORDER BY epc
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT next.epc
        FROM cargo_epcis_epcs AS next
        WHERE next.org = $1
            AND next.epc > known.epc
        ORDER BY next.epc
        LIMIT 1
    )
    FROM known
    WHERE known.epc IS NOT NULL
)
SELECT epc
FROM known
WHERE EXISTS (
    SELECT
    FROM cargo_epcis_epcs AS within
    WHERE within.org = $1
        AND within.epc = known.epc
        AND within.role IN ('epc', 'parent', 'input', 'output')
)
LIMIT $3
";

pub(super) const BIZ_STEPS: &str = "
WITH RECURSIVE known AS (
    (
        SELECT biz_step
        FROM cargo_epcis_events
        WHERE org = $1
            AND biz_step > $2
        ORDER BY biz_step
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT next.biz_step
        FROM cargo_epcis_events AS next
        WHERE next.org = $1
            AND next.biz_step > known.biz_step
        ORDER BY next.biz_step
        LIMIT 1
    )
    FROM known
    WHERE known.biz_step IS NOT NULL
)
SELECT biz_step
FROM known
WHERE biz_step IS NOT NULL
LIMIT $3
";

/// Up to `limit` EPCs that an organisation has events of, in their canonical form and order, after `after`; no classes of them.
pub async fn epcs(conn: &mut PgConnection, org: OrgId, after: &str, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    known(conn, EPCS, org, after, limit).await
}

/// Up to `limit` steps that an organisation has events of, in the order of their names, after `after`.
pub async fn biz_steps(
    conn: &mut PgConnection,
    org: OrgId,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    known(conn, BIZ_STEPS, org, after, limit).await
}

async fn known(
    conn: &mut PgConnection,
    statement: &'static str,
    org: OrgId,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(statement).bind(org.0).bind(after).bind(limit).fetch_all(conn).await
}
