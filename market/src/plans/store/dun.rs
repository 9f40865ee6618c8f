//! What is done about charges that nobody pays.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::Actor;
use sqlx::PgConnection;

use super::PlanError;
use super::locked::{end, lock, write_down};
use super::read::org_of_charge;
use crate::ids::{PlanChargeId, PlanSubscriptionId};
use crate::plans::model::{PlanChargeStatus, SubscriptionStatus};
use crate::plans::rules::dunning::{self, Step};

/// What was done about a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dunned {
    /// The reminder of this number is to be sent.
    Reminded(i16),
    /// The organisation is on the free plan.
    Lapsed,
    /// It was paid, or it is not time yet.
    Nothing,
}

/// Takes the next step about a charge, if it is time. Needs a transaction.
pub async fn dun(conn: &mut PgConnection, id: PlanChargeId) -> Result<Dunned, PlanError> {
    let Some(org) = org_of_charge(conn, id).await? else { return Ok(Dunned::Nothing) };
    let locked = lock(conn, org).await?;
    let charge = sqlx::query!(
        r#"SELECT subscription_id AS "subscription: PlanSubscriptionId", status AS "status: PlanChargeStatus", due_at, reminders
           FROM plan_charges
           WHERE id = $1"#,
        id.0,
    )
    .fetch_one(&mut *conn)
    .await?;
    if charge.status != PlanChargeStatus::Open {
        return Ok(Dunned::Nothing);
    }
    match dunning::step(charge.due_at, charge.reminders, locked.now) {
        Step::Wait { .. } => Ok(Dunned::Nothing),
        Step::Remind(number) => {
            remind(conn, id, number, dunning::next(charge.due_at, number)).await?;
            if locked.subscription.as_ref().is_some_and(|open| open.status == SubscriptionStatus::Active) {
                stand(conn, charge.subscription, SubscriptionStatus::PastDue).await?;
                let data = json!({"subscription": charge.subscription, "charge": id});
                write_down(conn, org, Actor::System, "plan.past_due", data).await?;
            }
            Ok(Dunned::Reminded(number))
        }
        Step::Lapse => {
            end(conn, &locked, Actor::System, charge.subscription, "unpaid").await?;
            Ok(Dunned::Lapsed)
        }
    }
}

async fn remind(
    conn: &mut PgConnection,
    id: PlanChargeId,
    number: i16,
    next: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE plan_charges SET reminders = $2, act_at = $3 WHERE id = $1", id.0, number, next)
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves a subscription whose organisation is locked.
pub(super) async fn stand(
    conn: &mut PgConnection,
    id: PlanSubscriptionId,
    status: SubscriptionStatus,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE plan_subscriptions SET status = $2 WHERE id = $1", id.0, status as SubscriptionStatus)
        .execute(conn)
        .await?;
    Ok(())
}
