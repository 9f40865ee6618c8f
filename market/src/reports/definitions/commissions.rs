//! Commissions: what the platform took of an organisation's sales, as the money ledger has it. A sale counts when its money is released,
//! and a refund gives back its share.

use futures::stream::{self, StreamExt as _};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{Audience, Definition, Rows, money, uncounted};
use crate::reports::model::Scope;
use crate::reports::table::{Cell, Chart, ChartKind, Column, Section, Shape};

pub(super) const DEFINITION: Definition = Definition {
    title: "Commissions",
    audience: Audience::Members,
    groupings: &[],
    filtered: false,
    whole_months: false,
    sections: |_| vec![MONTHS, ENTRIES],
    expected: uncounted,
    rows,
};

const MONTHS: Section = Section {
    name: "months",
    title: "Commissions by month",
    columns: &[
        Column::new("month", "Month", Shape::Day),
        Column::integer("entries", "Entries"),
        Column::money("commission", "Commission"),
        Column::CURRENCY,
    ],
    charts: &[Chart { title: "Commission", kind: ChartKind::Line, along: "month", values: &["commission"] }],
};
const ENTRIES: Section = Section {
    name: "entries",
    title: "Entries",
    columns: &[
        Column::new("booked_at", "Booked at", Shape::Time),
        Column::new("order", "Order", Shape::Id),
        Column::text("transfer", "Transfer"),
        Column::new("order_total", "Order's total", Shape::Price),
        Column::money("commission", "Commission"),
        Column::CURRENCY,
    ],
    charts: &[],
};

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    match section {
        "months" => months(conn, scope),
        "entries" => entries(conn, scope),
        _ => stream::empty().boxed(),
    }
}

fn months<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            date_trunc('month', t.booked_at AT TIME ZONE $4::text)::date AS "month!", count(*) AS "entries!",
            sum(e.amount_minor)::text AS "commission!", e.currency AS "currency: Currency"
        FROM orders AS o
        JOIN money_transfers AS t ON t.order_id = o.id
        JOIN money_entries AS e ON e.transfer_id = t.id
        JOIN money_accounts AS a ON a.id = e.account_id
        WHERE o.seller_org_id = $1
          AND t.booked_at >= $2
          AND t.booked_at < $3
          AND a.org_id IS NULL
          AND a.kind = 'commission'
        GROUP BY 1, e.currency
        ORDER BY e.currency, 1
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.period.zone().name(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let commission = Cell::Money(money(&row.commission, row.currency)?);
        Ok(vec![Cell::Day(row.month), Cell::Integer(row.entries), commission, Cell::Currency(row.currency)])
    })
    .boxed()
}

fn entries<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            t.booked_at, o.id, t.kind, o.total_minor, e.amount_minor, o.currency AS "sold_in: Currency",
            e.currency AS "currency: Currency"
        FROM orders AS o
        JOIN money_transfers AS t ON t.order_id = o.id
        JOIN money_entries AS e ON e.transfer_id = t.id
        JOIN money_accounts AS a ON a.id = e.account_id
        WHERE o.seller_org_id = $1
          AND t.booked_at >= $2
          AND t.booked_at < $3
          AND a.org_id IS NULL
          AND a.kind = 'commission'
        ORDER BY t.id
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        Ok(vec![
            Cell::Time(row.booked_at),
            Cell::Id(row.id),
            Cell::Text(row.kind),
            Cell::Money(Money::from_minor(row.total_minor, row.sold_in)),
            Cell::Money(Money::from_minor(row.amount_minor, row.currency)),
            Cell::Currency(row.currency),
        ])
    })
    .boxed()
}
