//! A payout on its way: from the platform's balance to the seller's account, and from there to the bank.

use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{PayoutError, lock_org};
use crate::ids::{PayoutAccountId, PayoutId};
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::store::ledger;
use crate::payments::{Disbursement, DisbursementState, Provider, ProviderRef};
use crate::payouts::model::PayoutStatus;

/// What to ask a provider for.
#[derive(Clone, Debug)]
pub struct Sending {
    pub provider: Provider,
    pub account_id: PayoutAccountId,
    pub account: ProviderRef,
    pub amount: Money,
    /// Whether it has reached the account.
    pub transferred: bool,
    /// The provider's name for the way to the bank, if this attempt has got one.
    pub reference: Option<ProviderRef>,
    /// Which try it is to pay it out of the account.
    pub attempt: i16,
}

/// What a payout asks of its provider; `None` if it is decided, or waits.
pub async fn start(conn: &mut PgConnection, id: PayoutId) -> Result<Option<Sending>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT a.provider AS "provider: Provider", a.id AS "account_id: PayoutAccountId",
                  a.provider_ref AS "account!: ProviderRef", p.amount_minor, p.currency AS "currency: Currency",
                  p.transfer_ref IS NOT NULL AS "transferred!", p.provider_ref AS "reference: ProviderRef", p.attempt
           FROM payouts AS p
           JOIN payout_accounts AS a ON a.id = p.account_id
           WHERE p.id = $1 AND p.status IN ('intended', 'sent')"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Sending {
        provider: row.provider,
        account_id: row.account_id,
        account: row.account,
        amount: Money::from_minor(row.amount_minor, row.currency),
        transferred: row.transferred,
        reference: row.reference,
        attempt: row.attempt,
    }))
}

/// A payout under its organisation's lock.
struct Locked {
    org: OrgId,
    status: PayoutStatus,
    amount: Money,
    transfer_ref: Option<String>,
    provider_ref: Option<String>,
    attempt: i16,
}

async fn lock(conn: &mut PgConnection, id: PayoutId) -> Result<Locked, PayoutError> {
    // Whose it is never changes.
    let org = sqlx::query_scalar!(r#"SELECT org_id AS "org: OrgId" FROM payouts WHERE id = $1"#, id.0);
    let org = org.fetch_optional(&mut *conn).await?.ok_or(PayoutError::NotFound)?;
    lock_org(conn, org).await?;
    let row = sqlx::query!(
        r#"SELECT status AS "status: PayoutStatus", amount_minor, currency AS "currency: Currency", transfer_ref,
                  provider_ref, attempt
           FROM payouts
           WHERE id = $1"#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(Locked {
        org,
        status: row.status,
        amount: Money::from_minor(row.amount_minor, row.currency),
        transfer_ref: row.transfer_ref,
        provider_ref: row.provider_ref,
        attempt: row.attempt,
    })
}

fn compare(asked: Money, known: Option<&String>, found: &Disbursement) -> Result<(), PayoutError> {
    if known.is_some_and(|known| *known != found.reference.0) {
        return Err(PayoutError::OtherName);
    }
    if found.amount == asked { Ok(()) } else { Err(PayoutError::OtherAmount { asked, moved: found.amount }) }
}

/// What became of the way to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transferred {
    /// It is there: now out of it.
    There,
    /// The provider has not decided.
    Pending,
    /// It did not work, and is the seller's again; or it was decided before.
    Ended,
}

/// Writes down what the provider says of the way to the account. Needs a transaction.
pub async fn transferred(
    conn: &mut PgConnection,
    id: PayoutId,
    found: &Disbursement,
) -> Result<Transferred, PayoutError> {
    let locked = lock(conn, id).await?;
    compare(locked.amount, locked.transfer_ref.as_ref(), found)?;
    if locked.status != PayoutStatus::Intended {
        return Ok(Transferred::Ended);
    }
    match found.state {
        DisbursementState::Pending => Ok(Transferred::Pending),
        DisbursementState::Done => {
            sqlx::query!("UPDATE payouts SET transfer_ref = $2 WHERE id = $1", id.0, found.reference.0)
                .execute(conn)
                .await?;
            Ok(Transferred::There)
        }
        DisbursementState::Failed => {
            give_back(conn, id, &locked, "transfer_failed").await?;
            Ok(Transferred::Ended)
        }
    }
}

