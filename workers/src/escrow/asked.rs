//! How handlers ask a provider, and what they do with its answers.

use std::time::Duration;

use jobs::escrow::{NotifyOrder, SendRefund, mail};
use jobs::invoices::RenderInvoice;
use jobs::webhooks::deliver;
use market::escrow::store::{self, Charging, Settled};
use market::ids::{OrderId, PaymentId, RefundId};
use market::invoices::model::InvoiceOf;
use market::payments::{Call, Disbursement, DisbursementState, Found, Payment, PaymentState, Provider};
use queue::{Enqueue, JobTx, Outcome};

use crate::payments::gateway::{Gateway, GatewayError};
use crate::{Cx, Services};

/// How long to wait for a provider that has not decided; its webhook usually comes first.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The gateway to `provider`.
pub(crate) fn gateway(services: &Services, provider: Provider) -> anyhow::Result<&dyn Gateway> {
    let gateway = services.gateway.as_deref().filter(|gateway| gateway.provider() == provider);
    gateway.ok_or_else(|| anyhow::anyhow!("no gateway to {provider:?} is configured here"))
}

/// What a provider has made of a payment: it is asked for it first if it may not have it, and cancels it if the payer has given up.
pub(crate) async fn ask(gateway: &dyn Gateway, id: PaymentId, charging: &Charging) -> Result<Payment, GatewayError> {
    let key = id.to_string();
    let Some(known) = &charging.known else {
        let before = if charging.again { find(gateway, &key, &Call::Charge).await? } else { None };
        return match before {
            Some(Found::Payment(payment)) => Ok(payment),
            Some(other) => {
                Err(GatewayError::Unknown { what: format!("the provider made {other:?} with the key of a payment") })
            }
            None => gateway.charge(&key, &charging.charge).await,
        };
    };
    let payment = gateway.payment(known).await.map_err(unanswered)?;
    let payment = payment
        .ok_or_else(|| GatewayError::Unknown { what: "the provider does not know its own payment".to_owned() })?;
    if !charging.given_up || payment.state != PaymentState::Pending {
        return Ok(payment);
    }
    match gateway.cancel(&format!("{key}-cancel"), known).await {
        // Not there, or not any more: the payer may have come back at this moment, and the next look shows it.
        Err(GatewayError::Refused { .. }) => Ok(payment),
        cancelled => cancelled,
    }
}

/// What an earlier `call` made with `key`, if anything.
pub(crate) async fn find(gateway: &dyn Gateway, key: &str, call: &Call) -> Result<Option<Found>, GatewayError> {
    gateway.find(key, call).await.map_err(unanswered)
}

/// A question that was refused: nobody knows what became of the money, so that nothing fails of it.
fn unanswered(error: GatewayError) -> GatewayError {
    match error {
        GatewayError::Refused { code } => {
            GatewayError::Unknown { what: format!("the provider refused to say: {code}") }
        }
        other => other,
    }
}

/// Why the provider did not do what was asked.
pub(crate) enum NotDone {
    /// It never will: its code.
    Never(String),
    /// Not now.
    Later(Outcome),
}

/// What to do after a call that failed; `Err`: the attempt has failed, and the next one asks what became of the call.
pub(crate) fn not_done(error: GatewayError) -> anyhow::Result<NotDone> {
    match error {
        GatewayError::Refused { code } => Ok(NotDone::Never(code)),
        GatewayError::NotPayable(_) => Ok(NotDone::Never("not_payable".to_owned())),
        GatewayError::Busy { after } => Ok(NotDone::Later(Outcome::Snooze(after))),
        error @ (GatewayError::Denied { .. } | GatewayError::Unknown { .. }) => Err(error.into()),
    }
}

/// Enqueues what follows from a payment's decision.
pub(crate) async fn follow(cx: &Cx, tx: &mut JobTx, settled: &Settled) -> anyhow::Result<()> {
    match settled {
        Settled::Held { orders, traded, moved } => {
            cx.log(format!("held for {} order(s)", orders.len()));
            for moved in moved {
                jobs::stock::mail::moved(tx, moved).await?;
            }
            paid(tx, orders).await?;
            for order in traded {
                jobs::shipments::caught_up(tx, *order).await?;
            }
        }
        Settled::Late { refund } => {
            cx.log("the money came when the checkout was over, and goes back");
            let _ = tx.enqueue(&SendRefund { refund: *refund }).await?;
        }
        Settled::Failed { payment, checkout } => {
            cx.log("not paid");
            mail::payment_failed(tx, *payment, *checkout).await?;
        }
        Settled::Pending | Settled::NothingNew => {}
    }
    Ok(())
}

/// Brings a refund to what its provider says of it, and posts what follows; whether it was decided just now.
pub(crate) async fn follow_refund(tx: &mut JobTx, id: RefundId, found: &Disbursement) -> anyhow::Result<bool> {
    if !store::settle_refund(tx, id, found).await? {
        // Nothing is posted of what was decided before: its bank may have given it back since.
        return Ok(false);
    }
    if found.state == DisbursementState::Failed {
        tracing::error!(refund.id = %id, "a refund has not reached its buyer: pay it back in another way");
    }
    mail::refund_paid(tx, id).await?;
    Ok(true)
}

/// Enqueues what follows for each order: its parties hear of it, their systems as well, and its invoice is printed.
async fn paid(tx: &mut JobTx, paid: &[(OrderId, i64)]) -> anyhow::Result<()> {
    let mut jobs = Vec::with_capacity(2 * paid.len());
    for &(order, version) in paid {
        jobs.push(Enqueue::new(&NotifyOrder { order, version }));
        jobs.push(Enqueue::new(&RenderInvoice { of: InvoiceOf::Order(order) }));
    }
    tx.enqueue_each(jobs).await?;
    let orders: Vec<_> = paid.iter().map(|(order, _)| *order).collect();
    deliver(tx, &orders).await?;
    Ok(())
}
