//! The rows of a sales report.

use futures::stream::{BoxStream, StreamExt as _};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::ReportError;
use crate::ids::OrderId;
use crate::reports::model::SalesRow;
use crate::reports::rules::Period;

/// How many rows a sales report will have.
pub async fn count_sales(conn: &mut PgConnection, org: OrgId, period: &Period) -> Result<i64, ReportError> {
    let count = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM orders
        WHERE seller_org_id = $1
          AND created_at >= $2
          AND created_at < $3
          AND status NOT IN ('expired', 'cancelled', 'refunded')
        "#,
        org.0,
        period.starts_at(),
        period.ends_at(),
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// The sales of a period in the order in which they were made, as a stream: the server sends as
/// fast as the caller reads.
///
/// Orders that came to nothing (expired, cancelled, refunded) are not sales.
pub fn sales<'c>(
    conn: &'c mut PgConnection,
    org: OrgId,
    period: &Period,
) -> BoxStream<'c, Result<SalesRow, ReportError>> {
    sqlx::query!(
        r#"
        SELECT
            o.id, o.created_at, o.source, b.legal_name, l.items, l.quantity, o.total_minor, o.fee_minor, o.net_minor,
            o.currency, o.status
        FROM orders AS o
        JOIN orgs AS b ON b.id = o.buyer_org_id
        CROSS JOIN LATERAL (
            SELECT left(string_agg(title, '; ' ORDER BY line_no), 1000) AS items, sum(quantity)::bigint AS quantity
            FROM order_lines
            WHERE order_id = o.id
        ) AS l
        WHERE o.seller_org_id = $1
          AND o.created_at >= $2
          AND o.created_at < $3
          AND o.status NOT IN ('expired', 'cancelled', 'refunded')
        ORDER BY o.created_at, o.id
        "#,
        org.0,
        period.starts_at(),
        period.ends_at(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let currency: Currency = row.currency.parse()?;
        Ok(SalesRow {
            order: OrderId(row.id),
            sold_at: row.created_at,
            source: row.source,
            buyer: row.legal_name,
            items: row.items.unwrap_or_default(),
            quantity: row.quantity.unwrap_or_default(),
            total: Money::from_minor(row.total_minor, currency),
            fee: Money::from_minor(row.fee_minor, currency),
            net: Money::from_minor(row.net_minor, currency),
            status: row.status,
        })
    })
    .boxed()
}
