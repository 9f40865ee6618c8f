//! Sellers' accounts at payment providers.

use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use sqlx::PgConnection;

use super::{PayoutError, read};
use crate::ids::PayoutAccountId;
use crate::payments::{Account, AccountState, Provider, ProviderRef};
use crate::payouts::model::{PayoutAccount, PayoutAccountStatus};

/// Takes the lock that guards an organisation's payout accounts and payouts: whether what it has earned is withheld.
pub async fn lock_org(conn: &mut PgConnection, org: OrgId) -> Result<bool, PayoutError> {
    let withheld = sqlx::query_scalar!(
        r#"SELECT status = 'suspended' AS "withheld!" FROM orgs WHERE id = $1 FOR NO KEY UPDATE"#,
        org.0
    );
    withheld.fetch_optional(conn).await?.ok_or(PayoutError::NotFound)
}

/// Begins to open an account, or to use the one that the seller has at the provider; the provider is asked by a job. Needs a
/// transaction.
pub async fn open(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    provider: Provider,
    own: Option<&ProviderRef>,
) -> Result<PayoutAccount, PayoutError> {
    lock_org(conn, org).await?;
    let id = PayoutAccountId::generate();
    sqlx::query!(
        "INSERT INTO payout_accounts (id, org_id, provider, opened_by, own_ref) VALUES ($1, $2, $3, $4, $5)",
        id.0,
        org.0,
        provider as Provider,
        by.0,
        own.map(|own| own.0.as_str()),
    )
    .execute(&mut *conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("payout_accounts_one") => PayoutError::AccountExists,
        _ => error.into(),
    })?;
    read::account(conn, org, id).await?.ok_or(PayoutError::NotFound)
}

/// What to ask a provider about an account.
#[derive(Clone, Debug)]
pub struct Opening {
    pub provider: Provider,
    /// Our name for the seller.
    pub org: OrgId,
    /// The provider's name for the account; `None`: it is to be opened.
    pub reference: Option<ProviderRef>,
    /// The provider's name for an account that the seller has said is theirs.
    pub own: Option<ProviderRef>,
}

/// What to ask about an account; `None` if it is closed.
pub async fn check(conn: &mut PgConnection, id: PayoutAccountId) -> Result<Option<Opening>, sqlx::Error> {
    sqlx::query_as!(
        Opening,
        r#"SELECT provider AS "provider: Provider", org_id AS "org: OrgId", provider_ref AS "reference: ProviderRef",
                  own_ref AS "own: ProviderRef"
           FROM payout_accounts
           WHERE id = $1 AND status <> 'closed'"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Brings an account to what its provider says of it: whether anything is new. Needs a transaction.
pub async fn settle_account(
    conn: &mut PgConnection,
    id: PayoutAccountId,
    found: &Account,
) -> Result<bool, PayoutError> {
    let org = org_of(conn, id).await?;
    lock_org(conn, org).await?;
    let row = sqlx::query!(
        r#"SELECT status AS "status: PayoutAccountStatus", provider_ref, requirements FROM payout_accounts WHERE id = $1"#,
        id.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    if row.provider_ref.as_ref().is_some_and(|known| *known != found.reference.0) {
        return Err(PayoutError::OtherName);
    }
    if row.status == PayoutAccountStatus::Closed {
        return Ok(false);
    }
    let status = match found.state {
        AccountState::Pending => PayoutAccountStatus::Pending,
        AccountState::Active => PayoutAccountStatus::Active,
        AccountState::Restricted => PayoutAccountStatus::Restricted,
        AccountState::Closed => PayoutAccountStatus::Closed,
    };
    let requirements: Vec<String> = found.requirements.iter().take(100).cloned().collect();
    let news = row.status != status || row.provider_ref.is_none() || row.requirements != requirements;
    sqlx::query!(
        "UPDATE payout_accounts
         SET status = $2, provider_ref = $3, requirements = $4, checked_at = clock_timestamp()
         WHERE id = $1",
        id.0,
        status as PayoutAccountStatus,
        found.reference.0,
        &requirements,
    )
    .execute(conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("payout_accounts_ref_once") => PayoutError::AccountTaken,
        _ => error.into(),
    })?;
    Ok(news)
}

/// Ends an account that its provider will not open, with the provider's code. Needs a transaction.
pub async fn refuse_account(conn: &mut PgConnection, id: PayoutAccountId, code: &str) -> Result<(), PayoutError> {
    let org = org_of(conn, id).await?;
    lock_org(conn, org).await?;
    sqlx::query!(
        "UPDATE payout_accounts
         SET status = 'closed', failure = left($2, 200)
         WHERE id = $1 AND status = 'pending' AND provider_ref IS NULL",
        id.0,
        code,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose account it is; that never changes, so that it needs no lock.
async fn org_of(conn: &mut PgConnection, id: PayoutAccountId) -> Result<OrgId, PayoutError> {
    let org = sqlx::query_scalar!(r#"SELECT org_id AS "org: OrgId" FROM payout_accounts WHERE id = $1"#, id.0);
    org.fetch_optional(conn).await?.ok_or(PayoutError::NotFound)
}
