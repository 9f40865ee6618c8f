//! The money ledger: what is booked stays, once for each effect.
//!
//! Locks: the organisations' accounts, in the order of their ids, after the rows of whatever the transfer is about.
//!
//! How to get this wrong: to insert entries before the accounts are locked, since each entry then locks its own account in
//! the order of the caller's list and two transfers over the same accounts wait for each other; to look whether a reference
//! is there and then to insert it, since two at once both see nothing.

use shared::ids::OrgId;
use shared::invalid::violated;
use shared::money::{Currency, Money, MoneyError};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::OrderId;
use crate::money::model::{
    Account, AccountKind, Balance, Booked, Entry, Merged, NewTransfer, TransferId, TransferKind,
};
use crate::money::rules::transfer::{BadTransfer, merge};

/// Why a transfer is not booked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("there is no such transfer")]
    NotFound,
    #[error(transparent)]
    Bad(#[from] BadTransfer),
    #[error("another transfer of this kind has the reference {0:?}")]
    ReferenceTaken(String),
    #[error("the transfer was taken back by another correction")]
    Reversed,
    #[error("an organisation's account would fall below zero")]
    BelowZero,
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

impl LedgerError {
    fn of_write(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("money_accounts_not_below_zero") => Self::BelowZero,
            Some("money_transfers_reversed_once") => Self::Reversed,
            _ => Self::Sql(error),
        }
    }
}

/// Books a transfer in the caller's transaction, unless the same one has been booked.
pub async fn book(conn: &mut PgConnection, new: &NewTransfer) -> Result<Booked, LedgerError> {
    insert(conn, new, None).await
}

/// Books the counter-transfer of `transfer` under this reference.
pub async fn correct(conn: &mut PgConnection, transfer: TransferId, reference: &str) -> Result<Booked, LedgerError> {
    let order = sqlx::query_scalar!("SELECT order_id FROM money_transfers WHERE id = $1", transfer.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(LedgerError::NotFound)?;
    let entries = entries(conn, transfer).await?.into_iter().map(|(account, currency, minor)| {
        let minor = minor.checked_neg().ok_or(MoneyError::Overflow)?;
        Ok(Entry { account, amount: Money::from_minor(minor, currency) })
    });
    let new = NewTransfer {
        kind: TransferKind::Correction,
        reference: reference.to_owned(),
        order: order.map(Into::into),
        entries: entries.collect::<Result<_, MoneyError>>()?,
    };
    insert(conn, &new, Some(transfer)).await
}

async fn insert(
    conn: &mut PgConnection,
    new: &NewTransfer,
    reverses: Option<TransferId>,
) -> Result<Booked, LedgerError> {
    let merged = merge(&new.entries)?;
    let count = i16::try_from(merged.len()).map_err(|_| BadTransfer::TooManyEntries)?;
    let booked = sqlx::query_scalar!(
        "INSERT INTO money_transfers (kind, reference, entries, order_id, reverses)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, reference) DO NOTHING
         RETURNING id",
        new.kind as TransferKind,
        new.reference,
        count,
        new.order.map(|order| order.0),
        reverses.map(|transfer| transfer.0),
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(LedgerError::of_write)?;
    let Some(id) = booked else { return before(conn, new, reverses, &merged).await };
    let accounts = lock_accounts(conn, &merged).await?;
    let mut rows: Vec<(i64, &str, i64)> =
        accounts.iter().zip(&merged).map(|(id, (_, currency, minor))| (*id, currency.code(), *minor)).collect();
    rows.sort_unstable();
    let ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let currencies: Vec<String> = rows.iter().map(|row| row.1.to_owned()).collect();
    let amounts: Vec<i64> = rows.iter().map(|row| row.2).collect();
    sqlx::query!(
        "INSERT INTO money_entries (transfer_id, entry_no, entries, account_id, currency, amount_minor)
         SELECT $1, n, $2, account_id, currency, amount_minor
         FROM unnest($3::bigint[], $4::text[], $5::bigint[]) WITH ORDINALITY AS e (account_id, currency, amount_minor, n)
         ORDER BY n",
        id,
        count,
        &ids,
        &currencies,
        &amounts,
    )
    .execute(conn)
    .await
    .map_err(LedgerError::of_write)?;
    Ok(Booked::Now(TransferId(id)))
}

/// The transfer that has this reference already, if it says the same.
async fn before(
    conn: &mut PgConnection,
    new: &NewTransfer,
    reverses: Option<TransferId>,
    merged: &Merged,
) -> Result<Booked, LedgerError> {
    let found = sqlx::query!(
        "SELECT id, order_id, reverses FROM money_transfers WHERE kind = $1 AND reference = $2",
        new.kind as TransferKind,
        new.reference,
    )
    .fetch_one(&mut *conn)
    .await?;
    let id = TransferId(found.id);
    let same = found.order_id == new.order.map(|order| order.0)
        && found.reverses == reverses.map(|transfer| transfer.0)
        && entries(conn, id).await? == *merged;
    if same { Ok(Booked::Before(id)) } else { Err(LedgerError::ReferenceTaken(new.reference.clone())) }
}

/// The entries of a transfer, in the order of [`merge`].
pub async fn entries(conn: &mut PgConnection, transfer: TransferId) -> Result<Merged, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.org_id AS "org: OrgId", a.kind AS "kind: AccountKind", e.currency AS "currency: Currency", e.amount_minor
           FROM money_entries AS e
           JOIN money_accounts AS a ON a.id = e.account_id
           WHERE e.transfer_id = $1
           ORDER BY e.entry_no"#,
        transfer.0,
    )
    .fetch_all(conn)
    .await?;
    let mut entries: Merged = rows
        .into_iter()
        .map(|row| (Account { org: row.org, kind: row.kind }, row.currency, row.amount_minor))
        .collect();
    entries.sort_unstable();
    Ok(entries)
}

