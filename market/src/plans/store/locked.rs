//! An organisation under its lock, with its subscription.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::PlanError;
use crate::identity::Plan;
use crate::ids::{PlanChargeId, PlanSubscriptionId};
use crate::plans::model::{PlanChargeKind, PlanLimits, SubscriptionStatus};
use crate::plans::rules::dunning;
use crate::reports::rules::start_of_day;

/// An organisation whose row this transaction has locked.
pub(super) struct Locked {
    pub(super) org: OrgId,
    pub(super) plan: Plan,
    pub(super) zone: Tz,
    /// The clock after the lock.
    pub(super) now: DateTime<Utc>,
    pub(super) subscription: Option<Open>,
    /// Whether it has ever subscribed.
    pub(super) subscribed: bool,
    /// Whether something is owed for a subscription that has ended.
    pub(super) owes: bool,
    /// Whether its only owner has left, so that nobody can pay or cancel.
    pub(super) abandoned: bool,
}

/// A subscription that has not ended.
pub(super) struct Open {
    pub(super) id: PlanSubscriptionId,
    pub(super) plan: Plan,
    pub(super) fee: Money,
    pub(super) status: SubscriptionStatus,
    pub(super) next_plan: Option<Plan>,
    pub(super) anchor_day: i16,
    pub(super) term: i32,
    pub(super) starts_on: NaiveDate,
    pub(super) ends_on: NaiveDate,
    pub(super) ends_at: DateTime<Utc>,
}

impl Locked {
    /// The day that it is where the organisation is.
    pub(super) fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    /// The first instant of a day where the organisation is.
    pub(super) fn start_of(&self, day: NaiveDate) -> Result<DateTime<Utc>, PlanError> {
        start_of_day(day, self.zone).ok_or(PlanError::NoSuchDay)
    }
}

/// Locks an organisation.
pub(super) async fn lock(conn: &mut PgConnection, org: OrgId) -> Result<Locked, PlanError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM orgs WHERE id = $1 FOR NO KEY UPDATE", org.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT plan AS "plan: Plan", time_zone, clock_timestamp() AS "now!", abandoned_at IS NOT NULL AS "abandoned!",
                  EXISTS (SELECT FROM plan_subscriptions WHERE org_id = $1) AS "subscribed!",
                  EXISTS (SELECT FROM plan_charges AS c
                          JOIN plan_subscriptions AS s ON s.id = c.subscription_id
                          WHERE s.org_id = $1 AND c.status = 'lapsed') AS "owes!"
           FROM orgs
           WHERE id = $1"#,
        org.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(PlanError::NotFound("organisation"))?;
    let open = sqlx::query!(
        r#"SELECT s.id AS "id: PlanSubscriptionId", s.plan AS "plan: Plan", s.fee_minor, s.currency AS "currency: Currency",
                  s.status AS "status: SubscriptionStatus", s.next_plan AS "next_plan: Plan", s.anchor_day, s.term, t.starts_on,
                  t.ends_on, t.ends_at
           FROM plan_subscriptions AS s
           JOIN plan_terms AS t ON t.subscription_id = s.id AND t.number = s.term
           WHERE s.org_id = $1 AND s.status <> 'cancelled'"#,
        org.0,
    )
    .fetch_optional(conn)
    .await?;
    let subscription = open.map(|open| Open {
        id: open.id,
        plan: open.plan,
        fee: Money::from_minor(open.fee_minor, open.currency),
        status: open.status,
        next_plan: open.next_plan,
        anchor_day: open.anchor_day,
        term: open.term,
        starts_on: open.starts_on,
        ends_on: open.ends_on,
        ends_at: open.ends_at,
    });
    Ok(Locked {
        org,
        plan: row.plan,
        // Only names that chrono-tz knows get in there.
        zone: row.time_zone.parse().unwrap_or(Tz::UTC),
        now: row.now,
        subscription,
        subscribed: row.subscribed,
        owes: row.owes,
        abandoned: row.abandoned,
    })
}

