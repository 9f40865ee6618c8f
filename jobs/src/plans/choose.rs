//! Choosing a plan, with the mail that follows.

use market::emails::model::PlanEvent;
use market::identity::Plan;
use market::plans::store::{self, PlanError};
use queue::JobTx;
use shared::ids::{OrgId, UserId};
use shared::money::Currency;

use super::mail;
use crate::emails::MailError;

/// Why nothing was chosen.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Subscribes an organisation to a plan or changes it, and tells the owners what they owe for it.
pub async fn choose(
    tx: &mut JobTx,
    org: OrgId,
    by: UserId,
    wanted: Plan,
    currency: Option<Currency>,
) -> Result<(), ActError> {
    let chosen = store::choose(tx, org, by, wanted, currency).await?;
    if let Some(charge) = chosen.charge {
        mail::news(tx, charge, PlanEvent::Charged).await?;
    }
    Ok(())
}
