//! Statements: an organisation's accounts in one currency over a period.
//!
//! How to get this wrong: to read balances and lines in two snapshots, since a transfer booked in between is in one of them; to add up
//! the lines for the opening balance, since a busy account has more of them than anybody waits for: what came since is taken from what
//! is there now.

use shared::ids::OrgId;
use shared::money::{Currency, Money, MoneyError};
use sqlx::PgConnection;

use crate::ids::OrderId;
use crate::money::model::{AccountKind, Balance, StatementLine, Summary, Total, TransferId, TransferKind};
use crate::reports::rules::Period;

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// The balances at both ends of the period and the totals between them. Accounts that never held anything are left out.
pub async fn summary(
    conn: &mut PgConnection,
    org: OrgId,
    currency: Currency,
    period: &Period,
) -> Result<Summary, StatementError> {
    let rows = sqlx::query!(
        r#"SELECT a.kind AS "account: AccountKind", a.balance_minor AS "balance_minor!", moved.kind AS "transfer?: TransferKind",
                  moved.later AS "later?", moved.transfers AS "transfers?", moved.amount_minor::text AS "amount_minor?"
           FROM money_accounts AS a
           LEFT JOIN LATERAL (
               SELECT t.kind, t.booked_at >= $4 AS later, count(*) AS transfers, sum(e.amount_minor) AS amount_minor
               FROM money_entries AS e
               JOIN money_transfers AS t ON t.id = e.transfer_id
               WHERE e.account_id = a.id
                 AND t.booked_at >= $3
               GROUP BY t.kind, later
           ) AS moved ON true
           WHERE a.org_id = $1
             AND a.currency = $2
           ORDER BY a.kind, moved.kind"#,
        org.0,
        currency.code(),
        period.starts_at(),
        period.ends_at(),
    )
    .fetch_all(conn)
    .await?;
    let mut summary = Summary::default();
    for row in rows {
        let balance = |minor| Balance { kind: row.account, amount: Money::from_minor(minor, currency) };
        if summary.closing.last().is_none_or(|last| last.kind != row.account) {
            summary.opening.push(balance(row.balance_minor));
            summary.closing.push(balance(row.balance_minor));
        }
        let (Some(transfer), Some(later), Some(transfers), Some(amount)) =
            (row.transfer, row.later, row.transfers, row.amount_minor)
        else {
            continue;
        };
        let moved = balance(amount.parse().map_err(|_| MoneyError::Overflow)?);
        for (ends, counts) in [(&mut summary.opening, true), (&mut summary.closing, later)] {
            if let Some(end) = ends.last_mut().filter(|_| counts) {
                end.amount = end.amount.checked_sub(moved.amount)?;
            }
        }
        if !later {
            summary.totals.push(Total { transfer, transfers, moved });
        }
    }
    Ok(summary)
}

/// Up to `limit` of the period's transfers in the order in which they were booked, after `after`.
pub async fn lines(
    conn: &mut PgConnection,
    org: OrgId,
    currency: Currency,
    period: &Period,
    after: Option<TransferId>,
    limit: i64,
) -> Result<Vec<StatementLine>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT t.id, t.kind AS "kind: TransferKind", t.reference, t.order_id AS "order: OrderId", t.booked_at,
                  array_agg(a.kind ORDER BY a.kind) AS "accounts!: Vec<AccountKind>",
                  array_agg(e.amount_minor ORDER BY a.kind) AS "amounts!: Vec<i64>"
           FROM money_accounts AS a
           JOIN money_entries AS e ON e.account_id = a.id
           JOIN money_transfers AS t ON t.id = e.transfer_id
           WHERE a.org_id = $1
             AND a.currency = $2
             AND e.transfer_id > $5
             AND t.booked_at >= $3
             AND t.booked_at < $4
           GROUP BY t.id
           ORDER BY t.id
           LIMIT $6"#,
        org.0,
        currency.code(),
        period.starts_at(),
        period.ends_at(),
        after.map_or(0, |after| after.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let line = |kinds: Vec<AccountKind>, amounts: Vec<i64>| {
        let moved = kinds.into_iter().zip(amounts);
        moved.map(|(kind, minor)| Balance { kind, amount: Money::from_minor(minor, currency) }).collect()
    };
    let lines = rows.into_iter().map(|row| StatementLine {
        transfer: TransferId(row.id),
        kind: row.kind,
        reference: row.reference,
        order: row.order,
        booked_at: row.booked_at,
        moved: line(row.accounts, row.amounts),
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests;
