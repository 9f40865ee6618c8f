//! Sales of the whole platform: what all sellers together received orders for, by day, week, month, category, region, seller or currency.
//!
//! What counts as a sale, and of which region it is, is as in the sales of one organisation (`sales`): both read the same lines. The money
//! ledger is not asked: what the platform earned, commissions say.

use futures::stream::{self, StreamExt as _};
use shared::money::Currency;
use sqlx::PgConnection;

use super::{Audience, Definition, FROM, Rows, money, uncounted};
use crate::identity::PlatformRole;
use crate::reports::model::{Grouping, Scope};
use crate::reports::table::{Cell, Chart, ChartKind, Column, Section, Shape};

pub(super) const DEFINITION: Definition = Definition {
    title: "Platform sales",
    audience: Audience::Platform(PlatformRole::Finance),
    groupings: &[
        Grouping::Month,
        Grouping::Week,
        Grouping::Day,
        Grouping::Category,
        Grouping::Region,
        Grouping::Seller,
        Grouping::Currency,
    ],
    filtered: true,
    whole_months: false,
    sections,
    expected: uncounted,
    rows,
};

const SELLERS: Column = Column::integer("sellers", "Sellers");
const ORDERS: Column = Column::integer("orders", "Orders");
const QUANTITY: Column = Column::integer("quantity", "Quantity");
const SALES: Column = Column::money("sales", "Sales");
const BY_NAME: &[Chart] = &[Chart { title: "Sales", kind: ChartKind::Bar, along: "name", values: &["sales"] }];

const TIMES: Section = Section {
    name: "times",
    title: "Sales by time",
    columns: &[FROM, SELLERS, ORDERS, QUANTITY, SALES, Column::CURRENCY],
    charts: &[Chart { title: "Sales", kind: ChartKind::Line, along: "from", values: &["sales"] }],
};
const CATEGORIES: Section = Section {
    name: "categories",
    title: "Sales by category",
    columns: &[
        Column::text("name", "Category"),
        Column::text("path", "Path"),
        SELLERS,
        ORDERS,
        QUANTITY,
        SALES,
        Column::CURRENCY,
    ],
    charts: BY_NAME,
};
const REGIONS: Section = Section {
    name: "regions",
    title: "Sales by region",
    columns: &[
        Column::text("name", "Region"),
        Column::text("code", "Code"),
        SELLERS,
        ORDERS,
        QUANTITY,
        SALES,
        Column::CURRENCY,
    ],
    charts: BY_NAME,
};
const BY_SELLER: Section = Section {
    name: "sellers",
    title: "Sales by seller",
    columns: &[
        Column::text("name", "Seller"),
        Column::new("id", "Organisation", Shape::Id),
        ORDERS,
        QUANTITY,
        SALES,
        Column::CURRENCY,
    ],
    charts: BY_NAME,
};
const CURRENCIES: Section = Section {
    name: "currencies",
    title: "Sales by currency",
    columns: &[SELLERS, ORDERS, QUANTITY, SALES, Column::CURRENCY],
    charts: &[],
};

fn sections(scope: &Scope) -> Vec<Section> {
    vec![match scope.grouping(&DEFINITION) {
        Grouping::Category => CATEGORIES,
        Grouping::Region => REGIONS,
        Grouping::Seller => BY_SELLER,
        Grouping::Currency => CURRENCIES,
        _ => TIMES,
    }]
}

/// One statement for all: what a row stands for, the grouping says.
fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    if !sections(scope).iter().any(|it| it.name == section) {
        return stream::empty().boxed();
    }
    sqlx::query!(
        r#"
        SELECT
            CASE WHEN $7 IN ('day', 'week', 'month') THEN date_trunc($7, l.sold_at AT TIME ZONE $6::text)::date END AS "from?",
            CASE $7
                WHEN 'category' THEN l.category_name WHEN 'region' THEN l.region_name WHEN 'seller' THEN s.legal_name
            END AS "name?",
            CASE $7 WHEN 'category' THEN l.category_path WHEN 'region' THEN l.region_code END AS "place?",
            CASE WHEN $7 = 'seller' THEN s.id END AS "seller?",
            count(DISTINCT s.id) AS "sellers!", count(DISTINCT l.order_id) AS "orders!", sum(l.quantity)::bigint AS "quantity!",
            sum(l.amount_minor)::text AS "sales!", l.currency AS "currency!: Currency"
        FROM sold_lines AS l
        JOIN orgs AS s ON s.id = l.seller_org_id
        WHERE l.sold_at >= $1
          AND l.sold_at < $2
          AND ($3::text IS NULL OR l.currency = $3)
          AND ($4::uuid IS NULL OR starts_with(l.category_path || '/', (SELECT path || '/' FROM categories WHERE id = $4)))
          AND ($5::uuid IS NULL OR starts_with(l.region_code || '/', (SELECT code || '/' FROM regions WHERE id = $5)))
        GROUP BY 1, 2, 3, 4, l.currency
        ORDER BY l.currency, 1, sum(l.amount_minor) DESC, 3, 4
        "#,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.parameters.currency.map(Currency::code),
        scope.parameters.category.map(|it| it.0),
        scope.parameters.region.map(|it| it.0),
        scope.period.zone().name(),
        scope.grouping(&DEFINITION).name(),
    )
    .fetch(conn)
    .map(move |row| {
        let row = row?;
        let mut cells = match section {
            "times" => vec![Cell::of(row.from, Cell::Day)],
            "categories" => vec![Cell::of(row.name, Cell::Text), Cell::of(row.place, Cell::Text)],
            "regions" => {
                let name = row.name.unwrap_or_else(|| "No site".to_owned());
                vec![Cell::Text(name), Cell::of(row.place, Cell::Text)]
            }
            "sellers" => vec![Cell::of(row.name, Cell::Text), Cell::of(row.seller, Cell::Id)],
            _ => Vec::new(),
        };
        if section != BY_SELLER.name {
            cells.push(Cell::Integer(row.sellers));
        }
        cells.extend([
            Cell::Integer(row.orders),
            Cell::Integer(row.quantity),
            Cell::Money(money(&row.sales, row.currency)?),
            Cell::Currency(row.currency),
        ]);
        Ok(cells)
    })
    .boxed()
}

#[cfg(test)]
mod tests;
