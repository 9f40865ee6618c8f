//! Payouts: what was begun in the period to bring an organisation's earnings to its bank, and what became of it.

use futures::stream::{self, StreamExt as _};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{Audience, Definition, Rows, uncounted};
use crate::reports::model::Scope;
use crate::reports::table::{Cell, Column, Section, Shape};

pub(super) const DEFINITION: Definition = Definition {
    title: "Payouts",
    audience: Audience::Members,
    groupings: &[],
    filtered: false,
    whole_months: false,
    sections: |_| vec![PAYOUTS],
    expected: uncounted,
    rows,
};

const PAYOUTS: Section = Section {
    name: "payouts",
    title: "Payouts",
    columns: &[
        Column::new("begun_at", "Begun at", Shape::Time),
        Column::new("payout", "Payout", Shape::Id),
        Column::new("amount", "Amount", Shape::Price),
        // Nothing until the bank has it: what failed or waits is not part of the sum.
        Column::money("paid", "Paid"),
        Column::CURRENCY,
        Column::text("status", "Status"),
        Column::integer("attempt", "Attempt"),
        Column::new("ended_at", "Ended at", Shape::Time),
        Column::text("failure", "Failure"),
    ],
    charts: &[],
};

fn rows<'c>(conn: &'c mut PgConnection, scope: &'c Scope, section: &'static str) -> Rows<'c> {
    if section != PAYOUTS.name {
        return stream::empty().boxed();
    }
    sqlx::query!(
        r#"
        SELECT id, created_at, amount_minor, currency AS "currency: Currency", status, attempt, ended_at, failure
        FROM payouts
        WHERE org_id = $1
          AND created_at >= $2
          AND created_at < $3
        ORDER BY created_at, id
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let amount = Money::from_minor(row.amount_minor, row.currency);
        Ok(vec![
            Cell::Time(row.created_at),
            Cell::Id(row.id),
            Cell::Money(amount),
            Cell::of((row.status == "paid").then_some(amount), Cell::Money),
            Cell::Currency(row.currency),
            Cell::Text(row.status),
            Cell::Integer(row.attempt.into()),
            Cell::of(row.ended_at, Cell::Time),
            Cell::of(row.failure, Cell::Text),
        ])
    })
    .boxed()
}
