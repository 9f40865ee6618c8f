//! Monthly analytics: revenue and its growth, buyers, cohorts, top listings and the results of auctions, by whole months.

mod statements;

use futures::stream::{self, StreamExt as _};
use shared::money::Money;
use sqlx::PgConnection;

use super::{Audience, Definition, Rows, uncounted};
use crate::reports::model::Scope;
use crate::reports::table::{Cell, Chart, ChartKind, Column, Decimal, Section, Shape};

pub(super) const DEFINITION: Definition = Definition {
    title: "Monthly analytics",
    audience: Audience::Members,
    groupings: &[],
    filtered: false,
    whole_months: true,
    sections: |_| vec![MONTHS, BUYERS, COHORTS, LISTINGS, AUCTIONS],
    expected: uncounted,
    rows,
};

const MONTH: Column = Column::new("month", "Month", Shape::Day);
const ORDERS: Column = Column::integer("orders", "Orders");
const UNITS: Column = Column::integer("units", "Units");
const REVENUE: Column = Column::money("revenue", "Revenue");

const MONTHS: Section = Section {
    name: "months",
    title: "Revenue by month",
    columns: &[
        MONTH,
        ORDERS,
        UNITS,
        REVENUE,
        // Against the month before; empty if nothing was sold then.
        Column::new("growth", "Growth", Shape::Percent),
        Column::CURRENCY,
    ],
    charts: &[Chart { title: "Revenue", kind: ChartKind::Line, along: "month", values: &["revenue"] }],
};
const BUYERS: Section = Section {
    name: "buyers",
    title: "Buyers by month",
    columns: &[
        MONTH,
        Column::integer("buyers", "Buyers"),
        Column::integer("new", "New"),
        Column::integer("returning", "Returning"),
    ],
    charts: &[Chart { title: "Buyers", kind: ChartKind::Line, along: "month", values: &["new", "returning"] }],
};
const COHORTS: Section = Section {
    name: "cohorts",
    title: "Cohorts",
    columns: &[
        // The month in which its buyers bought for the first time.
        Column::new("cohort", "Cohort", Shape::Day),
        MONTH,
        Column::integer("size", "Size"),
        Column::integer("buyers", "Buyers"),
        Column::new("share", "Share", Shape::Percent),
    ],
    charts: &[],
};
const LISTINGS: Section = Section {
    name: "listings",
    title: "Top listings",
    columns: &[
        Column::integer("rank", "Rank"),
        Column::text("title", "Listing"),
        Column::new("id", "Id", Shape::Id),
        ORDERS,
        UNITS,
        REVENUE,
        Column::CURRENCY,
    ],
    charts: &[Chart { title: "Top listings", kind: ChartKind::Bar, along: "title", values: &["revenue"] }],
};
const AUCTIONS: Section = Section {
    name: "auctions",
    title: "Auctions by month",
    columns: &[
        MONTH,
        Column::integer("ended", "Ended"),
        Column::integer("awarded", "Awarded"),
        Column::integer("unsold", "Unsold"),
        Column::integer("defaulted", "Defaulted"),
        Column::integer("cancelled", "Cancelled"),
        Column::money("awards", "Awards"),
        Column::CURRENCY,
    ],
    charts: &[],
};

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    match section {
        "months" => statements::months(conn, scope),
        "buyers" => statements::buyers(conn, scope),
        "cohorts" => statements::cohorts(conn, scope),
        "listings" => statements::listings(conn, scope),
        "auctions" => statements::auctions(conn, scope),
        _ => stream::empty().boxed(),
    }
}

/// How much more `now` is than `before`, rounded half away from zero; empty where nothing can be compared.
fn growth(now: Money, before: Option<Money>) -> Cell {
    let Some(before) = before.filter(|it| it.minor() > 0 && it.currency() == now.currency()) else {
        return Cell::Empty;
    };
    let more = i128::from(now.minor()) - i128::from(before.minor());
    percent(more, before.minor().into())
}

/// `part` of `whole` as percent, rounded half away from zero; empty if it is more than can be written.
fn percent(part: i128, whole: i128) -> Cell {
    if whole <= 0 {
        return Cell::Empty;
    }
    let doubled = 2 * part * 10_000;
    let rounded = (doubled + whole * doubled.signum()) / (2 * whole);
    Cell::of(i64::try_from(rounded).ok(), |it| Cell::Percent(Decimal::percent(it)))
}

#[cfg(test)]
mod tests;
