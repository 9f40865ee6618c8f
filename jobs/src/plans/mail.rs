//! Mail about what is owed and paid for plans, to the organisation's owners.

use market::emails::model::{Content, OwedForPlan, PlanEvent, PlanNews, PlanNotOffered};
use market::identity::store as identity;
use market::identity::{MemberRole, Plan};
use market::ids::{PlanChargeId, PlanSubscriptionId};
use market::plans::model::PlanCharge;
use market::plans::rules::dunning::LAPSE;
use market::plans::store;
use queue::JobTx;
use shared::ids::{OrgId, UserId};
use shared::money::Money;

use crate::emails::{MailError, post_to};

/// Tells the owners what has happened to a charge, once. A payment that has failed is told of each time.
pub async fn news(tx: &mut JobTx, id: PlanChargeId, event: PlanEvent) -> Result<(), MailError> {
    let org = store::org_of_charge(tx, id).await?.ok_or(MailError::Missing("whoever owes a charge"))?;
    let charge = store::charge(tx, org, id).await?.ok_or(MailError::Missing("a charge"))?;
    let what = match event {
        PlanEvent::Charged => "charged".to_owned(),
        PlanEvent::Reminded(number) => format!("reminded:{number}"),
        PlanEvent::Failed => format!("failed:{}", charge.payment.as_ref().map_or(0, |payment| payment.attempt)),
        PlanEvent::Paid | PlanEvent::Restored => "paid".to_owned(),
        PlanEvent::Lapsed => return lapsed(tx, charge.subscription).await,
    };
    let content = about(&charge, event);
    let owners = owners(tx, org).await?;
    post_to(tx, &owners, &format!("{id}:{what}"), &Content::PlanNews(content)).await?;
    Ok(())
}

fn about(charge: &PlanCharge, event: PlanEvent) -> PlanNews {
    PlanNews {
        event,
        plan: charge.plan,
        charge: charge.id,
        amount: charge.amount,
        lapses_at: charge.due_at + LAPSE,
        owed: Vec::new(),
    }
}

/// Tells the owners, once, that their plan has ended because nobody has paid: of all that lapsed with it together.
async fn lapsed(tx: &mut JobTx, subscription: PlanSubscriptionId) -> Result<(), MailError> {
    let Some((org, plan, owed)) = owing(tx, subscription).await? else { return Ok(()) };
    match owed.as_slice() {
        [] => Ok(()),
        [charge] => post_lapsed(tx, org, about(charge, PlanEvent::Lapsed)).await,
        charges => post_all(tx, org, plan, charges).await,
    }
}

/// Tells the owners what is left to pay of a plan that has ended for another reason, if anything is.
pub async fn left_owing(tx: &mut JobTx, subscription: PlanSubscriptionId) -> Result<(), MailError> {
    let Some((org, plan, owed)) = owing(tx, subscription).await? else { return Ok(()) };
    post_all(tx, org, plan, &owed).await
}

/// Tells the owners that a plan which was to follow cannot be had any more.
pub async fn not_offered(tx: &mut JobTx, subscription: PlanSubscriptionId, plan: Plan) -> Result<(), MailError> {
    let (org, _) = store::subscriber(tx, subscription).await?.ok_or(MailError::Missing("a subscription"))?;
    let owners = owners(tx, org).await?;
    let content = Content::PlanNotOffered(PlanNotOffered { subscription, plan });
    post_to(tx, &owners, &subscription.to_string(), &content).await?;
    Ok(())
}

/// Who owes for a subscription that has ended, the plan that it was on, and what is owed.
async fn owing(
    tx: &mut JobTx,
    subscription: PlanSubscriptionId,
) -> Result<Option<(OrgId, Plan, Vec<PlanCharge>)>, MailError> {
    let Some((org, plan)) = store::subscriber(tx, subscription).await? else { return Ok(None) };
    let mut owed = Vec::new();
    for id in store::lapsed(tx, subscription).await? {
        owed.push(store::charge(tx, org, id).await?.ok_or(MailError::Missing("a charge"))?);
    }
    Ok(Some((org, plan, owed)))
}

/// All charges of a subscription are in its currency.
async fn post_all(tx: &mut JobTx, org: OrgId, plan: Plan, charges: &[PlanCharge]) -> Result<(), MailError> {
    let Some(first) = charges.first() else { return Ok(()) };
    let total: i64 = charges.iter().map(|charge| charge.amount.minor()).sum();
    let owed = charges.iter().map(|charge| OwedForPlan { plan: charge.plan, amount: charge.amount }).collect();
    let amount = Money::from_minor(total, first.amount.currency());
    post_lapsed(tx, org, PlanNews { plan, amount, owed, ..about(first, PlanEvent::Lapsed) }).await
}

async fn post_lapsed(tx: &mut JobTx, org: OrgId, content: PlanNews) -> Result<(), MailError> {
    let reference = format!("{}:lapsed", content.charge);
    let owners = owners(tx, org).await?;
    post_to(tx, &owners, &reference, &Content::PlanNews(content)).await?;
    Ok(())
}

async fn owners(tx: &mut JobTx, org: OrgId) -> Result<Vec<UserId>, MailError> {
    let members = identity::members(tx, org).await?;
    Ok(members.iter().filter(|member| member.role == MemberRole::Owner).map(|member| member.user).collect())
}
