//! Sales of the whole platform: what all sellers together received orders for, by day, week, month, category, region, seller or currency.
//!
//! What counts as a sale, and of which region it is, is as in the sales of one organisation (`sales`): both read the same lines. The money
//! ledger is not asked: what the platform earned, commissions say.

use futures::stream::{self, StreamExt as _};
use sqlx::PgConnection;

use super::{Audience, Definition, FROM, Rows, sold, uncounted};
use crate::identity::PlatformRole;
use crate::reports::model::{Grouping, Scope};
use crate::reports::table::{Chart, ChartKind, Column, Section, Shape};

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

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    if !sections(scope).iter().any(|it| it.name == section) {
        return stream::empty().boxed();
    }
    sold::rows(conn, scope, None, scope.grouping(&DEFINITION))
}

#[cfg(test)]
mod tests;