/// Puts an organisation that is locked on a plan, if it is on another one.
pub(super) async fn put_on(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Actor,
    plan: Plan,
) -> Result<(), sqlx::Error> {
    if locked.plan == plan {
        return Ok(());
    }
    sqlx::query!("UPDATE orgs SET plan = $2 WHERE id = $1", locked.org.0, plan.name()).execute(&mut *conn).await?;
    let data = json!({"from": locked.plan.name(), "to": plan.name()});
    write_down(conn, locked.org, actor, "org.change_plan", data).await
}

pub(super) async fn write_down(
    conn: &mut PgConnection,
    org: OrgId,
    actor: Actor,
    action: &str,
    data: Value,
) -> Result<(), sqlx::Error> {
    let subject = ("org", org.to_string());
    audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(())
}

/// What a plan costs in a currency; `None`: it cannot be chosen, or is free.
pub(super) async fn fee(conn: &mut PgConnection, plan: Plan, currency: Currency) -> Result<Option<Money>, sqlx::Error> {
    let minor = sqlx::query_scalar!(
        "SELECT f.fee_minor
         FROM plan_fees AS f
         JOIN plans AS p ON p.code = f.plan
         WHERE f.plan = $1 AND f.currency = $2 AND p.offered",
        plan.name(),
        currency.code(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(minor.map(|minor| Money::from_minor(minor, currency)))
}

/// Something to be owed.
pub(super) struct NewCharge {
    pub(super) subscription: PlanSubscriptionId,
    pub(super) term: i32,
    pub(super) kind: PlanChargeKind,
    pub(super) plan: Plan,
    pub(super) amount: Money,
    pub(super) due_at: DateTime<Utc>,
}

/// Makes a charge.
pub(super) async fn owe(conn: &mut PgConnection, new: &NewCharge) -> Result<PlanChargeId, sqlx::Error> {
    let id = PlanChargeId::generate();
    sqlx::query!(
        "INSERT INTO plan_charges (id, subscription_id, term, kind, plan, amount_minor, currency, due_at, act_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.0,
        new.subscription.0,
        new.term,
        new.kind as PlanChargeKind,
        new.plan.name(),
        new.amount.minor(),
        new.amount.currency().code(),
        new.due_at,
        dunning::next(new.due_at, 0),
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Ends a subscription of an organisation that is locked, which falls to the free plan. What is still owed lapses.
pub(super) async fn end(
    conn: &mut PgConnection,
    locked: &Locked,
    actor: Actor,
    subscription: PlanSubscriptionId,
    why: &str,
) -> Result<(), PlanError> {
    sqlx::query!(
        "UPDATE plan_charges
         SET status = 'lapsed', act_at = NULL, ended_at = clock_timestamp()
         WHERE subscription_id = $1 AND status = 'open'",
        subscription.0,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE plan_subscriptions
         SET status = 'cancelled', next_plan = NULL, ended_at = clock_timestamp()
         WHERE id = $1",
        subscription.0,
    )
    .execute(&mut *conn)
    .await?;
    let data = json!({"subscription": subscription, "why": why});
    write_down(conn, locked.org, actor, "plan.end", data).await?;
    put_on(conn, locked, actor, Plan::Free).await?;
    Ok(())
}

/// What an organisation may do on its plan: what the free plan allows while it has not paid.
pub async fn limits(conn: &mut PgConnection, org: OrgId) -> Result<PlanLimits, sqlx::Error> {
    let most = sqlx::query_scalar!(
        "SELECT p.most_listings
         FROM orgs AS o
         LEFT JOIN plan_subscriptions AS s ON s.org_id = o.id AND s.status = 'past_due'
         JOIN plans AS p ON p.code = CASE WHEN s.id IS NULL THEN o.plan ELSE 'free' END
         WHERE o.id = $1",
        org.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(PlanLimits { published_listings: most.flatten() })
}
