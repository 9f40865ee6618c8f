//! Subscribing to a plan, and changing to another one.

use chrono::{Datelike, Days, NaiveDate};
use serde_json::json;
use shared::audit::Actor;
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::PlanError;
use super::locked::{Locked, NewCharge, Open, fee, lock, owe, put_on, write_down};
use crate::identity::Plan;
use crate::ids::{PlanChargeId, PlanSubscriptionId};
use crate::plans::model::{PlanChargeKind, SubscriptionStatus};
use crate::plans::rules::change::{Before, Change, ChangeRefusal, decide};
use crate::plans::rules::terms;

/// What came of a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What is owed for it now.
    pub charge: Option<PlanChargeId>,
}

/// Subscribes an organisation to a plan, or changes the plan of its subscription; the free plan ends it when the term is over. The
/// same choice again changes nothing. Needs a transaction.
pub async fn choose(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    wanted: Plan,
    currency: Option<Currency>,
) -> Result<Chosen, PlanError> {
    let locked = lock(conn, org).await?;
    let actor = Actor::User(by);
    let charge = match &locked.subscription {
        Some(open) => change(conn, &locked, open, actor, wanted, currency).await?,
        // Also a plan that was agreed with the platform: what one has is not chosen again, and not paid for.
        None if wanted == locked.plan => None,
        None if wanted == Plan::Free || locked.plan == Plan::Partner => return Err(PlanError::Agreed(locked.plan)),
        None => subscribe(conn, &locked, actor, wanted, currency.unwrap_or(Currency::EUR)).await?,
    };
    Ok(Chosen { charge })
}

async fn subscribe(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Actor,
    plan: Plan,
    currency: Currency,
) -> Result<Option<PlanChargeId>, PlanError> {
    if locked.owes {
        return Err(ChangeRefusal::PastDue.into());
    }
    let full = fee(conn, plan, currency).await?.ok_or(ChangeRefusal::NotOffered)?;
    let trial_days = if locked.subscribed { 0 } else { trial_days(conn, plan).await? };
    let starts_on = locked.today();
    let (status, fee, ends_on) = if trial_days > 0 {
        let ends_on = starts_on.checked_add_days(Days::new(trial_days));
        (SubscriptionStatus::Trial, Money::from_minor(0, currency), ends_on)
    } else {
        (SubscriptionStatus::Active, full, terms::ends_on(starts_on, starts_on.day()))
    };
    let ends_on = ends_on.ok_or(PlanError::NoSuchDay)?;
    let anchor = if trial_days > 0 { ends_on } else { starts_on };
    let ends_at = locked.start_of(ends_on)?;
    let id = PlanSubscriptionId::generate();
    sqlx::query!(
        "WITH made AS (
             INSERT INTO plan_subscriptions (id, org_id, plan, currency, fee_minor, status, anchor_day, term, renews_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)
             RETURNING id, plan, fee_minor
         )
         INSERT INTO plan_terms (subscription_id, number, plan, fee_minor, starts_on, ends_on, starts_at, ends_at)
         SELECT id, 1, plan, fee_minor, $9, $10, $11, $8 FROM made",
        id.0,
        locked.org.0,
        plan.name(),
        currency.code(),
        fee.minor(),
        status as SubscriptionStatus,
        day_of(anchor),
        ends_at,
        starts_on,
        ends_on,
        locked.now,
    )
    .execute(&mut *conn)
    .await?;
    let charge = match status {
        SubscriptionStatus::Active => {
            let (kind, amount, due_at) = (PlanChargeKind::Term, fee, locked.now);
            Some(owe(conn, &NewCharge { subscription: id, term: 1, kind, plan, amount, due_at }).await?)
        }
        _ => None,
    };
    let data = json!({"subscription": id, "plan": plan.name(), "status": status});
    write_down(conn, locked.org, actor, "plan.subscribe", data).await?;
    put_on(conn, locked, actor, plan).await?;
    Ok(charge)
}

/// The day of the month, which is 31 at most.
fn day_of(date: NaiveDate) -> i16 {
    i16::try_from(date.day()).unwrap_or(31)
}

async fn trial_days(conn: &mut PgConnection, plan: Plan) -> Result<u64, sqlx::Error> {
    let days = sqlx::query_scalar!("SELECT trial_days FROM plans WHERE code = $1", plan.name()).fetch_optional(conn);
    Ok(days.await?.and_then(|days| u64::try_from(days).ok()).unwrap_or(0))
}

async fn change(
    conn: &mut PgConnection,
    locked: &Locked,
    open: &Open,
    actor: Actor,
    wanted: Plan,
    currency: Option<Currency>,
) -> Result<Option<PlanChargeId>, PlanError> {
    let paid_in = open.fee.currency();
    if currency.is_some_and(|currency| currency != paid_in) {
        return Err(PlanError::Currency);
    }
    let days = (open.ends_on - open.starts_on).num_days();
    let days_left = (open.ends_on - locked.today()).num_days().clamp(0, days);
    let before = Before { plan: open.plan, status: open.status, fee: open.fee, days, days_left };
    let wanted_fee = fee(conn, wanted, paid_in).await?;
    let (plan, fee, next_plan, charge) = match decide(&before, wanted, wanted_fee)? {
        Change::Keep => (open.plan, open.fee, None, None),
        Change::Later(next) => (open.plan, open.fee, Some(next), None),
        Change::Now { plan, fee, charge } => (plan, fee, None, charge),
    };
    if plan == open.plan && next_plan == open.next_plan {
        return Ok(None);
    }
    sqlx::query!(
        "UPDATE plan_subscriptions SET plan = $2, fee_minor = $3, next_plan = $4 WHERE id = $1",
        open.id.0,
        plan.name(),
        fee.minor(),
        next_plan.map(Plan::name),
    )
    .execute(&mut *conn)
    .await?;
    let owed = match charge {
        Some(amount) => {
            let (subscription, term, kind, due_at) = (open.id, open.term, PlanChargeKind::Upgrade, locked.now);
            Some(owe(conn, &NewCharge { subscription, term, kind, plan, amount, due_at }).await?)
        }
        None => None,
    };
    let data =
        json!({"subscription": open.id, "plan": plan.name(), "next_plan": next_plan.map(Plan::name), "charge": charge});
    write_down(conn, locked.org, actor, "plan.change", data).await?;
    put_on(conn, locked, actor, plan).await?;
    Ok(owed)
}
