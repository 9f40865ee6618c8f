use jobs::plans::{ChargePlan, mail};
use market::emails::model::PlanEvent;
use market::plans::store::{self, PlanSettled};
use queue::{Handler, JobTx, Outcome};

use crate::escrow::asked::{LOOK_AGAIN, NotDone, ask, gateway, not_done};
use crate::{Cx, Services};

impl Handler<Services> for ChargePlan {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // Committed before anybody is asked: whoever goes on after a crash knows that the provider may have the money.
        let mut tx = cx.begin().await?;
        let Some(charging) = store::start_charge(&mut tx, self.payment).await? else {
            return cx.commit(tx).await;
        };
        tx.commit().await?;

        let asked = ask(gateway(cx, charging.provider)?, self.payment, &charging).await;
        let mut tx = cx.begin().await?;
        let settled = match asked {
            Ok(payment) => store::settle(&mut tx, self.payment, &payment).await?,
            Err(error) => match not_done(error)? {
                NotDone::Never(code) => store::refused(&mut tx, self.payment, &code).await?,
                NotDone::Later(outcome) => return Ok(outcome),
            },
        };
        if settled == PlanSettled::Pending {
            // The provider's name for the payment is kept, so that its webhook finds it.
            tx.commit().await?;
            return Ok(Outcome::Snooze(LOOK_AGAIN));
        }
        follow_plan(&mut tx, settled).await?;
        cx.commit(tx).await
    }
}

/// Posts what follows from a payment's decision; whether there was one.
pub(crate) async fn follow_plan(tx: &mut JobTx, settled: PlanSettled) -> anyhow::Result<bool> {
    match settled {
        PlanSettled::Paid { charge, again } => {
            mail::news(tx, charge, if again { PlanEvent::Restored } else { PlanEvent::Paid }).await?;
        }
        PlanSettled::Failed { charge } => mail::news(tx, charge, PlanEvent::Failed).await?,
        PlanSettled::Pending | PlanSettled::NothingNew => return Ok(false),
    }
    Ok(true)
}
