//! What organisations read, and what jobs look for.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::PlanError;
use super::locked::limits;
use crate::escrow::model::PaymentStatus;
use crate::escrow::store::seconds;
use crate::identity::Plan;
use crate::ids::{PaymentId, PlanChargeId, PlanSubscriptionId};
use crate::payments::{Provider, ProviderRef};
use crate::plans::model::{
    OfferedPlan, OrgPlan, PlanCharge, PlanChargeKind, PlanChargeStatus, PlanCommission, PlanLimits, PlanPayment,
    PlanSubscription, SubscriptionStatus,
};

/// Every plan, the cheapest first.
pub async fn plans(conn: &mut PgConnection) -> Result<Vec<OfferedPlan>, sqlx::Error> {
    let fees = sqlx::query!(
        r#"SELECT plan AS "plan: Plan", currency AS "currency: Currency", fee_minor FROM plan_fees ORDER BY currency"#,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut by_plan: HashMap<Plan, Vec<Money>> = HashMap::new();
    for fee in fees {
        by_plan.entry(fee.plan).or_default().push(Money::from_minor(fee.fee_minor, fee.currency));
    }
    let rows = sqlx::query!(
        r#"SELECT p.code AS "plan: Plan", p.offered, p.trial_days, p.most_listings, c.revision AS "revision?",
                  c.fee_bps AS "fee_bps?"
           FROM plans AS p
           LEFT JOIN LATERAL (
               SELECT revision, fee_bps
               FROM commission_rates
               WHERE plan = p.code AND category_id IS NULL
               ORDER BY revision DESC
               LIMIT 1) AS c ON true
           ORDER BY array_position(ARRAY['free', 'standard', 'pro', 'partner'], p.code)"#,
    )
    .fetch_all(conn)
    .await?;
    let plans = rows.into_iter().map(|row| OfferedPlan {
        plan: row.plan,
        offered: row.offered,
        trial_days: row.trial_days,
        fees: by_plan.remove(&row.plan).unwrap_or_default(),
        limits: PlanLimits { published_listings: row.most_listings },
        commission: row.revision.zip(row.fee_bps).map(|(revision, fee_bps)| PlanCommission { revision, fee_bps }),
    });
    Ok(plans.collect())
}

/// The plan that an organisation is on.
pub async fn of_org(conn: &mut PgConnection, org: OrgId) -> Result<OrgPlan, PlanError> {
    let plan = sqlx::query_scalar!(r#"SELECT plan AS "plan: Plan" FROM orgs WHERE id = $1"#, org.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(PlanError::NotFound("organisation"))?;
    let row = sqlx::query!(
        r#"SELECT s.id AS "id: PlanSubscriptionId", s.plan AS "plan: Plan", s.status AS "status: SubscriptionStatus", s.fee_minor,
                  s.currency AS "currency: Currency", s.next_plan AS "next_plan: Plan", s.term, t.starts_on, t.ends_on, t.starts_at,
                  t.ends_at, s.ended_at
           FROM plan_subscriptions AS s
           JOIN plan_terms AS t ON t.subscription_id = s.id AND t.number = s.term
           WHERE s.org_id = $1 AND s.status <> 'cancelled'"#,
        org.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let subscription = row.map(|row| PlanSubscription {
        id: row.id,
        plan: row.plan,
        status: row.status,
        fee: Money::from_minor(row.fee_minor, row.currency),
        next_plan: row.next_plan,
        term: row.term,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        starts_at: row.starts_at,
        ends_at: row.ends_at,
        ended_at: row.ended_at,
    });
    Ok(OrgPlan { plan, limits: limits(conn, org).await?, subscription })
}

struct ChargeRow {
    id: PlanChargeId,
    subscription: PlanSubscriptionId,
    kind: PlanChargeKind,
    plan: Plan,
    amount_minor: i64,
    currency: Currency,
    status: PlanChargeStatus,
    term: i32,
    starts_on: NaiveDate,
    ends_on: NaiveDate,
    due_at: DateTime<Utc>,
    reminders: i16,
    ended_at: Option<DateTime<Utc>>,
    payment: Option<PaymentId>,
    attempt: Option<i16>,
    provider: Option<Provider>,
    payment_status: Option<PaymentStatus>,
    failure: Option<String>,
    confirm_at: Option<String>,
}

impl From<ChargeRow> for PlanCharge {
    fn from(row: ChargeRow) -> Self {
        let attempt = row.payment.zip(row.attempt).zip(row.provider.zip(row.payment_status));
        let payment = attempt.map(|((id, attempt), (provider, status))| PlanPayment {
            id,
            attempt,
            provider,
            status,
            failure: row.failure,
            confirm_at: row.confirm_at,
        });
        Self {
            id: row.id,
            subscription: row.subscription,
            kind: row.kind,
            plan: row.plan,
            amount: Money::from_minor(row.amount_minor, row.currency),
            status: row.status,
            term: row.term,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            due_at: row.due_at,
            reminders: row.reminders,
            ended_at: row.ended_at,
            payment,
        }
    }
}

/// What an organisation owes or has paid, the newest first: those before `before`, or the one that is named.
async fn read(
    conn: &mut PgConnection,
    org: OrgId,
    one: Option<PlanChargeId>,
    before: Option<PlanChargeId>,
    limit: i64,
) -> Result<Vec<PlanCharge>, sqlx::Error> {
    let rows = sqlx::query_as!(
        ChargeRow,
        r#"SELECT c.id AS "id: PlanChargeId", c.subscription_id AS "subscription: PlanSubscriptionId", c.kind AS "kind: PlanChargeKind",
                  c.plan AS "plan: Plan", c.amount_minor, c.currency AS "currency: Currency", c.status AS "status: PlanChargeStatus",
                  c.term, t.starts_on, t.ends_on, c.due_at, c.reminders, c.ended_at,
                  p.id AS "payment?: PaymentId", p.attempt AS "attempt?", p.provider AS "provider?: Provider",
                  p.status AS "payment_status?: PaymentStatus", p.failure AS "failure?", p.confirm_at AS "confirm_at?"
           FROM plan_charges AS c
           JOIN plan_subscriptions AS s ON s.id = c.subscription_id
           JOIN plan_terms AS t ON t.subscription_id = c.subscription_id AND t.number = c.term
           LEFT JOIN LATERAL (
               SELECT id, attempt, provider, status, failure, confirm_at
               FROM plan_payments
               WHERE charge_id = c.id
               ORDER BY attempt DESC
               LIMIT 1) AS p ON true
           WHERE s.org_id = $1 AND ($2::uuid IS NULL OR c.id = $2) AND ($3::uuid IS NULL OR c.id < $3)
           ORDER BY c.id DESC
           LIMIT $4"#,
        org.0,
        one.map(|one| one.0),
        before.map(|before| before.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PlanCharge::from).collect())
}

/// A charge of `org`.
pub async fn charge(conn: &mut PgConnection, org: OrgId, id: PlanChargeId) -> Result<Option<PlanCharge>, sqlx::Error> {
    Ok(read(conn, org, Some(id), None, 1).await?.pop())
}

/// What an organisation owes or has paid, the newest first.
pub async fn charges(
    conn: &mut PgConnection,
    org: OrgId,
    before: Option<PlanChargeId>,
    limit: i64,
) -> Result<Vec<PlanCharge>, sqlx::Error> {
    read(conn, org, None, before, limit).await
}

/// Whose subscription it is; that never changes, so that it needs no lock.
pub(super) async fn org_of(conn: &mut PgConnection, id: PlanSubscriptionId) -> Result<Option<OrgId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT org_id AS "org: OrgId" FROM plan_subscriptions WHERE id = $1"#, id.0)
        .fetch_optional(conn)
        .await
}

/// Who owes a charge.
pub async fn org_of_charge(conn: &mut PgConnection, id: PlanChargeId) -> Result<Option<OrgId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.org_id AS "org: OrgId"
           FROM plan_charges AS c
           JOIN plan_subscriptions AS s ON s.id = c.subscription_id
           WHERE c.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Who makes a payment.
pub async fn org_of_payment(conn: &mut PgConnection, id: PaymentId) -> Result<Option<OrgId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.org_id AS "org: OrgId"
           FROM plan_payments AS p
           JOIN plan_charges AS c ON c.id = p.charge_id
           JOIN plan_subscriptions AS s ON s.id = c.subscription_id
           WHERE p.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await
}

/// Whose a subscription is, and on which plan.
pub async fn subscriber(conn: &mut PgConnection, id: PlanSubscriptionId) -> Result<Option<(OrgId, Plan)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT org_id AS "org: OrgId", plan AS "plan: Plan" FROM plan_subscriptions WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.org, row.plan)))
}