/// Locks the organisations' accounts in the order of their ids, after making those that are not there, and returns the ids in the
/// order of `merged`.
async fn lock_accounts(conn: &mut PgConnection, merged: &Merged) -> Result<Vec<i64>, LedgerError> {
    if let Some(ids) = lock_if_there(conn, merged).await? {
        return Ok(ids);
    }
    let (orgs, kinds, currencies) = columns(merged);
    sqlx::query!(
        "INSERT INTO money_accounts (org_id, kind, currency, balance_minor)
         SELECT org_id, kind, currency, CASE WHEN org_id IS NOT NULL THEN 0 END
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted (org_id, kind, currency)
         WHERE NOT EXISTS (
             SELECT FROM money_accounts AS a
             WHERE a.org_id IS NOT DISTINCT FROM wanted.org_id AND a.kind = wanted.kind AND a.currency = wanted.currency)
         ORDER BY org_id, kind, currency
         ON CONFLICT DO NOTHING",
        &orgs as &[Option<Uuid>],
        &kinds as &[AccountKind],
        &currencies,
    )
    .execute(&mut *conn)
    .await?;
    // No account is ever taken away.
    Ok(lock_if_there(conn, merged).await?.ok_or(sqlx::Error::RowNotFound)?)
}

/// The accounts, the organisations' locked, if all of them are there; otherwise none is locked, since whoever makes the others may
/// have to wait for somebody who makes them as well.
async fn lock_if_there(conn: &mut PgConnection, merged: &Merged) -> Result<Option<Vec<i64>>, sqlx::Error> {
    let (orgs, kinds, currencies) = columns(merged);
    // An account's id and owner never change, so that they need not be read after the wait.
    let mut found: Vec<(i64, i64)> = sqlx::query!(
        r#"WITH wanted AS (
               SELECT *
               FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS wanted (org_id, kind, currency, place)
           ), found AS (
               -- Each half goes along the index.
               SELECT a.id, w.place
               FROM wanted AS w
               JOIN money_accounts AS a ON a.org_id = w.org_id AND a.kind = w.kind AND a.currency = w.currency
               UNION ALL
               SELECT a.id, w.place
               FROM wanted AS w
               JOIN money_accounts AS a ON a.org_id IS NULL AND a.kind = w.kind AND a.currency = w.currency
               WHERE w.org_id IS NULL
           ), locked AS (
               SELECT id
               FROM money_accounts
               WHERE id IN (SELECT id FROM found)
                 AND org_id IS NOT NULL
                 AND (SELECT count(*) FROM found) = cardinality($2::text[])
               ORDER BY id
               FOR NO KEY UPDATE
           )
           SELECT id AS "id!", place AS "place!" FROM found WHERE (SELECT count(*) FROM locked) >= 0"#,
        &orgs as &[Option<Uuid>],
        &kinds as &[AccountKind],
        &currencies,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| (row.place, row.id))
    .collect();
    found.sort_unstable();
    Ok((found.len() == merged.len()).then(|| found.into_iter().map(|(_, id)| id).collect()))
}

