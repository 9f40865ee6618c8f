//! The next term.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::Actor;
use sqlx::PgConnection;

use super::PlanError;
use super::locked::{NewCharge, end, fee, lock, owe, put_on, write_down};
use super::read::org_of;
use crate::identity::Plan;
use crate::ids::{PlanChargeId, PlanSubscriptionId};
use crate::plans::model::PlanChargeKind;
use crate::plans::rules::dunning::{self, Step};
use crate::plans::rules::terms;

/// What came of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The next term has begun, and this is owed for it.
    Term(PlanChargeId),
    /// There is no next term; the organisation is on the free plan.
    Ended,
    /// The same, because this plan, which was to follow, is not offered any more.
    NotOffered(Plan),
    /// The term is not over, somebody has renewed it, or the subscription has ended, or ends first because of what is owed.
    Nothing,
}

/// Begins the term after this one, if it is over. Needs a transaction.
pub async fn renew(conn: &mut PgConnection, id: PlanSubscriptionId, term: i32) -> Result<Renewed, PlanError> {
    let Some(org) = org_of(conn, id).await? else { return Ok(Renewed::Nothing) };
    let locked = lock(conn, org).await?;
    let over = locked.subscription.as_ref();
    let over = over.filter(|open| open.id == id && open.term == term && open.ends_at <= locked.now);
    let Some(open) = over else { return Ok(Renewed::Nothing) };
    // After an outage both are due: the end comes first, or the organisation would owe a term that it was never to have.
    let oldest = oldest_owed(conn, id).await?;
    if oldest.is_some_and(|due_at| dunning::step(due_at, 0, locked.now) == Step::Lapse) {
        return Ok(Renewed::Nothing);
    }
    let plan = open.next_plan.unwrap_or(open.plan);
    if plan == Plan::Free || locked.abandoned {
        let why = if plan == Plan::Free { "cancelled" } else { "abandoned" };
        end(conn, &locked, Actor::System, id, why).await?;
        return Ok(Renewed::Ended);
    }
    let fee = match fee(conn, plan, open.fee.currency()).await? {
        Some(fee) => fee,
        // Whoever has what is not offered any more keeps it for what it has cost.
        None if plan == open.plan && open.fee.minor() > 0 => open.fee,
        None => {
            end(conn, &locked, Actor::System, id, "not_offered").await?;
            return Ok(Renewed::NotOffered(plan));
        }
    };
    let anchor = u32::try_from(open.anchor_day).map_err(|_| PlanError::NoSuchDay)?;
    let ends_on = terms::ends_on(open.ends_on, anchor).ok_or(PlanError::NoSuchDay)?;
    let ends_at = locked.start_of(ends_on)?;
    sqlx::query!(
        "WITH renewed AS (
             UPDATE plan_subscriptions
             SET plan = $2, fee_minor = $3, next_plan = NULL, term = term + 1, renews_at = $4,
                 status = CASE status WHEN 'trial' THEN 'active' ELSE status END
             WHERE id = $1
             RETURNING id, term, plan, fee_minor
         )
         INSERT INTO plan_terms (subscription_id, number, plan, fee_minor, starts_on, ends_on, starts_at, ends_at)
         SELECT id, term, plan, fee_minor, $5, $6, $7, $4 FROM renewed",
        id.0,
        plan.name(),
        fee.minor(),
        ends_at,
        open.ends_on,
        ends_on,
        open.ends_at,
    )
    .execute(&mut *conn)
    .await?;
    let (kind, due_at) = (PlanChargeKind::Term, locked.now);
    let charge = owe(conn, &NewCharge { subscription: id, term: term + 1, kind, plan, amount: fee, due_at }).await?;
    let data = json!({"subscription": id, "plan": plan.name(), "term": term + 1, "fee": fee});
    write_down(conn, org, Actor::System, "plan.renew", data).await?;
    put_on(conn, &locked, Actor::System, plan).await?;
    Ok(Renewed::Term(charge))
}

/// When what is owed longest was due.
async fn oldest_owed(
    conn: &mut PgConnection,
    subscription: PlanSubscriptionId,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT min(due_at) AS "due_at?" FROM plan_charges WHERE subscription_id = $1 AND status = 'open'"#,
        subscription.0,
    )
    .fetch_one(conn)
    .await
}