/// The charges that were open when a subscription ended, and are not paid since; the oldest first.
pub async fn lapsed(conn: &mut PgConnection, id: PlanSubscriptionId) -> Result<Vec<PlanChargeId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PlanChargeId"
           FROM plan_charges
           WHERE subscription_id = $1
             AND status = 'lapsed'
           ORDER BY id"#,
        id.0,
    )
    .fetch_all(conn)
    .await
}

/// What is due: subscriptions whose term is over, with its number, and charges about which something is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub terms: Vec<(PlanSubscriptionId, i32)>,
    pub charges: Vec<PlanChargeId>,
}

/// What has been due longest, at most `most` of each.
pub async fn due(conn: &mut PgConnection, most: i64) -> Result<Due, sqlx::Error> {
    let terms = sqlx::query!(
        r#"SELECT id AS "id: PlanSubscriptionId", term
           FROM plan_subscriptions
           WHERE status <> 'cancelled' AND renews_at <= clock_timestamp()
           ORDER BY renews_at, id
           LIMIT $1"#,
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    let charges = sqlx::query_scalar!(
        r#"SELECT id AS "id: PlanChargeId"
           FROM plan_charges
           WHERE status = 'open' AND act_at <= clock_timestamp()
           ORDER BY act_at, id
           LIMIT $1"#,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(Due { terms: terms.into_iter().map(|row| (row.id, row.term)).collect(), charges })
}

/// The oldest `most` payments that nobody has decided for so long.
pub async fn unsettled(conn: &mut PgConnection, age: TimeDelta, most: i64) -> Result<Vec<PaymentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentId"
           FROM plan_payments
           WHERE status IN ('created', 'funding') AND created_at < clock_timestamp() - make_interval(secs => $1)
           ORDER BY created_at, id
           LIMIT $2"#,
        seconds(age),
        most,
    )
    .fetch_all(conn)
    .await
}

/// The payment that a provider calls so.
pub(crate) async fn named(
    conn: &mut PgConnection,
    provider: Provider,
    name: &ProviderRef,
) -> Result<Option<PaymentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentId" FROM plan_payments WHERE provider = $1 AND provider_ref = $2"#,
        provider as Provider,
        name.0,
    )
    .fetch_optional(conn)
    .await
}
