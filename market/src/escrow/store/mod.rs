//! SQL for payments and escrow.
//!
//! A payment is guarded by its checkout's lock, an escrow and its disputes by their order's: whoever changes them has taken
//! that lock first.
//!
//! How to get this wrong: to book money that a provider says it has without comparing how much; to take a payment that was
//! decided for one that can be decided again, since webhooks come twice and in any order.

use shared::money::{Money, MoneyError};

mod delivery;
mod disputes;
mod inbox;
mod locked;
mod news;
mod pay;
mod read;
mod refund;
mod release;
mod returned;
mod settle;
mod take_back;
#[cfg(test)]
pub(crate) mod tests;
mod unsettled;

use crate::checkout::model::CheckoutStatus;
use crate::escrow::model::DisputeStatus;
use crate::escrow::rules::EscrowRefusal;
use crate::invoices::store::InvoiceError;
use crate::money::rules::refund::RefundError;
use crate::money::store::ledger::LedgerError;
use crate::orders::model::OrderStatus;
use crate::stock::store::StockError;

pub(crate) use delivery::{arrived, sent};
pub use delivery::{receive, ship};
pub use disputes::{Decision, NewDispute, open as open_dispute, resolve, withdraw};
pub use inbox::{
    InboxId, NewWebhook, Webhook, WebhookOutcome, applied, receive as receive_webhook, unapplied, webhook,
};
pub(crate) use locked::{Locked, lock, lock_as, lock_for};
pub use news::{Division, complaint, division, repaid};
pub use pay::{Charging, begin, start_charge};
pub use read::{DisputeFilter, dispute, disputes, escrow, payment, refunds};
pub use refund::{Refunding, refund, refuse_refund, settle_refund, start_refund};
pub use release::{Lapse, accept, lapse};
pub(crate) use returned::refund_returned;
pub use settle::{Settled, refused, settle};
pub use take_back::take_back;
pub(crate) use unsettled::seconds;
pub use unsettled::{Subject, due, named, unsettled_payments, unsettled_refunds};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum EscrowError {
    #[error("there is no such thing")]
    NotFound,
    #[error("the checkout is {0:?}")]
    CheckoutEnded(CheckoutStatus),
    #[error("the time to pay is over")]
    TooLate,
    #[error("a payment of this checkout is under way")]
    Paying,
    #[error("a checkout is paid in at most 100 attempts")]
    TooManyAttempts,
    #[error("not possible while the order is {0:?}")]
    OrderStatus(OrderStatus),
    #[error("nothing was paid for the order")]
    NotPaid,
    #[error(transparent)]
    Refused(#[from] EscrowRefusal),
    #[error("the dispute is {0:?}")]
    DisputeEnded(DisputeStatus),
    #[error("nobody decides about an order of their own")]
    OwnOrder,
    #[error("the provider took {taken}, and {asked} was asked")]
    OtherAmount { asked: Money, taken: Money },
    #[error("the provider calls it by another name than before")]
    OtherName,
    #[error(transparent)]
    Shares(#[from] RefundError),
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Stock(StockError),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

impl From<StockError> for EscrowError {
    fn from(error: StockError) -> Self {
        match error {
            StockError::Database(error) => Self::Sql(error),
            error => Self::Stock(error),
        }
    }
}
