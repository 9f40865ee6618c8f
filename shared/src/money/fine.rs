//! Amounts that are finer than money, as books of sales have them: 957.5775 EUR. They are added up as they are, and the sum is rounded
//! once, when it is shown.

use super::{Currency, Money, MoneyError, units};

/// How many parts a minor unit has.
const PARTS: i128 = 10_000;

/// An amount in one currency, in whole ten-thousandths of its minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FineMoney {
    parts: i128,
    currency: Currency,
}

impl FineMoney {
    /// Fraction digits beyond those that the currency has.
    pub const DIGITS: u8 = 4;

    /// `parts` ten-thousandths of a minor unit: `from_parts(95_757_750_i64, EUR)` is 95.75775 EUR.
    pub fn from_parts(parts: impl Into<i128>, currency: Currency) -> Self {
        Self { parts: parts.into(), currency }
    }

    /// Reads a decimal string as [`Money::parse`] does, with up to [`Self::DIGITS`] fraction digits more.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let most = currency.exponent() + Self::DIGITS;
        let parts = units(amount, most, MoneyError::TooFine { currency, most })?;
        Ok(Self::from_parts(parts, currency))
    }

    /// Whole ten-thousandths of the minor unit.
    #[must_use]
    pub const fn parts(self) -> i128 {
        self.parts
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is as much as some number of whole minor units.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.parts % PARTS == 0
    }

    /// The amount with the currency's own digits, rounded half away from zero: 0.005 EUR is 0.01, and -0.005 EUR is -0.01.
    pub fn rounded(self) -> Result<Money, MoneyError> {
        let half = PARTS / 2 * self.parts.signum();
        let minor = self.parts.checked_add(half).ok_or(MoneyError::Overflow)? / PARTS;
        Ok(Money::from_minor(i64::try_from(minor).map_err(|_| MoneyError::Overflow)?, self.currency))
    }

    /// The exact sum, if both are in one currency and it fits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency });
        }
        let parts = self.parts.checked_add(other.parts).ok_or(MoneyError::Overflow)?;
        Ok(Self { parts, ..self })
    }

    /// The amount alone, with the currency's fraction digits and those beyond them that say something: `957.5775`, `12.50`.
    #[must_use]
    pub fn amount(self) -> String {
        let (least, most) =
            (usize::from(self.currency.exponent()), usize::from(self.currency.exponent() + Self::DIGITS));
        let digits = format!("{:0>width$}", self.parts.unsigned_abs(), width = most + 1);
        let (whole, fraction) = digits.split_at(digits.len() - most);
        let said = fraction.trim_end_matches('0').len().max(least);
        let sign = if self.parts < 0 { "-" } else { "" };
        let point = if said == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{}", &fraction[..said])
    }
}

impl From<Money> for FineMoney {
    fn from(money: Money) -> Self {
        Self { parts: i128::from(money.minor()) * PARTS, currency: money.currency() }
    }
}

#[cfg(test)]
mod tests;
