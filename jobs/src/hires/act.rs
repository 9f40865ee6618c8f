//! The choice of days, with the mails that follow.

use chrono::NaiveDate;
use market::hires::store::{self, HireError};
use market::ids::OrderId;
use queue::JobTx;
use shared::ids::OrgId;

use super::mail;
use crate::emails::MailError;

/// Why a line does not get its days.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Hire(#[from] HireError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Gives a line of `buyer`'s order these days instead of those that it has, and tells both sides if they are others. After an error the
/// transaction must be rolled back.
pub async fn hire(
    tx: &mut JobTx,
    buyer: OrgId,
    order: OrderId,
    line: i16,
    days: &[NaiveDate],
) -> Result<Vec<NaiveDate>, ActError> {
    let hired = store::hire(tx, buyer, order, line, days).await?;
    if let Some(at) = hired.changed_at {
        mail::hired(tx, order, line, &hired.days, at).await?;
    }
    Ok(hired.days)
}
