//! What a provider says about a payment becomes the platform's revenue.

use serde_json::json;
use shared::audit::Actor;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::PlanError;
use super::dun::stand;
use super::locked::{Locked, lock, write_down};
use super::read::org_of_payment;
use crate::escrow::model::PaymentStatus;
use crate::ids::{PaymentId, PlanChargeId, PlanSubscriptionId};
use crate::money::model::{Account, AccountKind, Entry, NewTransfer, TransferKind};
use crate::money::store::ledger;
use crate::payments::{Payment, PaymentState};
use crate::plans::model::SubscriptionStatus;

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanSettled {
    /// The charge is paid. `again`: the plan allows again what it did not while something was owed.
    Paid { charge: PlanChargeId, again: bool },
    /// The organisation did not pay.
    Failed { charge: PlanChargeId },
    /// The provider has not decided.
    Pending,
    /// It was decided before.
    NothingNew,
}

struct Row {
    charge: PlanChargeId,
    subscription: PlanSubscriptionId,
    status: PaymentStatus,
    provider_ref: Option<String>,
    amount_minor: i64,
    currency: Currency,
}

/// Brings a payment to what its provider says of it. Older news after newer changes nothing. Needs a transaction.
pub async fn settle(conn: &mut PgConnection, id: PaymentId, found: &Payment) -> Result<PlanSettled, PlanError> {
    let org = org_of_payment(conn, id).await?.ok_or(PlanError::NotFound("payment"))?;
    let locked = lock(conn, org).await?;
    let row = sqlx::query_as!(
        Row,
        r#"SELECT p.charge_id AS "charge: PlanChargeId", c.subscription_id AS "subscription: PlanSubscriptionId",
                  p.status AS "status: PaymentStatus", p.provider_ref, p.amount_minor, p.currency AS "currency: Currency"
           FROM plan_payments AS p
           JOIN plan_charges AS c ON c.id = p.charge_id
           WHERE p.id = $1"#,
        id.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    if row.provider_ref.as_ref().is_some_and(|known| *known != found.reference.0) {
        return Err(PlanError::OtherName);
    }
    if row.status != PaymentStatus::Funding {
        return Ok(PlanSettled::NothingNew);
    }
    let (status, failure) = match found.state {
        PaymentState::Captured => (PaymentStatus::Held, None),
        PaymentState::Failed => (PaymentStatus::Failed, Some(found.failure.as_deref().unwrap_or("failed"))),
        PaymentState::Cancelled => (PaymentStatus::Failed, Some("cancelled")),
        PaymentState::Pending | PaymentState::Authorised => (PaymentStatus::Funding, None),
    };
    let amount = Money::from_minor(row.amount_minor, row.currency);
    if status == PaymentStatus::Held && found.captured != amount {
        return Err(PlanError::OtherAmount { asked: amount, taken: found.captured });
    }
    sqlx::query!(
        "UPDATE plan_payments
         SET status = $2, failure = left($3, 200), provider_ref = $4,
             confirm_at = CASE WHEN $2 = 'funding' AND $5 ~ '^https?://' AND length($5) <= 2000 THEN $5 END,
             waits_since = CASE WHEN $2 = 'funding' THEN coalesce(waits_since, clock_timestamp()) ELSE waits_since END,
             ended_at = CASE WHEN $2 <> 'funding' THEN clock_timestamp() END
         WHERE id = $1",
        id.0,
        status as PaymentStatus,
        failure,
        found.reference.0,
        found.confirm_at.as_deref(),
    )
    .execute(&mut *conn)
    .await?;
    match status {
        PaymentStatus::Held => paid(conn, &locked, id, &row, amount).await,
        PaymentStatus::Funding => Ok(PlanSettled::Pending),
        _ => Ok(PlanSettled::Failed { charge: row.charge }),
    }
}

/// Ends a payment that its provider has refused, with the provider's code. Needs a transaction.
pub async fn refused(conn: &mut PgConnection, id: PaymentId, code: &str) -> Result<PlanSettled, PlanError> {
    let org = org_of_payment(conn, id).await?.ok_or(PlanError::NotFound("payment"))?;
    lock(conn, org).await?;
    let charge = sqlx::query_scalar!(
        r#"UPDATE plan_payments
           SET status = 'failed', failure = left($2, 200), confirm_at = NULL, ended_at = clock_timestamp()
           WHERE id = $1 AND status = 'funding'
           RETURNING charge_id AS "charge: PlanChargeId""#,
        id.0,
        code,
    )
    .fetch_optional(conn)
    .await?;
    Ok(charge.map_or(PlanSettled::NothingNew, |charge| PlanSettled::Failed { charge }))
}

/// Books what was paid, and lets the organisation do again what its plan allows if nothing else is owed.
async fn paid(
    conn: &mut PgConnection,
    locked: &Locked,
    id: PaymentId,
    row: &Row,
    amount: Money,
) -> Result<PlanSettled, PlanError> {
    sqlx::query!(
        "UPDATE plan_charges SET status = 'paid', act_at = NULL, ended_at = clock_timestamp() WHERE id = $1",
        row.charge.0,
    )
    .execute(&mut *conn)
    .await?;
    let entries = vec![
        Entry::less(Account::platform(AccountKind::Cash), amount),
        Entry::more(Account::platform(AccountKind::Plans), amount),
    ];
    let transfer = NewTransfer { kind: TransferKind::PlanFee, reference: id.to_string(), order: None, entries };
    ledger::book(conn, &transfer).await?;
    let owing = locked.subscription.as_ref();
    let owing = owing.filter(|open| open.id == row.subscription && open.status == SubscriptionStatus::PastDue);
    let again = owing.is_some() && !reminded(conn, row.subscription).await?;
    if again {
        stand(conn, row.subscription, SubscriptionStatus::Active).await?;
        let data = json!({"subscription": row.subscription, "charge": row.charge});
        write_down(conn, locked.org, Actor::System, "plan.reactivate", data).await?;
    }
    Ok(PlanSettled::Paid { charge: row.charge, again })
}

/// Whether anything is owed that the organisation was reminded of.
async fn reminded(conn: &mut PgConnection, subscription: PlanSubscriptionId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM plan_charges
                          WHERE subscription_id = $1 AND status = 'open' AND reminders > 0) AS "reminded!""#,
        subscription.0,
    )
    .fetch_one(conn)
    .await
}
