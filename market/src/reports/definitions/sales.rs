//! Sales: what an organisation received orders for, one by one or by day, week, month, category, region or buyer.
//!
//! Orders that came to nothing (expired, cancelled, refunded) are not sales. Amounts are those of the goods, as sold. Categories and
//! regions are of an order's lines: what is grouped or filtered by them leaves the fee out, which is of an order as a whole.
//!
//! Orders of imported books (`past_sales`) count beside those that were made here, unless somebody filters by a category or a region of
//! the catalogue, which they do not have.

mod past;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{Audience, Definition, Expected, FROM, Rows, money, sold};
use crate::reports::model::{Grouping, Scope};
use crate::reports::store::ReportError;
use crate::reports::table::{Cell, Chart, ChartKind, Column, Section, Shape};

pub(super) const DEFINITION: Definition = Definition {
    title: "Sales",
    audience: Audience::Members,
    groupings: &[
        Grouping::None,
        Grouping::Day,
        Grouping::Week,
        Grouping::Month,
        Grouping::Category,
        Grouping::Region,
        Grouping::Buyer,
    ],
    filtered: true,
    whole_months: false,
    sections,
    expected,
    rows,
};

const SOLD_AT: Column = Column::new("sold_at", "Sold at", Shape::Time);
const ORDER: Column = Column::new("order", "Order", Shape::Id);
const SOURCE: Column = Column::text("source", "Sale");
const BUYER: Column = Column::text("buyer", "Buyer");
const ITEMS: Column = Column::text("items", "Items");
const QUANTITY: Column = Column::integer("quantity", "Quantity");
const STATUS: Column = Column::text("status", "Status");
const COUNT: Column = Column::integer("orders", "Orders");
const SALES: Column = Column::money("sales", "Sales");

const ORDERS: Section = Section {
    name: "orders",
    title: "Orders",
    columns: &[
        SOLD_AT,
        ORDER,
        SOURCE,
        BUYER,
        ITEMS,
        QUANTITY,
        Column::money("total", "Total"),
        Column::money("fee", "Fee"),
        Column::money("net", "Net"),
        Column::CURRENCY,
        STATUS,
    ],
    charts: &[],
};
/// What orders have of a category or region.
const PARTS: Section = Section {
    name: "parts",
    title: "Parts of orders",
    columns: &[SOLD_AT, ORDER, SOURCE, BUYER, ITEMS, QUANTITY, SALES, Column::CURRENCY, STATUS],
    charts: &[],
};
const TIMES: Section = Section {
    name: "times",
    title: "Sales by time",
    columns: &[FROM, COUNT, QUANTITY, SALES, Column::CURRENCY],
    charts: &[Chart { title: "Sales", kind: ChartKind::Line, along: "from", values: &["sales"] }],
};
const BY_NAME: &[Chart] = &[Chart { title: "Sales", kind: ChartKind::Bar, along: "name", values: &["sales"] }];
const CATEGORIES: Section = Section {
    name: "categories",
    title: "Sales by category",
    columns: &[
        Column::text("name", "Category"),
        Column::text("path", "Path"),
        COUNT,
        QUANTITY,
        SALES,
        Column::CURRENCY,
    ],
    charts: BY_NAME,
};
const REGIONS: Section = Section {
    name: "regions",
    title: "Sales by region",
    columns: &[Column::text("name", "Region"), Column::text("code", "Code"), COUNT, QUANTITY, SALES, Column::CURRENCY],
    charts: BY_NAME,
};
const BUYERS: Section = Section {
    name: "buyers",
    title: "Sales by buyer",
    columns: &[
        Column::text("name", "Buyer"),
        Column::new("id", "Organisation", Shape::Id),
        COUNT,
        QUANTITY,
        SALES,
        Column::CURRENCY,
    ],
    charts: BY_NAME,
};

fn sections(scope: &Scope) -> Vec<Section> {
    vec![match scope.grouping(&DEFINITION) {
        Grouping::None if of_lines(scope) => PARTS,
        // Of one seller nobody asks by seller, nor by what each row has.
        Grouping::None | Grouping::Seller | Grouping::Currency => ORDERS,
        Grouping::Day | Grouping::Week | Grouping::Month => TIMES,
        Grouping::Category => CATEGORIES,
        Grouping::Region => REGIONS,
        Grouping::Buyer => BUYERS,
    }]
}

