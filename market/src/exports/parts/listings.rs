//! Listings of an organisation, or of everybody.

use sqlx::PgConnection;

use super::{Column, Line, Lines, Part, Row};
use crate::exports::model::Scope;

pub(super) const PART: Part = Part {
    name: "listings",
    about: "What is or was on offer.",
    columns: &[
        Column::new("id", "The listing."),
        Column::new("created_at", "When it was made."),
        Column::new("published_at", "When it was published."),
        Column::new("seller_org", "The organisation that offers it."),
        Column::new("item", "The item that is offered."),
        Column::new("sku", "The seller's number of the item."),
        Column::new("title", "Its title."),
        Column::new("description", "Its description."),
        Column::new("language", "The language of both."),
        Column::new("sale_mode", "How it is sold."),
        Column::new("status", "Where it is in its life."),
        Column::amount("price", "The price of a unit; an auction has its own."),
        Column::CURRENCY,
        Column::new("quantity", "How many units are offered."),
        Column::new("reserved", "How many of them are kept for orders."),
        Column::new("sold", "How many were sold."),
        Column::new("unit", "What a unit is."),
        Column::new("takes_offers", "Whether buyers may offer another price."),
    ],
    covers: &[],
    read,
};

fn read<'c>(conn: &'c mut PgConnection, scope: &'c Scope, after: Option<&'c str>, limit: i64) -> Lines<'c> {
    Box::pin(
        sqlx::query_as!(
            Line,
            r#"
            SELECT page.id::text AS "key!", to_jsonb(page) AS "row!: Row"
            FROM (
                SELECT
                    l.id, l.created_at, l.published_at, l.seller_org_id AS seller_org, l.item_id AS item, i.sku, l.title, l.description,
                    l.language, l.sale_mode, l.status, l.price_minor AS price, l.currency, l.quantity, l.reserved, l.sold, i.unit,
                    l.takes_offers
                FROM listings AS l
                JOIN items AS i ON i.id = l.item_id
                WHERE ($1::uuid IS NULL OR l.seller_org_id = $1)
                  AND l.id > coalesce($2::text::uuid, '00000000-0000-0000-0000-000000000000')
                  AND ($4::timestamptz IS NULL OR l.created_at >= $4)
                  AND l.created_at < $5
                  AND ($6::text IS NULL OR l.status = $6)
                ORDER BY l.id
                LIMIT $3
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
