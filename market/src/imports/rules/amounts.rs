//! Numbers as people write them in spreadsheets.

use shared::money::{Currency, FineMoney, Money, MoneyError};

use crate::imports::model::Separator;

/// Why a cell is not a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANumber {
    #[error("must be a number such as 1234,50")]
    Malformed,
    #[error("must be a whole number, without separators")]
    NotWhole,
    #[error("{0:?} can be read in two ways: write it without separators of thousands")]
    Ambiguous(String),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("is out of range")]
    OutOfRange,
}

/// The number with a point before its fraction and nothing between its thousands.
///
/// Where cells are separated by commas, a number has a point or none. Elsewhere a comma begins the fraction, and points before it
/// stand between thousands; without a comma, one point may begin the fraction, unless three digits follow: nobody knows then.
pub fn plain(cell: &str, separator: Separator) -> Result<String, NotANumber> {
    if separator == Separator::Comma {
        return Ok(cell.to_owned());
    }
    let malformed = NotANumber::Malformed;
    let (sign, digits) = cell.strip_prefix('-').map_or(("", cell), |rest| ("-", rest));
    let Some((whole, fraction)) = digits.split_once(',') else {
        let parts: Vec<_> = digits.split('.').collect();
        return match parts.as_slice() {
            [_, last] if last.len() == 3 => Err(NotANumber::Ambiguous(cell.to_owned())),
            [_] | [_, _] => Ok(cell.to_owned()),
            groups => thousands(groups).map(|whole| format!("{sign}{whole}")).ok_or(malformed),
        };
    };
    let groups: Vec<_> = whole.split('.').collect();
    let whole = thousands(&groups).ok_or(malformed.clone())?;
    // Another comma would pass as part of the fraction.
    if fraction.contains([',', '.']) || fraction.is_empty() {
        return Err(malformed);
    }
    Ok(format!("{sign}{whole}.{fraction}"))
}

/// `1`, `234` and `567` as one number: all but the first have three digits.
fn thousands(groups: &[&str]) -> Option<String> {
    let (first, rest) = groups.split_first()?;
    let is_group = |group: &&str| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    let fits = rest.is_empty() || (1..=3).contains(&first.len());
    (fits && rest.iter().all(is_group)).then(|| groups.concat())
}

/// An amount with at most as many fraction digits as its currency has.
pub fn money(cell: &str, currency: Currency, separator: Separator) -> Result<Money, NotANumber> {
    Ok(Money::parse(&plain(cell, separator)?, currency)?)
}

/// An amount with some fraction digits more than its currency has.
pub fn fine(cell: &str, currency: Currency, separator: Separator) -> Result<FineMoney, NotANumber> {
    Ok(FineMoney::parse(&plain(cell, separator)?, currency)?)
}

/// A whole number, written without separators.
pub fn whole(cell: &str) -> Result<i64, NotANumber> {
    let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotANumber::NotWhole);
    }
    cell.parse().map_err(|_| NotANumber::OutOfRange)
}

#[cfg(test)]
mod tests;
