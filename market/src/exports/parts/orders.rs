//! Orders of an organisation, of both sides, or of everybody.

use sqlx::PgConnection;

use super::{Column, Line, Lines, Part, Row};
use crate::exports::model::Scope;

pub(super) const PART: Part = Part {
    name: "orders",
    about: "What was bought and sold.",
    columns: &[
        Column::new("id", "The order."),
        Column::new("created_at", "When it was made."),
        Column::new(
            "side",
            "Whether the organisation is the buyer or the seller; nothing in an export of everybody's orders.",
        ),
        Column::new("source", "Which way of selling made it."),
        Column::new("status", "Where it is in its life."),
        Column::new("buyer_org", "The organisation that buys."),
        Column::new("buyer", "The name that it trades under."),
        Column::new("seller_org", "The organisation that sells."),
        Column::new("seller", "The name that it trades under."),
        Column::new("lines", "How many lines it has."),
        Column::new("titles", "What they are about, with semicolons between them."),
        Column::amount("total", "The sum of the lines, without premium and tax."),
        Column::amount("premium", "The buyer's premium."),
        Column::amount("tax", "The value added tax, as agreed."),
        Column::amount("payable", "What the buyer pays."),
        Column::amount(
            "included_tax",
            "The value added tax in what was paid, while an export is taxed because nobody has proved it.",
        ),
        Column::amount("fee", "What the platform keeps; nothing where the organisation is the buyer."),
        Column::amount("net", "What the seller gets; nothing where the organisation is the buyer."),
        Column::CURRENCY,
        Column::new("pay_by", "Until when it is to be paid."),
    ],
    covers: &[],
    read,
};

/// Each side by its own index, and everybody's by the order's own.
fn read<'c>(conn: &'c mut PgConnection, scope: &'c Scope, after: Option<&'c str>, limit: i64) -> Lines<'c> {
    Box::pin(
        sqlx::query_as!(
            Line,
            r#"
            SELECT page.id::text AS "key!", to_jsonb(page) AS "row!: Row"
            FROM (
                SELECT
                    o.id, o.created_at, mine.side, o.source, o.status, o.buyer_org_id AS buyer_org, buyer.legal_name AS buyer,
                    o.seller_org_id AS seller_org, seller.legal_name AS seller, lines.count AS lines, lines.titles,
                    o.total_minor AS total, o.premium_minor AS premium, o.tax_minor AS tax, o.payable_minor AS payable,
                    (SELECT tax_minor
                     FROM included_taxes
                     WHERE order_id = o.id
                       AND o.vat_treatment = 'export') AS included_tax,
                    CASE WHEN mine.side IS DISTINCT FROM 'buyer' THEN o.fee_minor END AS fee,
                    CASE WHEN mine.side IS DISTINCT FROM 'buyer' THEN o.net_minor END AS net,
                    o.currency, o.pay_by
                FROM (
                    (SELECT id, 'buyer' AS side
                     FROM orders
                     WHERE buyer_org_id = $1
                       AND id > coalesce($2::text::uuid, '00000000-0000-0000-0000-000000000000')
                       AND ($4::timestamptz IS NULL OR created_at >= $4)
                       AND created_at < $5
                       AND ($6::text IS NULL OR status = $6)
                     ORDER BY id
                     LIMIT $3)
                    UNION ALL
                    (SELECT id, 'seller'
                     FROM orders
                     WHERE seller_org_id = $1
                       AND id > coalesce($2::text::uuid, '00000000-0000-0000-0000-000000000000')
                       AND ($4::timestamptz IS NULL OR created_at >= $4)
                       AND created_at < $5
                       AND ($6::text IS NULL OR status = $6)
                     ORDER BY id
                     LIMIT $3)
                    UNION ALL
                    (SELECT id, NULL
                     FROM orders
                     WHERE $1::uuid IS NULL
                       AND id > coalesce($2::text::uuid, '00000000-0000-0000-0000-000000000000')
                       AND ($4::timestamptz IS NULL OR created_at >= $4)
                       AND created_at < $5
                       AND ($6::text IS NULL OR status = $6)
                     ORDER BY id
                     LIMIT $3)
                    ORDER BY id
                    LIMIT $3
                ) AS mine
                JOIN orders AS o ON o.id = mine.id
                JOIN orgs AS buyer ON buyer.id = o.buyer_org_id
                JOIN orgs AS seller ON seller.id = o.seller_org_id
                CROSS JOIN LATERAL (
                    SELECT count(*), string_agg(title, '; ' ORDER BY line_no) AS titles
                    FROM order_lines
                    WHERE order_id = o.id
                ) AS lines
            ) AS page
            ORDER BY page.id
            "#,
            scope.org.map(|org| org.0),
            after,
            limit,
            scope.from,
            scope.to,
            scope.status,
        )
        .fetch_all(conn),
    )
}
