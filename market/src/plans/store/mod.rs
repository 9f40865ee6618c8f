//! SQL for plans, subscriptions, and what is owed and paid for them.
//!
//! Everything about an organisation's plan is guarded by the organisation's row: whoever chooses, renews, reminds or settles has taken
//! that lock first, before the accounts of the ledger. A term has one number, a charge one plan within a term, a payment one reference
//! in the ledger: what comes second finds them there.
//!
//! How to get this wrong: to decide by what was read before the lock, since a payment and the fall to the free plan come at the same
//! moment; to give back or refuse what arrives after the plan has ended, since it was owed; to take the time zone that the organisation
//! had when its subscription began, since a term begins where the last one ended and ends on a day where the organisation is now.

mod choose;
mod dun;
mod locked;
mod pay;
mod read;
mod renew;
mod settle;
#[cfg(test)]
mod tests;

use shared::invalid::violated;
use shared::money::{Money, MoneyError};

use crate::identity::Plan;
use crate::money::store::ledger::LedgerError;
use crate::plans::model::PlanChargeStatus;
use crate::plans::rules::change::ChangeRefusal;

pub use choose::{Chosen, choose};
pub use dun::{Dunned, dun};
pub use locked::limits;
pub use pay::{begin, start_charge};
pub(crate) use read::named;
pub use read::{
    Due, charge, charges, due, lapsed, of_org, org_of_charge, org_of_payment, plans, subscriber, unsettled,
};
pub use renew::{Renewed, renew};
pub use settle::{PlanSettled, refused, settle};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(transparent)]
    Refused(#[from] ChangeRefusal),
    #[error("the subscription is paid in another currency until it ends")]
    Currency,
    #[error("the plan {0} was agreed with the platform")]
    Agreed(Plan),
    #[error("the charge is {0:?}")]
    ChargeEnded(PlanChargeStatus),
    #[error("a payment of this charge is under way")]
    Paying,
    #[error("a charge is paid in at most 100 attempts")]
    TooManyAttempts,
    #[error("the organisation's time zone or the calendar has no such day")]
    NoSuchDay,
    #[error("the provider took {taken}, and {asked} was asked")]
    OtherAmount { asked: Money, taken: Money },
    #[error("the provider calls it by another name than before")]
    OtherName,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for PlanError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("plan_payments_attempt_range") => Self::TooManyAttempts,
            Some("plan_payments_one_live") => Self::Paying,
            _ => Self::Sql(error),
        }
    }
}
