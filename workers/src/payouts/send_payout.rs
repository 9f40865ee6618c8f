use anyhow::Context;
use jobs::payouts::{CheckPayoutAccount, SendPayout};
use market::ids::PayoutId;
use market::payments::{Call, Disbursement, Found};
use market::payouts::store::{self, Sending, Sent, Transferred};
use queue::{Handler, Outcome};

use super::follow_payout;
use crate::escrow::asked::{LOOK_AGAIN, NotDone, find, gateway, not_done};
use crate::payments::gateway::Gateway;
use crate::{Cx, Services};

impl Handler<Services> for SendPayout {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let Some(sending) = store::start(&mut *cx.db().acquire().await?, self.payout).await? else {
            return Ok(Outcome::Done);
        };
        let gateway = gateway(cx, sending.provider)?;
        if !sending.transferred
            && let Some(outcome) = transfer(cx, gateway, self.payout, &sending).await?
        {
            return Ok(outcome);
        }
        if gateway.provider().pays_out_on_request() {
            pay_out(cx, gateway, self.payout, &sending).await
        } else {
            arrived(cx, gateway, self.payout, &sending).await
        }
    }
}

/// Moves it to the seller's account; `None`: it is there.
async fn transfer(cx: &Cx, gateway: &dyn Gateway, id: PayoutId, sending: &Sending) -> anyhow::Result<Option<Outcome>> {
    let (key, account) = (transfer_key(id), &sending.account);
    // The row was committed before, so that any earlier attempt may have asked.
    let asked = match find(gateway, &key, &Call::Transfer(account.clone())).await {
        Ok(Some(found)) => Ok(disbursement(found)?),
        Ok(None) => gateway.transfer(&key, account, sending.amount).await,
        Err(error) => Err(error),
    };
    let mut tx = cx.begin().await?;
    match asked {
        Ok(found) => match store::transferred(&mut tx, id, &found).await? {
            Transferred::There => {
                tx.commit().await?;
                Ok(None)
            }
            Transferred::Pending => Ok(Some(Outcome::Snooze(LOOK_AGAIN))),
            Transferred::Ended => cx.commit(tx).await.map(Some),
        },
        Err(error) => match not_done(error)? {
            NotDone::Later(outcome) => Ok(Some(outcome)),
            NotDone::Never(code) => {
                store::refuse_transfer(&mut tx, id, &code).await?;
                let _ = tx.enqueue(&CheckPayoutAccount { account: sending.account_id }).await?;
                tracing::warn!(payout.id = %id, code, "the provider refuses to move a payout to its account");
                cx.commit(tx).await.map(Some)
            }
        },
    }
}

fn transfer_key(id: PayoutId) -> String {
    format!("{id}-transfer")
}

/// Ends a payout whose provider pays sellers out by itself: what has reached the account is paid.
async fn arrived(cx: &Cx, gateway: &dyn Gateway, id: PayoutId, sending: &Sending) -> anyhow::Result<Outcome> {
    let found = find(gateway, &transfer_key(id), &Call::Transfer(sending.account.clone())).await?;
    let found = disbursement(found.context("the provider does not know its own transfer")?)?;
    let mut tx = cx.begin().await?;
    if follow_payout(&mut tx, id, sending, &found).await? == Sent::Pending {
        tx.commit().await?;
        return Ok(Outcome::Snooze(LOOK_AGAIN));
    }
    cx.commit(tx).await
}

/// Pays it out of the seller's account to the bank.
async fn pay_out(cx: &Cx, gateway: &dyn Gateway, id: PayoutId, sending: &Sending) -> anyhow::Result<Outcome> {
    let (key, account) = (format!("{id}-payout-{}", sending.attempt), &sending.account);
    let asked = match find(gateway, &key, &Call::Payout(account.clone())).await {
        Ok(Some(found)) => Ok(disbursement(found)?),
        Ok(None) => gateway.payout(&key, account, sending.amount).await,
        Err(error) => Err(error),
    };
    let mut tx = cx.begin().await?;
    match asked {
        Ok(found) => {
            if follow_payout(&mut tx, id, sending, &found).await? == Sent::Pending {
                // The provider's name for it is kept, so that its webhook finds it.
                tx.commit().await?;
                return Ok(Outcome::Snooze(LOOK_AGAIN));
            }
        }
        Err(error) => match not_done(error)? {
            NotDone::Later(outcome) => return Ok(outcome),
            NotDone::Never(code) => {
                store::refuse(&mut tx, id, sending.attempt, &code).await?;
                let _ = tx.enqueue(&CheckPayoutAccount { account: sending.account_id }).await?;
                tracing::warn!(payout.id = %id, code, "the provider refuses to pay out of an account");
            }
        },
    }
    cx.commit(tx).await
}

fn disbursement(found: Found) -> anyhow::Result<Disbursement> {
    match found {
        Found::Disbursement(found) => Ok(found),
        other => anyhow::bail!("the provider made {other:?} with the key of a payout"),
    }
}
