use jobs::escrow::Charge;
use market::escrow::store::{self, Settled};
use queue::{Handler, Outcome};

use super::asked::{LOOK_AGAIN, NotDone, ask, follow, gateway, not_done};
use crate::{Cx, Services};

impl Handler<Services> for Charge {
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
        if let Settled::Pending = settled {
            // The provider's name for the payment is kept, so that its webhook finds it.
            tx.commit().await?;
            return Ok(Outcome::Snooze(LOOK_AGAIN));
        }
        follow(cx, &mut tx, &settled).await?;
        cx.commit(tx).await
    }
}
