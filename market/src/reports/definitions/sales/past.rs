//! Orders of an organisation's books of past sales, in their places among those that it received here.

use futures::stream::StreamExt as _;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use crate::reports::definitions::{Rows, fine};
use crate::reports::model::Scope;
use crate::reports::store::ReportError;
use crate::reports::table::Cell;

/// Whether there are any in the period.
pub(super) async fn any(conn: &mut PgConnection, scope: &Scope) -> Result<bool, ReportError> {
    let any = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT FROM past_sales
            WHERE org_id = $1
              AND sold_on BETWEEN $2 AND $3
              AND ($4::text IS NULL OR currency = $4)
        ) AS "any!"
        "#,
        scope.org.0,
        scope.period.first_day(),
        scope.period.last_day(),
        scope.parameters.currency.map(Currency::code),
    )
    .fetch_one(conn)
    .await?;
    Ok(any)
}

/// The orders of the market and those of the books, by time. An order of a book has no id, no buyer, no fee and no net amount here; its
/// number stands before its products, and it was sold when its day began. A book may have any number of lines of one order: no more of
/// them are put together than fill the cell, at three characters each.
pub(super) fn orders<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            id AS "id?", sold_at AS "sold_at!", source AS "source!", buyer AS "buyer?", items AS "items!", quantity AS "quantity!",
            total AS "total!", fee_minor AS "fee_minor?", net_minor AS "net_minor?", currency AS "currency!: Currency",
            status AS "status!"
        FROM (
            SELECT
                o.id, o.created_at AS sold_at, o.source, b.legal_name AS buyer, coalesce(l.items, '') AS items, l.quantity,
                (o.total_minor::numeric * 10000)::text AS total, o.fee_minor, o.net_minor, o.currency, o.status
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
              AND ($4::text IS NULL OR o.currency = $4)
              AND o.status NOT IN ('expired', 'cancelled', 'refunded')
            UNION ALL
            SELECT
                NULL, sold_on::timestamp AT TIME ZONE $5::text, 'past_sale', NULL,
                left(concat_ws(': ', order_number, string_agg(product, '; ' ORDER BY line_id) FILTER (WHERE place <= 334)), 1000),
                sum(quantity)::bigint, sum(amount_fine)::text, NULL, NULL, currency, 'past_sale'
            FROM (
                SELECT
                    *,
                    row_number() OVER (
                        PARTITION BY book, order_number, sold_on, currency ORDER BY product IS NULL, line_id
                    ) AS place
                FROM past_sales
                WHERE org_id = $1
                  AND sold_on BETWEEN $6 AND $7
                  AND ($4::text IS NULL OR currency = $4)
            ) AS line
            GROUP BY book, order_number, sold_on, currency
        ) AS sold
        ORDER BY sold_at, id, items
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.parameters.currency.map(Currency::code),
        scope.period.zone().name(),
        scope.period.first_day(),
        scope.period.last_day(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let money = |minor| Cell::Money(Money::from_minor(minor, row.currency));
        Ok(vec![
            Cell::Time(row.sold_at),
            Cell::of(row.id, Cell::Id),
            Cell::Text(row.source),
            Cell::of(row.buyer, Cell::Text),
            Cell::Text(row.items),
            Cell::Integer(row.quantity),
            Cell::amount(fine(&row.total, row.currency)?)?,
            Cell::of(row.fee_minor, money),
            Cell::of(row.net_minor, money),
            Cell::Currency(row.currency),
            Cell::Text(row.status),
        ])
    })
    .boxed()
}
