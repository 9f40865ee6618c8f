//! What is due becomes a payout.

use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{PayoutError, lock_org};
use crate::ids::{PayoutAccountId, PayoutId};
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::store::ledger;
use crate::payments::Provider;
use crate::payouts::model::PayoutStatus;
use crate::payouts::rules::{Open, Position, Step, decide};

/// What became of a seller's earnings in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    Nothing,
    /// They wait for an account, since now.
    Waiting {
        payout: PayoutId,
        amount: Money,
    },
    /// The provider is to be asked.
    Intended(PayoutId),
}

/// Whose earnings may be due: their account's number, the seller and the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub account: i64,
    pub org: OrgId,
    pub currency: Currency,
}

/// The next `most` sellers and currencies after this account with something due, or with a payout that waits.
pub async fn due(conn: &mut PgConnection, after: i64, most: i64) -> Result<Vec<Due>, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"SELECT a.id AS account, a.org_id AS "org!: OrgId", a.currency AS "currency: Currency"
           FROM money_accounts AS a
           WHERE a.kind = 'receivable' AND a.id > $1
             AND (a.balance_minor > 0
                  OR EXISTS (SELECT FROM payouts AS p
                             WHERE p.org_id = a.org_id AND p.currency = a.currency AND p.status = 'waiting'))
           ORDER BY a.id
           LIMIT $2"#,
        after,
        most,
    )
    .fetch_all(conn)
    .await
}

/// The currencies in which an organisation has a payout that waits.
pub async fn waiting(conn: &mut PgConnection, org: OrgId) -> Result<Vec<Currency>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT currency AS "currency: Currency" FROM payouts WHERE org_id = $1 AND status = 'waiting' ORDER BY currency"#,
        org.0,
    )
    .fetch_all(conn)
    .await
}

/// Begins to pay out what a seller has earned in one currency, or goes on with what waits. Needs a transaction.
pub async fn begin(
    conn: &mut PgConnection,
    org: OrgId,
    currency: Currency,
    provider: Provider,
) -> Result<Begun, PayoutError> {
    let withheld = lock_org(conn, org).await?;
    let account = sqlx::query_scalar!(
        r#"SELECT id AS "id: PayoutAccountId" FROM payout_accounts WHERE org_id = $1 AND provider = $2 AND status = 'active'"#,
        org.0,
        provider as Provider,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let open = sqlx::query!(
        r#"SELECT p.id AS "id: PayoutId", p.status AS "status: PayoutStatus", p.transfer_ref IS NOT NULL AS "transferred!",
                  coalesce(a.status = 'active', false) AS "usable!"
           FROM payouts AS p
           LEFT JOIN payout_accounts AS a ON a.id = p.account_id
           WHERE p.org_id = $1 AND p.currency = $2 AND p.status IN ('waiting', 'intended', 'sent')"#,
        org.0,
        currency.code(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let accounts = [AccountKind::Receivable, AccountKind::Payable].map(|kind| Account::of(org, kind));
    let due = ledger::hold(conn, &accounts, currency).await?[0];
    let position = Position {
        due: due.minor(),
        open: open.as_ref().map(|open| Open {
            status: open.status,
            transferred: open.transferred,
            usable: open.usable,
        }),
        active: account.is_some(),
        withheld,
    };
    let step = decide(position);
    let new = PayoutId::generate();
    match (step, open.map(|open| open.id)) {
        (Step::Wait, _) => {
            insert(conn, new, org, None, due).await?;
            Ok(Begun::Waiting { payout: new, amount: due })
        }
        (Step::Begin, _) => {
            insert(conn, new, org, account, due).await?;
            book(conn, new, org, due).await?;
            Ok(Begun::Intended(new))
        }
        (Step::Fill, Some(id)) => {
            sqlx::query!(
                "UPDATE payouts SET status = 'intended', account_id = $2, amount_minor = $3, failure = NULL WHERE id = $1",
                id.0,
                account.map(|account| account.0),
                due.minor(),
            )
            .execute(&mut *conn)
            .await?;
            book(conn, id, org, due).await?;
            Ok(Begun::Intended(id))
        }
        (Step::Again, Some(id)) => {
            sqlx::query!("UPDATE payouts SET status = 'intended' WHERE id = $1", id.0).execute(conn).await?;
            Ok(Begun::Intended(id))
        }
        (Step::End, Some(id)) => {
            sqlx::query!(
                "UPDATE payouts SET status = 'failed', failure = 'nothing_due', ended_at = clock_timestamp() WHERE id = $1",
                id.0,
            )
            .execute(conn)
            .await?;
            Ok(Begun::Nothing)
        }
        (Step::Nothing | Step::Fill | Step::Again | Step::End, _) => Ok(Begun::Nothing),
    }
}

async fn insert(
    conn: &mut PgConnection,
    id: PayoutId,
    org: OrgId,
    account: Option<PayoutAccountId>,
    amount: Money,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO payouts (id, org_id, account_id, currency, amount_minor, status)
         VALUES ($1, $2, $3, $4, $5, CASE WHEN $3::uuid IS NULL THEN 'waiting' ELSE 'intended' END)",
        id.0,
        org.0,
        account.map(|account| account.0),
        amount.currency().code(),
        amount.minor(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Books that what was earned is on its way.
async fn book(conn: &mut PgConnection, id: PayoutId, org: OrgId, amount: Money) -> Result<(), PayoutError> {
    let entries = vec![
        Entry::less(Account::of(org, AccountKind::Receivable), amount),
        Entry::more(Account::of(org, AccountKind::Payable), amount),
    ];
    let (kind, reference) = (TransferKind::Payout, id.to_string());
    ledger::book(conn, &NewTransfer { kind, reference, order: None, entries }).await?;
    Ok(())
}
