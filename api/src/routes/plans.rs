//! Plans, an organisation's subscription to one, and what it owes for it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::plans::{ActError, ChargePlan, choose};
use market::identity::{MemberRole, Plan};
use market::ids::PlanChargeId;
use market::plans::model::{OfferedPlan, OrgPlan, PlanCharge};
use market::plans::rules::change::ChangeRefusal;
use market::plans::store::{self, PlanError};
use queue::enqueue::Enqueue;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Currency;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::payments::provider;
use crate::auth::Caller;
use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Idempotent, Made};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_plans))
        .routes(routes!(get_subscription, choose_plan))
        .routes(routes!(cancel_subscription))
        .routes(routes!(list_plan_charges))
        .routes(routes!(get_plan_charge))
        .routes(routes!(pay_plan_charge))
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        let text = error.to_string();
        match error {
            PlanError::NotFound(what) => Self::not_found(what),
            PlanError::Refused(ChangeRefusal::PastDue) => Self::conflict("past_due", text),
            PlanError::Refused(ChangeRefusal::NotOffered) => {
                Self::unprocessable("plan_not_offered", "the plan cannot be chosen").at("/plan", text)
            }
            PlanError::Currency => Self::conflict("subscription_currency", text),
            PlanError::Agreed(_) => Self::conflict("plan_agreed", text),
            PlanError::ChargeEnded(_) => Self::conflict("charge_paid", text),
            PlanError::Paying => Self::conflict("payment_running", text),
            PlanError::TooManyAttempts => Self::conflict("too_many_payments", text),
            PlanError::NoSuchDay | PlanError::OtherAmount { .. } | PlanError::OtherName => Self::internal(error),
            PlanError::Ledger(error) => Self::internal(error),
            PlanError::Money(error) => Self::internal(error),
            PlanError::Sql(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Plan(error) => error.into(),
            ActError::Mail(error) => error.into(),
        }
    }
}

/// Every plan.
#[derive(Debug, Serialize, ToSchema)]
struct Plans {
    /// The cheapest first.
    #[schema(max_items = 4)]
    items: Vec<OfferedPlan>,
}

/// List the plans
///
/// What each costs a month and allows.
#[utoipa::path(get, path = "/v1/plans", tag = "orgs", security(()), responses(
    (status = 200, description = "All of them", body = Plans),
))]
async fn list_plans(State(state): State<AppState>) -> Result<Response> {
    let items = store::plans(&mut *state.db.acquire().await?).await?;
    Ok(caching::shared(Plans { items }))
}

/// Read an organisation's plan
///
/// With its subscription, if it has one.
#[utoipa::path(get, path = "/v1/orgs/{org}/subscription", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "The plan", body = OrgPlan),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_subscription(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
) -> Result<Json<OrgPlan>> {
    caller.member(org, MemberRole::Viewer)?;
    Ok(Json(store::of_org(&mut *state.db.acquire().await?, org).await?))
}

/// The plan that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChoosePlan {
    plan: Plan,
    /// What the fee is paid in: EUR unless said. It stays until the subscription ends.
    currency: Option<Currency>,
}

/// Choose a plan
///
/// By owners. A better plan holds at once, and is charged for the days that are left of the term; a lesser one follows when the
/// term is over, and with `free` the subscription ends then. The plan that the organisation has already takes such a change back.
#[utoipa::path(put, path = "/v1/orgs/{org}/subscription", tag = "orgs", params(("org" = OrgId, Path)), request_body = ChoosePlan, responses(
    (status = 200, description = "The plan; what is owed for it is among the charges", body = OrgPlan),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`past_due`: what is owed is paid first; `subscription_currency`; `plan_agreed`: the platform changes it"),
    (status = 422, description = "`plan_not_offered`"),
))]
async fn choose_plan(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
    Json(body): Json<ChoosePlan>,
) -> Result<Json<OrgPlan>> {
    caller.member(org, MemberRole::Owner)?;
    let mut tx = state.ledger.begin().await?;
    choose(&mut tx, org, caller.user, body.plan, body.currency).await?;
    let plan = store::of_org(&mut tx, org).await?;
    tx.commit().await?;
    Ok(Json(plan))
}

