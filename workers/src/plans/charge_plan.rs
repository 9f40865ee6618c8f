use jobs::plans::{ChargePlan, mail};
use market::emails::model::PlanEvent;
use market::ids::PaymentId;
use market::payments::{Call, Found, Payment, PaymentState};
use market::plans::store::{self, Asking, PlanSettled};
use queue::{Handler, JobTx, Outcome};

use crate::escrow::asked::{LOOK_AGAIN, NotDone, gateway, not_done};
use crate::payments::gateway::{Gateway, GatewayError};
use crate::{Cx, Services};

impl Handler<Services> for ChargePlan {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // Committed before anybody is asked: whoever goes on after a crash knows that the provider may have the money.
        let mut tx = cx.begin().await?;
        let Some(asking) = store::start_charge(&mut tx, self.payment).await? else {
            return cx.commit(tx).await;
        };
        tx.commit().await?;

        let asked = ask(gateway(cx, asking.charging.provider)?, self.payment, &asking).await;
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

/// What a provider has made of a payment: it is asked for it first if it may not have it, and cancels it if the payer has given up.
async fn ask(gateway: &dyn Gateway, id: PaymentId, asking: &Asking) -> Result<Payment, GatewayError> {
    let key = id.to_string();
    let Some(known) = &asking.known else {
        let before = if asking.charging.again { gateway.find(&key, &Call::Charge).await } else { Ok(None) };
        return match before.map_err(unanswered)? {
            Some(Found::Payment(payment)) => Ok(payment),
            Some(other) => {
                Err(GatewayError::Unknown { what: format!("the provider made {other:?} with the key of a payment") })
            }
            None => gateway.charge(&key, &asking.charging.charge).await,
        };
    };
    let payment = gateway.payment(known).await.map_err(unanswered)?;
    let payment = payment
        .ok_or_else(|| GatewayError::Unknown { what: "the provider does not know its own payment".to_owned() })?;
    if !asking.given_up || payment.state != PaymentState::Pending {
        return Ok(payment);
    }
    match gateway.cancel(&format!("{key}-cancel"), known).await {
        // Not there, or not any more: the payer may have come back at this moment, and the next look shows it.
        Err(GatewayError::Refused { .. }) => Ok(payment),
        cancelled => cancelled,
    }
}

/// A question that was refused: nobody knows what became of the money, so that the payment does not fail of it.
fn unanswered(error: GatewayError) -> GatewayError {
    match error {
        GatewayError::Refused { code } => {
            GatewayError::Unknown { what: format!("the provider refused to say: {code}") }
        }
        other => other,
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
