use jobs::escrow::SendRefund;
use market::escrow::store;
use market::payments::{Call, Found};
use queue::{Handler, Outcome};

use super::asked::{LOOK_AGAIN, NotDone, find, follow_refund, gateway, not_done};
use crate::{Cx, Services};

impl Handler<Services> for SendRefund {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let Some(refunding) = store::start_refund(&mut *cx.db().acquire().await?, self.refund).await? else {
            return Ok(Outcome::Done);
        };
        let gateway = gateway(cx, refunding.provider)?;
        let key = self.refund.to_string();
        // The row was committed when the refund was decided, so that any earlier attempt may have asked.
        let asked = match find(gateway, &key, &Call::Refund(refunding.payment.clone())).await {
            Ok(Some(Found::Disbursement(found))) => Ok(found),
            Ok(Some(other)) => anyhow::bail!("the provider made {other:?} with the key of a refund"),
            Ok(None) => gateway.refund(&key, &refunding.payment, refunding.amount).await,
            Err(error) => Err(error),
        };
        let mut tx = cx.begin().await?;
        match asked {
            Ok(found) => {
                if !follow_refund(&mut tx, self.refund, &found).await? {
                    tx.commit().await?;
                    return Ok(Outcome::Snooze(LOOK_AGAIN));
                }
            }
            Err(error) => match not_done(error)? {
                NotDone::Later(outcome) => return Ok(outcome),
                NotDone::Never(code) => {
                    store::refuse_refund(&mut tx, self.refund).await?;
                    tracing::error!(refund.id = %self.refund, code, "the provider refuses a refund: pay it back in another way");
                }
            },
        }
        cx.commit(tx).await
    }
}
