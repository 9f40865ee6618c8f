//! What a transfer must be before it is booked.

use std::collections::BTreeMap;

use shared::money::Currency;

use crate::money::model::{Account, Entry, Merged};

/// The most entries of a transfer.
pub const MOST_ENTRIES: usize = 1_000;

/// Why a transfer cannot be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTransfer {
    #[error("the entries move nothing")]
    MovesNothing,
    #[error("the entries in {0} do not sum to zero")]
    DoesNotSumToZero(Currency),
    #[error("a transfer has at most {MOST_ENTRIES} entries")]
    TooManyEntries,
    #[error("the entries are out of range")]
    Overflow,
}

/// One amount for each account and currency, without those that come to nothing.
pub fn merge(entries: &[Entry]) -> Result<Merged, BadTransfer> {
    let mut sums: BTreeMap<(Account, Currency), i128> = BTreeMap::new();
    let mut left: BTreeMap<Currency, i128> = BTreeMap::new();
    for Entry { account, amount } in entries {
        *sums.entry((*account, amount.currency())).or_default() += i128::from(amount.minor());
        *left.entry(amount.currency()).or_default() += i128::from(amount.minor());
    }
    if let Some((currency, _)) = left.iter().find(|(_, sum)| **sum != 0) {
        return Err(BadTransfer::DoesNotSumToZero(*currency));
    }
    let mut merged = Merged::new();
    for ((account, currency), sum) in sums {
        if sum != 0 {
            merged.push((account, currency, i64::try_from(sum).map_err(|_| BadTransfer::Overflow)?));
        }
    }
    match merged.len() {
        0 => Err(BadTransfer::MovesNothing),
        1..=MOST_ENTRIES => Ok(merged),
        _ => Err(BadTransfer::TooManyEntries),
    }
}

#[cfg(test)]
mod tests;
