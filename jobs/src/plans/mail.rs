//! Mail about what is owed and paid for plans, to the organisation's owners.

use market::emails::model::{Content, PlanEvent, PlanNews};
use market::identity::MemberRole;
use market::identity::store as identity;
use market::ids::PlanChargeId;
use market::plans::rules::dunning::LAPSE;
use market::plans::store;
use queue::JobTx;

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
        PlanEvent::Lapsed => "lapsed".to_owned(),
    };
    let content = Content::PlanNews(PlanNews {
        event,
        plan: charge.plan,
        charge: id,
        amount: charge.amount,
        lapses_at: charge.due_at + LAPSE,
    });
    let members = identity::members(tx, org).await?;
    let owners: Vec<_> =
        members.iter().filter(|member| member.role == MemberRole::Owner).map(|member| member.user).collect();
    post_to(tx, &owners, &format!("{id}:{what}"), &content).await?;
    Ok(())
}
