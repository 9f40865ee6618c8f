//! What waits for a provider, or for time to pass; found again when a job was lost.

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::ids::{OrderId, PaymentId, PayoutAccountId, PayoutId, RefundId};
use crate::payments::{Provider, ProviderRef};
use crate::payouts::store::{named_account, named_payout};
use crate::plans::store as plans;

/// What a provider's name is for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Payment(PaymentId),
    Refund(RefundId),
    Payout(PayoutId),
    PayoutAccount(PayoutAccountId),
    /// Of what an organisation owes for its plan.
    PlanPayment(PaymentId),
}

/// What a provider calls by this name.
pub async fn named(
    conn: &mut PgConnection,
    provider: Provider,
    name: &ProviderRef,
) -> Result<Option<Subject>, sqlx::Error> {
    let payment = sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentId" FROM payments WHERE provider = $1 AND provider_ref = $2"#,
        provider as Provider,
        name.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(payment) = payment {
        return Ok(Some(Subject::Payment(payment)));
    }
    if let Some(payment) = plans::named(conn, provider, name).await? {
        return Ok(Some(Subject::PlanPayment(payment)));
    }
    let refund = sqlx::query_scalar!(
        r#"SELECT r.id AS "id: RefundId"
           FROM refunds AS r
           JOIN payments AS p ON p.id = r.payment_id
           WHERE r.provider_ref = $2 AND p.provider = $1"#,
        provider as Provider,
        name.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(refund) = refund {
        return Ok(Some(Subject::Refund(refund)));
    }
    if let Some(payout) = named_payout(conn, provider, name).await? {
        return Ok(Some(Subject::Payout(payout)));
    }
    Ok(named_account(conn, provider, name).await?.map(Subject::PayoutAccount))
}

/// The oldest `most` payments that nobody has decided for so long.
pub async fn unsettled_payments(
    conn: &mut PgConnection,
    age: TimeDelta,
    most: i64,
) -> Result<Vec<PaymentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentId"
           FROM payments
           WHERE status IN ('created', 'funding') AND created_at < clock_timestamp() - make_interval(secs => $1)
           ORDER BY created_at, id
           LIMIT $2"#,
        seconds(age),
        most,
    )
    .fetch_all(conn)
    .await
}

/// The oldest `most` refunds that nobody has decided for so long.
pub async fn unsettled_refunds(
    conn: &mut PgConnection,
    age: TimeDelta,
    most: i64,
) -> Result<Vec<RefundId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: RefundId"
           FROM refunds
           WHERE status IN ('intended', 'sent') AND created_at < clock_timestamp() - make_interval(secs => $1)
           ORDER BY created_at, id
           LIMIT $2"#,
        seconds(age),
        most,
    )
    .fetch_all(conn)
    .await
}

/// The `most` orders whose time of inspection has been over longest.
pub async fn due(conn: &mut PgConnection, most: i64) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT order_id AS "order: OrderId"
           FROM escrows
           WHERE status = 'held' AND inspect_until < clock_timestamp()
           ORDER BY inspect_until, order_id
           LIMIT $1"#,
        most,
    )
    .fetch_all(conn)
    .await
}

#[expect(clippy::cast_precision_loss, reason = "a handful of seconds")]
pub(crate) fn seconds(age: TimeDelta) -> f64 {
    age.num_seconds() as f64
}
