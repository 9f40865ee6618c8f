//! Mail to sellers about their payouts, posted in the transaction that makes it true.

use market::emails::model::{Content, PayoutAccountNeeded, PayoutSent};
use market::ids::PayoutId;
use queue::JobTx;
use shared::ids::OrgId;
use shared::money::Money;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Notifies those who trade for the seller that the bank has it.
pub async fn sent(tx: &mut JobTx, org: OrgId, payout: PayoutId, amount: Money) -> Result<(), MailError> {
    let people = traders(tx, org).await?;
    let content = Content::PayoutSent(PayoutSent { payout, amount });
    Ok(post_to(tx, &people, &payout.to_string(), &content).await?)
}

/// Notifies those who trade for the seller that it waits for an account.
pub async fn account_needed(tx: &mut JobTx, org: OrgId, payout: PayoutId, amount: Money) -> Result<(), MailError> {
    let people = traders(tx, org).await?;
    let content = Content::PayoutAccountNeeded(PayoutAccountNeeded { payout, amount });
    Ok(post_to(tx, &people, &payout.to_string(), &content).await?)
}
