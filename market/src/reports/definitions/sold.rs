//! The rows of sales that are grouped, of one seller or of all: `sales` and `platform_sales` differ in who may ask and in what they show
//! beside them.
//!
//! Lines are counted, so that fees, which are of an order as a whole, are left out.
//!
//! Of one seller, the lines of its books of past sales are counted as well: by their own day, whatever the zone, and by the names that
//! their books give to categories and regions, which are not those of the catalogue. They are finer than money: what a row shows is their
//! exact sum, rounded once. Of all sellers they are not counted: nobody but their seller has ever seen them.

use futures::stream::StreamExt as _;
use shared::ids::OrgId;
use shared::money::Currency;
use sqlx::PgConnection;

use super::{Rows, fine};
use crate::reports::model::{Grouping, Scope};
use crate::reports::table::Cell;

/// What a row stands for; how many sellers it is of, unless it is of one; orders, quantity, sales and their currency. One statement for
/// all: what a row stands for, the grouping says. `None`: all sellers, without past sales.
pub(super) fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, seller: Option<OrgId>, by: Grouping) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            day AS "from?", name AS "name?", place AS "place?", party AS "party?", count(DISTINCT seller) AS "sellers!",
            count(DISTINCT order_id) + count(DISTINCT (book, order_number)) FILTER (WHERE book IS NOT NULL) AS "orders!",
            sum(quantity)::bigint AS "quantity!",
            (coalesce(sum(amount_minor), 0) * 10000 + coalesce(sum(amount_fine), 0))::text AS "sales!", currency AS "currency!: Currency"
        FROM (
            SELECT
                CASE WHEN $8 IN ('day', 'week', 'month') THEN date_trunc($8, l.sold_at AT TIME ZONE $7::text)::date END AS day,
                CASE $8 WHEN 'category' THEN l.category_name WHEN 'region' THEN l.region_name ELSE p.legal_name END AS name,
                CASE $8 WHEN 'category' THEN l.category_path WHEN 'region' THEN l.region_code END AS place,
                CASE WHEN $8 IN ('seller', 'buyer') THEN p.id END AS party,
                l.seller_org_id AS seller, l.order_id, NULL::text AS book, NULL::text AS order_number, l.quantity, l.amount_minor,
                NULL::bigint AS amount_fine, l.currency
            FROM sold_lines AS l
            LEFT JOIN orgs AS p ON p.id = CASE $8 WHEN 'seller' THEN l.seller_org_id WHEN 'buyer' THEN l.buyer_org_id END
            WHERE ($1::uuid IS NULL OR l.seller_org_id = $1)
              AND l.sold_at >= $2
              AND l.sold_at < $3
              AND ($4::text IS NULL OR l.currency = $4)
              AND ($5::uuid IS NULL OR starts_with(l.category_path || '/', (SELECT path || '/' FROM categories WHERE id = $5)))
              AND ($6::uuid IS NULL OR starts_with(l.region_code || '/', (SELECT code || '/' FROM regions WHERE id = $6)))
            UNION ALL
            SELECT
                CASE WHEN $8 IN ('day', 'week', 'month') THEN date_trunc($8, sold_on::timestamp)::date END,
                CASE $8 WHEN 'category' THEN category WHEN 'region' THEN region WHEN 'buyer' THEN 'Past sales' END,
                NULL, NULL, org_id, NULL, book, order_number, quantity, NULL, amount_fine, currency
            FROM past_sales
            WHERE org_id = $1
              AND sold_on BETWEEN $9 AND $10
              AND ($4::text IS NULL OR currency = $4)
              AND $5::uuid IS NULL
              AND $6::uuid IS NULL
        ) AS sold
        GROUP BY day, name, place, party, currency
        ORDER BY currency, day, coalesce(sum(amount_minor), 0) * 10000 + coalesce(sum(amount_fine), 0) DESC, place, party, name
        "#,
        seller.map(|it| it.0),
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.parameters.currency.map(Currency::code),
        scope.parameters.category.map(|it| it.0),
        scope.parameters.region.map(|it| it.0),
        scope.period.zone().name(),
        by.name(),
        scope.period.first_day(),
        scope.period.last_day(),
    )
    .fetch(conn)
    .map(move |row| {
        let row = row?;
        let mut cells = match by {
            Grouping::Day | Grouping::Week | Grouping::Month => vec![Cell::of(row.from, Cell::Day)],
            Grouping::Category => vec![Cell::of(row.name, Cell::Text), Cell::of(row.place, Cell::Text)],
            Grouping::Region => {
                let name = row.name.unwrap_or_else(|| "No site".to_owned());
                vec![Cell::Text(name), Cell::of(row.place, Cell::Text)]
            }
            Grouping::Seller | Grouping::Buyer => vec![Cell::of(row.name, Cell::Text), Cell::of(row.party, Cell::Id)],
            Grouping::None | Grouping::Currency => Vec::new(),
        };
        if seller.is_none() && by != Grouping::Seller {
            cells.push(Cell::Integer(row.sellers));
        }
        cells.extend([
            Cell::Integer(row.orders),
            Cell::Integer(row.quantity),
            Cell::amount(fine(&row.sales, row.currency)?)?,
            Cell::Currency(row.currency),
        ]);
        Ok(cells)
    })
    .boxed()
}