fn columns(merged: &Merged) -> (Vec<Option<Uuid>>, Vec<AccountKind>, Vec<String>) {
    let orgs = merged.iter().map(|(account, _, _)| account.org.map(|org| org.0)).collect();
    let kinds = merged.iter().map(|(account, _, _)| account.kind).collect();
    (orgs, kinds, merged.iter().map(|(_, currency, _)| currency.code().to_owned()).collect())
}

/// Locks an account, after making it if it is not there.
pub async fn open(conn: &mut PgConnection, account: Account, currency: Currency) -> Result<(), LedgerError> {
    lock_accounts(conn, &vec![(account, currency, 0)]).await?;
    Ok(())
}

/// Locks organisations' accounts in the order of their ids and returns what they hold, in the order of `accounts`; those that
/// are not there hold nothing. What is booked over them afterwards waits for nobody.
pub async fn hold(
    conn: &mut PgConnection,
    accounts: &[Account],
    currency: Currency,
) -> Result<Vec<Money>, sqlx::Error> {
    let orgs: Vec<Option<Uuid>> = accounts.iter().map(|account| account.org.map(|org| org.0)).collect();
    let kinds: Vec<AccountKind> = accounts.iter().map(|account| account.kind).collect();
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org: OrgId", kind AS "kind: AccountKind", balance_minor AS "balance_minor!"
           FROM money_accounts
           WHERE currency = $3 AND (org_id, kind) IN (SELECT * FROM unnest($1::uuid[], $2::text[]))
           ORDER BY id
           FOR NO KEY UPDATE"#,
        &orgs as &[Option<Uuid>],
        &kinds as &[AccountKind],
        currency.code(),
    )
    .fetch_all(conn)
    .await?;
    let balance = |account: &Account| {
        let row = rows.iter().find(|row| row.org == account.org && row.kind == account.kind);
        Money::from_minor(row.map_or(0, |row| row.balance_minor), currency)
    };
    Ok(accounts.iter().map(balance).collect())
}

/// Keeps back of what an organisation has just earned what it owes; the transaction has booked the earnings. Only then is the debt
/// read, in a statement of its own: whoever makes one has locked the earnings before.
pub async fn recover(
    conn: &mut PgConnection,
    org: OrgId,
    earned: Money,
    reference: &str,
    order: Option<OrderId>,
) -> Result<(), LedgerError> {
    let owing = Account::of(org, AccountKind::Debt);
    let debt = hold(conn, &[owing], earned.currency()).await?[0];
    let kept = Money::from_minor(earned.minor().min(-debt.minor()), earned.currency());
    if kept.minor() <= 0 {
        return Ok(());
    }
    let entries = vec![Entry::less(Account::of(org, AccountKind::Receivable), kept), Entry::more(owing, kept)];
    let (kind, reference) = (TransferKind::Recover, reference.to_owned());
    book(conn, &NewTransfer { kind, reference, order, entries }).await?;
    Ok(())
}

/// What the organisation's accounts hold, by currency and kind.
pub async fn balances(conn: &mut PgConnection, org: OrgId) -> Result<Vec<Balance>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind: AccountKind", currency AS "currency: Currency", balance_minor AS "balance_minor!"
           FROM money_accounts
           WHERE org_id = $1
           ORDER BY currency, kind"#,
        org.0,
    )
    .fetch_all(conn)
    .await?;
    let balances = rows
        .into_iter()
        .map(|row| Balance { kind: row.kind, amount: Money::from_minor(row.balance_minor, row.currency) });
    Ok(balances.collect())
}

#[cfg(test)]
mod tests;