/// Ends a payout whose provider will not move it to the account: it is the seller's again, for another one. Needs a transaction.
pub async fn refuse_transfer(conn: &mut PgConnection, id: PayoutId, code: &str) -> Result<(), PayoutError> {
    let locked = lock(conn, id).await?;
    if locked.status == PayoutStatus::Intended && locked.transfer_ref.is_none() {
        give_back(conn, id, &locked, code).await?;
    }
    Ok(())
}

async fn give_back(conn: &mut PgConnection, id: PayoutId, locked: &Locked, code: &str) -> Result<(), PayoutError> {
    sqlx::query!(
        "UPDATE payouts SET status = 'failed', failure = left($2, 200), ended_at = clock_timestamp() WHERE id = $1",
        id.0,
        code,
    )
    .execute(&mut *conn)
    .await?;
    let entries = vec![
        Entry::less(Account::of(locked.org, AccountKind::Payable), locked.amount),
        Entry::more(Account::of(locked.org, AccountKind::Receivable), locked.amount),
    ];
    let (kind, reference) = (TransferKind::PayoutFailed, id.to_string());
    ledger::book(conn, &NewTransfer { kind, reference, order: None, entries }).await?;
    ledger::recover(conn, locked.org, locked.amount, &id.to_string(), None).await?;
    Ok(())
}

/// What became of the way to the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The bank has it.
    Paid {
        org: OrgId,
        amount: Money,
    },
    Pending,
    /// The bank did not take it: it waits for another try.
    Waiting,
    /// It was decided before.
    NothingNew,
}

/// Brings a payout to what its provider says of this attempt. Needs a transaction.
pub async fn settle(
    conn: &mut PgConnection,
    id: PayoutId,
    attempt: i16,
    found: &Disbursement,
) -> Result<Sent, PayoutError> {
    let locked = lock(conn, id).await?;
    if locked.attempt != attempt || !matches!(locked.status, PayoutStatus::Intended | PayoutStatus::Sent) {
        return Ok(Sent::NothingNew);
    }
    compare(locked.amount, locked.provider_ref.as_ref(), found)?;
    let status = match found.state {
        DisbursementState::Pending => PayoutStatus::Sent,
        DisbursementState::Done => PayoutStatus::Paid,
        DisbursementState::Failed => {
            again(conn, id, "payout_failed").await?;
            return Ok(Sent::Waiting);
        }
    };
    sqlx::query!(
        "UPDATE payouts
         SET status = $2, provider_ref = $3, failure = NULL, ended_at = CASE WHEN $2 = 'paid' THEN clock_timestamp() END
         WHERE id = $1",
        id.0,
        status as PayoutStatus,
        found.reference.0,
    )
    .execute(&mut *conn)
    .await?;
    if status != PayoutStatus::Paid {
        return Ok(Sent::Pending);
    }
    let entries = vec![
        Entry::less(Account::of(locked.org, AccountKind::Payable), locked.amount),
        Entry::more(Account::platform(AccountKind::Cash), locked.amount),
    ];
    let (kind, reference) = (TransferKind::PayoutPaid, id.to_string());
    ledger::book(conn, &NewTransfer { kind, reference, order: None, entries }).await?;
    Ok(Sent::Paid { org: locked.org, amount: locked.amount })
}

/// Lets a payout wait whose provider will not pay it out of the account now. Needs a transaction.
pub async fn refuse(conn: &mut PgConnection, id: PayoutId, attempt: i16, code: &str) -> Result<(), PayoutError> {
    let locked = lock(conn, id).await?;
    if locked.attempt == attempt && locked.status == PayoutStatus::Intended {
        again(conn, id, code).await?;
    }
    Ok(())
}

/// The next attempt has a key of its own: that of a refused one is refused for ever.
async fn again(conn: &mut PgConnection, id: PayoutId, code: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payouts
         SET status = 'waiting', attempt = attempt + 1, provider_ref = NULL, failure = left($2, 200)
         WHERE id = $1",
        id.0,
        code,
    )
    .execute(conn)
    .await?;
    Ok(())
}