/// Whether lines count and not whole orders.
const fn of_lines(scope: &Scope) -> bool {
    scope.parameters.category.is_some() || scope.parameters.region.is_some()
}

fn expected<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Expected<'c> {
    Box::pin(async move {
        if scope.grouping(&DEFINITION) != Grouping::None || of_lines(scope) {
            return Ok(None);
        }
        let count = sqlx::query_scalar!(
            r#"
            SELECT (
                SELECT count(*)
                FROM orders
                WHERE seller_org_id = $1
                  AND created_at >= $2
                  AND created_at < $3
                  AND ($4::text IS NULL OR currency = $4)
                  AND status NOT IN ('expired', 'cancelled', 'refunded')
            ) + (
                SELECT count(DISTINCT (book, order_number, sold_on, currency))
                FROM past_sales
                WHERE org_id = $1
                  AND sold_on BETWEEN $5 AND $6
                  AND ($4::text IS NULL OR currency = $4)
            ) AS "count!"
            "#,
            scope.org.0,
            scope.period.starts_at(),
            scope.period.ends_at(),
            scope.parameters.currency.map(Currency::code),
            scope.period.first_day(),
            scope.period.last_day(),
        )
        .fetch_one(conn)
        .await?;
        Ok(Some(count))
    })
}

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    match section {
        // Whoever has no past sales is not kept waiting by a statement that puts them in order with the orders.
        "orders" => stream::once(async move {
            let rows = if past::any(conn, scope).await? { past::orders(conn, scope) } else { orders(conn, scope) };
            Ok::<_, ReportError>(rows)
        })
        .try_flatten()
        .boxed(),
        "parts" => parts(conn, scope),
        "times" | "categories" | "regions" | "buyers" => {
            sold::rows(conn, scope, Some(scope.org), scope.grouping(&DEFINITION))
        }
        _ => stream::empty().boxed(),
    }
}

fn orders<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            o.id, o.created_at, o.source, b.legal_name, l.items, l.quantity, o.total_minor, o.fee_minor, o.net_minor,
            o.currency AS "currency: Currency", o.status
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
        ORDER BY o.created_at, o.id
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.parameters.currency.map(Currency::code),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let money = |minor| Cell::Money(Money::from_minor(minor, row.currency));
        Ok(vec![
            Cell::Time(row.created_at),
            Cell::Id(row.id),
            Cell::Text(row.source),
            Cell::Text(row.legal_name),
            Cell::text(row.items.unwrap_or_default()),
            Cell::of(row.quantity, Cell::Integer),
            money(row.total_minor),
            money(row.fee_minor),
            money(row.net_minor),
            Cell::Currency(row.currency),
            Cell::Text(row.status),
        ])
    })
    .boxed()
}

fn parts<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            l.order_id AS "order!", l.sold_at AS "sold_at!", l.source AS "source!", b.legal_name,
            left(string_agg(l.title, '; ' ORDER BY l.line_no), 1000) AS "items!", sum(l.quantity)::bigint AS "quantity!",
            sum(l.amount_minor)::text AS "sales!", l.currency AS "currency!: Currency", l.status AS "status!"
        FROM sold_lines AS l
        JOIN orgs AS b ON b.id = l.buyer_org_id
        WHERE l.seller_org_id = $1
          AND l.sold_at >= $2
          AND l.sold_at < $3
          AND ($4::text IS NULL OR l.currency = $4)
          AND ($5::uuid IS NULL OR starts_with(l.category_path || '/', (SELECT path || '/' FROM categories WHERE id = $5)))
          AND ($6::uuid IS NULL OR starts_with(l.region_code || '/', (SELECT code || '/' FROM regions WHERE id = $6)))
        GROUP BY l.order_id, l.sold_at, l.source, b.legal_name, l.currency, l.status
        ORDER BY l.sold_at, l.order_id
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.parameters.currency.map(Currency::code),
        scope.parameters.category.map(|it| it.0),
        scope.parameters.region.map(|it| it.0),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        Ok(vec![
            Cell::Time(row.sold_at),
            Cell::Id(row.order),
            Cell::Text(row.source),
            Cell::Text(row.legal_name),
            Cell::Text(row.items),
            Cell::Integer(row.quantity),
            Cell::Money(money(&row.sales, row.currency)?),
            Cell::Currency(row.currency),
            Cell::Text(row.status),
        ])
    })
    .boxed()
}

#[cfg(test)]
mod tests;