/// Cancel an organisation's subscription
///
/// By owners. It ends with its term; until then it can be taken back by choosing the plan again.
#[utoipa::path(post, path = "/v1/orgs/{org}/subscription/cancel", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "The plan", body = OrgPlan),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`plan_agreed`: the platform changes it"),
))]
async fn cancel_subscription(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
) -> Result<Json<OrgPlan>> {
    caller.member(org, MemberRole::Owner)?;
    let mut tx = state.ledger.begin().await?;
    choose(&mut tx, org, caller.user, Plan::Free, None).await?;
    let plan = store::of_org(&mut tx, org).await?;
    tx.commit().await?;
    Ok(Json(plan))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListPlanCharges {
    /// The `next` of an earlier page.
    after: Option<PlanChargeId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List what an organisation owes and has paid for its plan, newest first
#[utoipa::path(get, path = "/v1/orgs/{org}/plan-charges", tag = "orgs", params(("org" = OrgId, Path), ListPlanCharges), responses(
    (status = 200, description = "A page", body = Page<PlanCharge>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_plan_charges(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
    Query(query): Query<ListPlanCharges>,
) -> Result<Json<Page<PlanCharge>>> {
    caller.member(org, MemberRole::Viewer)?;
    let mut conn = state.db.acquire().await?;
    let rows = store::charges(&mut conn, org, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |charge| charge.id.to_string(), |charge| charge)))
}

/// Read what an organisation owes or has paid
#[utoipa::path(get, path = "/v1/orgs/{org}/plan-charges/{charge}", tag = "orgs",
    params(("org" = OrgId, Path), ("charge" = PlanChargeId, Path)), responses(
    (status = 200, description = "The charge, with the last attempt to pay it", body = PlanCharge),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_plan_charge(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, PlanChargeId)>,
) -> Result<Json<PlanCharge>> {
    caller.member(org, MemberRole::Viewer)?;
    let found = store::charge(&mut *state.db.acquire().await?, org, id).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("charge"))
}

/// How to pay for a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PayPlan {
    /// The payment provider's name for the way to pay, as for a checkout.
    #[schema(min_length = 1, max_length = 200, example = "card")]
    method: String,
}

/// Pay what an organisation owes for its plan
///
/// By owners. The answer comes before the provider's: read the charge until it is `paid` or its payment `failed`, and send the payer
/// to `confirm_at` if their bank wants to ask them.
#[utoipa::path(post, path = "/v1/orgs/{org}/plan-charges/{charge}/pay", tag = "orgs", request_body = PayPlan, params(
    ("org" = OrgId, Path), ("charge" = PlanChargeId, Path),
    ("Idempotency-Key" = String, Header, description = "A new one for each attempt; the same again gets the same answer"),
), responses(
    (status = 202, description = "The provider is asked", body = PlanCharge, headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`charge_paid`; `payment_running`; `too_many_payments`: a charge is paid in at most 100 attempts; `no_provider`: nobody can pay here"),
    (status = 422, description = "`invalid_value`"),
))]
async fn pay_plan_charge(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, PlanChargeId)>,
    Idempotent { key, body }: Idempotent<PayPlan>,
) -> Result<Response> {
    caller.member(org, MemberRole::Owner)?;
    let method = body.method.trim();
    if !(1..=200).contains(&method.chars().count()) || method.chars().any(char::is_control) {
        let problem = Problem::unprocessable("invalid_value", "the way to pay is not usable");
        return Err(problem.at("/method", "expected 1 to 200 characters on one line"));
    }
    let provider = provider(&state)?;
    key.once(&state.ledger, org.0, StatusCode::ACCEPTED, async |tx| {
        let (payment, charge) = store::begin(tx, org, caller.user, id, provider, method).await?;
        let job = tx.enqueue_with(Enqueue::new(&ChargePlan { payment }).tenant(org)).await?.id();
        Ok(Made::at(format!("/v1/orgs/{org}/plan-charges/{id}"), charge).by(Some(job)))
    })
    .await
}

#[cfg(test)]
mod tests;
