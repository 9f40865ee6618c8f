//! SQL for payout accounts and payouts.
//!
//! Both are guarded by their organisation's lock: whoever changes one has taken it first. So an account that becomes active while a
//! run decides either is seen by the run or finds what the run has left waiting.
//!
//! How to get this wrong: to take money back from a payout whose transfer the provider may have made; to ask for a payout out of
//! the account once more with the key of one that was refused, which is refused for ever, or with a new key while the last
//! one is not known to have failed.

use shared::money::{Money, MoneyError};

mod accounts;
mod open;
mod read;
mod send;
#[cfg(test)]
mod tests;

use crate::money::store::ledger::LedgerError;

pub use accounts::{Opening, check, lock_org, open, refuse_account, settle_account};
pub use open::{Begun, begin, due, waiting};
pub use read::{PayoutFilter, account, accounts, named_account, named_payout, payouts, stale_accounts, unsettled};
pub use send::{Sending, Sent, Transferred, refuse, refuse_transfer, settle, start, transferred};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum PayoutError {
    #[error("there is no such thing")]
    NotFound,
    #[error("there is an account at this provider")]
    AccountExists,
    #[error("another seller is paid to this account")]
    AccountTaken,
    #[error("the provider moved {moved}, and {asked} was asked")]
    OtherAmount { asked: Money, moved: Money },
    #[error("the provider calls it by another name than before")]
    OtherName,
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}
