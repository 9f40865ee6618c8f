//! What sellers read, and what jobs look for.

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use crate::escrow::store::seconds;
use crate::ids::{PayoutAccountId, PayoutId};
use crate::payments::{Provider, ProviderRef};
use crate::payouts::model::{Payout, PayoutAccount, PayoutAccountStatus, PayoutStatus};

/// An organisation's account, if it has it.
pub async fn account(
    conn: &mut PgConnection,
    org: OrgId,
    id: PayoutAccountId,
) -> Result<Option<PayoutAccount>, sqlx::Error> {
    sqlx::query_as!(
        PayoutAccount,
        r#"SELECT id AS "id: PayoutAccountId", provider AS "provider: Provider", status AS "status: PayoutAccountStatus",
                  requirements, failure, created_at, checked_at
           FROM payout_accounts
           WHERE id = $1 AND org_id = $2"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await
}

/// An organisation's accounts, newest first.
pub async fn accounts(
    conn: &mut PgConnection,
    org: OrgId,
    before: Option<PayoutAccountId>,
    limit: i64,
) -> Result<Vec<PayoutAccount>, sqlx::Error> {
    sqlx::query_as!(
        PayoutAccount,
        r#"SELECT id AS "id: PayoutAccountId", provider AS "provider: Provider", status AS "status: PayoutAccountStatus",
                  requirements, failure, created_at, checked_at
           FROM payout_accounts
           WHERE org_id = $1 AND ($2::uuid IS NULL OR id < $2)
           ORDER BY id DESC
           LIMIT $3"#,
        org.0,
        before.map(|before| before.0),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Which payouts a list shows.
#[derive(Clone, Copy, Debug)]
pub struct PayoutFilter {
    pub org: OrgId,
    /// Only those before this one.
    pub before: Option<PayoutId>,
    pub limit: i64,
}

/// An organisation's payouts, newest first.
pub async fn payouts(conn: &mut PgConnection, filter: PayoutFilter) -> Result<Vec<Payout>, sqlx::Error> {
    struct Row {
        id: PayoutId,
        status: PayoutStatus,
        amount_minor: i64,
        currency: Currency,
        failure: Option<String>,
        created_at: DateTime<Utc>,
        ended_at: Option<DateTime<Utc>>,
    }
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: PayoutId", status AS "status: PayoutStatus", amount_minor, currency AS "currency: Currency",
                  failure, created_at, ended_at
           FROM payouts
           WHERE org_id = $1 AND ($2::uuid IS NULL OR id < $2)
           ORDER BY id DESC
           LIMIT $3"#,
        filter.org.0,
        filter.before.map(|before| before.0),
        filter.limit,
    )
    .fetch_all(conn)
    .await?;
    let payout = |row: Row| Payout {
        id: row.id,
        status: row.status,
        amount: Money::from_minor(row.amount_minor, row.currency),
        failure: row.failure,
        created_at: row.created_at,
        ended_at: row.ended_at,
    };
    Ok(rows.into_iter().map(payout).collect())
}

/// The account that a provider calls so.
pub async fn named_account(
    conn: &mut PgConnection,
    provider: Provider,
    name: &ProviderRef,
) -> Result<Option<PayoutAccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PayoutAccountId" FROM payout_accounts WHERE provider = $1 AND provider_ref = $2"#,
        provider as Provider,
        name.0,
    )
    .fetch_optional(conn)
    .await
}

/// The payout whose transfer, or whose way to the bank, a provider calls so.
pub async fn named_payout(
    conn: &mut PgConnection,
    provider: Provider,
    name: &ProviderRef,
) -> Result<Option<PayoutId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT p.id AS "id: PayoutId"
           FROM payouts AS p
           JOIN payout_accounts AS a ON a.id = p.account_id
           WHERE (p.provider_ref = $2 OR p.transfer_ref = $2) AND a.provider = $1"#,
        provider as Provider,
        name.0,
    )
    .fetch_optional(conn)
    .await
}

/// The oldest `most` payouts that nobody has decided for so long.
pub async fn unsettled(conn: &mut PgConnection, age: TimeDelta, most: i64) -> Result<Vec<PayoutId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PayoutId"
           FROM payouts
           WHERE status IN ('intended', 'sent') AND created_at < clock_timestamp() - make_interval(secs => $1)
           ORDER BY created_at, id
           LIMIT $2"#,
        seconds(age),
        most,
    )
    .fetch_all(conn)
    .await
}

/// The oldest `most` accounts that were to be opened so long ago, and those of which the provider has said nothing for longer.
pub async fn stale_accounts(
    conn: &mut PgConnection,
    unopened: TimeDelta,
    unchecked: TimeDelta,
    most: i64,
) -> Result<Vec<PayoutAccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"(SELECT id AS "id!: PayoutAccountId"
            FROM payout_accounts
            WHERE status = 'pending' AND provider_ref IS NULL AND created_at < clock_timestamp() - make_interval(secs => $1)
            ORDER BY created_at, id
            LIMIT $3)
           UNION ALL
           (SELECT id
            FROM payout_accounts
            WHERE status <> 'closed' AND checked_at < clock_timestamp() - make_interval(secs => $2)
            ORDER BY checked_at, id
            LIMIT $3)"#,
        seconds(unopened),
        seconds(unchecked),
        most,
    )
    .fetch_all(conn)
    .await
}
