//! What follows from a decision about a payout or an account, in the transaction of the decision.

use jobs::payouts::{CheckPayoutAccount, SendPayout, mail};
use market::ids::{PayoutAccountId, PayoutId};
use market::payments::{Account, AccountState, Disbursement, Provider};
use market::payouts::store::{self, Begun, Opening, Sending, Sent};
use queue::JobTx;
use queue::enqueue::Enqueue;
use shared::ids::OrgId;
use shared::money::Currency;

/// Begins to pay out what a seller has earned in one currency, or goes on with what waits.
pub(super) async fn begin(tx: &mut JobTx, org: OrgId, currency: Currency, provider: Provider) -> anyhow::Result<Begun> {
    let begun = store::begin(tx, org, currency, provider).await?;
    match begun {
        Begun::Nothing => {}
        Begun::Waiting { payout, amount } => mail::account_needed(tx, org, payout, amount).await?,
        Begun::Intended(payout) => {
            let _ = tx.enqueue_with(Enqueue::new(&SendPayout { payout }).tenant(org)).await?;
        }
    }
    Ok(begun)
}

/// Writes down how an account is; whether anything is new. What waits for it goes on.
pub(crate) async fn follow_account(
    tx: &mut JobTx,
    id: PayoutAccountId,
    opening: &Opening,
    found: &Account,
) -> anyhow::Result<bool> {
    let news = store::settle_account(tx, id, found).await?;
    if found.state == AccountState::Active {
        for currency in store::waiting(tx, opening.org).await? {
            begin(tx, opening.org, currency, opening.provider).await?;
        }
    }
    Ok(news)
}

/// Writes down what became of a payout's way to the bank.
pub(crate) async fn follow_payout(
    tx: &mut JobTx,
    id: PayoutId,
    sending: &Sending,
    found: &Disbursement,
) -> anyhow::Result<Sent> {
    let sent = store::settle(tx, id, sending.attempt, found).await?;
    match sent {
        Sent::Paid { org, amount } => mail::sent(tx, org, id, amount).await?,
        // The account may be at fault.
        Sent::Waiting => {
            let _ = tx.enqueue(&CheckPayoutAccount { account: sending.account_id }).await?;
        }
        Sent::Pending | Sent::NothingNew => {}
    }
    Ok(sent)
}
