//! Attempts to pay a charge.

use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::PlanError;
use super::locked::lock;
use super::read::{charge, org_of_payment};
use crate::escrow::model::PaymentStatus;
use crate::escrow::store::{Charging, seconds};
use crate::ids::{PaymentId, PlanChargeId};
use crate::payments::{CaptureMode, Charge, Provider, ProviderRef};
use crate::plans::model::{PlanCharge, PlanChargeStatus};
use crate::plans::rules::dunning::CONFIRM_WITHIN;

/// Begins to pay what `org` owes; nobody is asked for money yet. What has lapsed can still be paid. Needs a transaction.
pub async fn begin(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    id: PlanChargeId,
    provider: Provider,
    method: &str,
) -> Result<(PaymentId, PlanCharge), PlanError> {
    lock(conn, org).await?;
    let owed = charge(conn, org, id).await?.ok_or(PlanError::NotFound("charge"))?;
    if owed.status == PlanChargeStatus::Paid {
        return Err(PlanError::ChargeEnded(owed.status));
    }
    let payment = PaymentId::generate();
    sqlx::query!(
        "INSERT INTO plan_payments (id, charge_id, attempt, provider, method, amount_minor, currency, created_by)
         SELECT $1, c.id, (SELECT coalesce(max(attempt), 0) + 1 FROM plan_payments WHERE charge_id = c.id), $3, $4,
                c.amount_minor, c.currency, $5
         FROM plan_charges AS c
         WHERE c.id = $2",
        payment.0,
        id.0,
        provider as Provider,
        method,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    let owed = charge(conn, org, id).await?.ok_or(PlanError::NotFound("charge"))?;
    Ok((payment, owed))
}

/// Makes a payment ready to be asked for: from now on the provider may have the money. `None`: it is decided. Needs a transaction,
/// which must be committed before the provider is asked.
pub async fn start_charge(conn: &mut PgConnection, id: PaymentId) -> Result<Option<Charging>, PlanError> {
    let Some(org) = org_of_payment(conn, id).await? else { return Ok(None) };
    lock(conn, org).await?;
    let row = sqlx::query!(
        r#"SELECT provider AS "provider: Provider", method, amount_minor, currency AS "currency: Currency",
                  status AS "status: PaymentStatus", provider_ref AS "known: ProviderRef",
                  coalesce(waits_since, created_at) < clock_timestamp() - make_interval(secs => $2) AS "given_up!"
           FROM plan_payments
           WHERE id = $1"#,
        id.0,
        seconds(CONFIRM_WITHIN),
    )
    .fetch_one(&mut *conn)
    .await?;
    let again = match row.status {
        PaymentStatus::Created => false,
        PaymentStatus::Funding => true,
        PaymentStatus::Held | PaymentStatus::Failed | PaymentStatus::Cancelled => return Ok(None),
    };
    if !again {
        sqlx::query!("UPDATE plan_payments SET status = 'funding' WHERE id = $1", id.0).execute(conn).await?;
    }
    let charge = Charge {
        amount: Money::from_minor(row.amount_minor, row.currency),
        capture: CaptureMode::Automatic,
        method: row.method,
        reference: id.to_string(),
    };
    Ok(Some(Charging { provider: row.provider, charge, again, known: row.known, given_up: row.given_up }))
}
