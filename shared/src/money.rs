//! Money as whole minor units with its currency's own exponent; never a float.
//!
//! On the wire money is `{"amount": "12.50", "currency": "EUR"}`. The amount is a decimal string with at most as many
//! fraction digits as the currency has; a number, an exponent, a `+`, leading zeros or spaces are refused.

mod currency;
mod fine;
mod openapi;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use currency::Currency;
pub use fine::FineMoney;

/// The largest amount of anything that is traded, in minor units. Products of amounts that pass stay far from overflow.
pub const MAX_TRADED_MINOR: i64 = 1_000_000_000_000_000;

/// The most digits before the point that people can send; the OpenAPI document says so with a
/// pattern.
const MAX_WHOLE_DIGITS: usize = 15;

/// An amount in one currency, in whole minor units (cents, yen, fils). May be negative: ledger entries are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount of money cannot be read or computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("the amount must be a decimal number such as \"12.50\"")]
    Malformed,
    #[error("{currency} has {exponent} fraction digits, the amount has more")]
    TooPrecise { currency: Currency, exponent: u8 },
    #[error("an amount in {currency} is kept with {most} fraction digits, this one has more")]
    TooFine { currency: Currency, most: u8 },
    #[error("the currency must be one of ISO 4217, in capitals")]
    UnknownCurrency,
    #[error("the amount is out of range")]
    Overflow,
    #[error("{left} and {right} cannot be added or compared")]
    CurrencyMismatch { left: Currency, right: Currency },
    #[error("a rate must lie between 0 and 10000 basis points")]
    RateOutOfRange,
    #[error("a split needs at least one part with weight")]
    NothingToSplitBy,
}

impl Money {
    /// `minor` whole minor units: `from_minor(1250, EUR)` is 12.50 EUR.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal string in the currency's own precision: `"12.50"` EUR, `"1250"` JPY.
    ///
    /// Fewer fraction digits than the currency has are fine, more are an error even when they are zeros.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let exponent = currency.exponent();
        let minor = units(amount, exponent, MoneyError::TooPrecise { currency, exponent })?;
        Ok(Self { minor, currency })
    }

    /// Whole minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount alone, with exactly the currency's fraction digits: `12.50`.
    #[must_use]
    pub fn amount(self) -> String {
        let exponent = usize::from(self.currency.exponent());
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if exponent == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// The sum, if both are in one currency and it fits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor);
        Ok(Self::from_minor(minor.ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// The difference, if both are in one currency and it fits.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor);
        Ok(Self::from_minor(minor.ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// `quantity` times the amount.
    pub fn checked_mul(self, quantity: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity);
        Ok(Self::from_minor(minor.ok_or(MoneyError::Overflow)?, self.currency))
    }

    /// The share `rate` of the amount, rounded once, half away from zero: 2.5 % of 0.99 is 0.02.
    pub fn fee(self, rate: BasisPoints) -> Result<Self, MoneyError> {
        let scaled = i128::from(self.minor) * i128::from(rate.0);
        let half = 5_000 * scaled.signum();
        let minor = i64::try_from((scaled + half) / 10_000).map_err(|_| MoneyError::Overflow)?;
        Ok(Self::from_minor(minor, self.currency))
    }

    /// Splits the amount in proportion to `weights` without losing a minor unit (by the largest
    /// remainder; if remainders are equal, the earlier part gets the unit).
    pub fn split(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        if total == 0 {
            return Err(MoneyError::NothingToSplitBy);
        }
        let whole = u128::from(self.minor.unsigned_abs());
        let mut shares = Vec::with_capacity(weights.len());
        let mut remainders = Vec::with_capacity(weights.len());
        let mut given = 0_u128;
        for (index, &weight) in weights.iter().enumerate() {
            // 64 by 64 bits: cannot overflow 128.
            let product = whole * u128::from(weight);
            shares.push(product / total);
            remainders.push((product % total, index));
            given += product / total;
        }
        remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut left = whole - given;
        for (_, index) in remainders {
            if left == 0 {
                break;
            }
            shares[index] += 1;
            left -= 1;
        }
        let sign = i128::from(self.minor.signum());
        shares
            .into_iter()
            .map(|share| {
                let share = i128::try_from(share).map_err(|_| MoneyError::Overflow)?;
                let minor = i64::try_from(share * sign).map_err(|_| MoneyError::Overflow)?;
                Ok(Self::from_minor(minor, self.currency))
            })
            .collect()
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

/// Reads a decimal string as a whole number of units, of which there are ten to the power of `places` in 1. With more fraction digits
/// it is `too_precise`.
fn units(amount: &str, places: u8, too_precise: MoneyError) -> Result<i64, MoneyError> {
    let (negative, digits) = match amount.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, amount),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(MoneyError::Malformed),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || leading_zero || !all_digits(whole) || !all_digits(fraction) {
        return Err(MoneyError::Malformed);
    }
    let missing = usize::from(places).checked_sub(fraction.len()).ok_or(too_precise)?;
    let zeros = std::iter::repeat_n(b'0', missing);
    let mut units: i64 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(zeros) {
        let digit = i64::from(digit - b'0');
        // Computed as a negative number, because that range reaches one further.
        units = units.checked_mul(10).and_then(|units| units.checked_sub(digit)).ok_or(MoneyError::Overflow)?;
    }
    if negative && units == 0 {
        return Err(MoneyError::Malformed);
    }
    if negative { Ok(units) } else { units.checked_neg().ok_or(MoneyError::Overflow) }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A rate in hundredths of a percent, 0 to 10000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct BasisPoints(i32);

impl BasisPoints {
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for BasisPoints {
    type Error = MoneyError;
    fn try_from(rate: i32) -> Result<Self, MoneyError> {
        if (0..=10_000).contains(&rate) { Ok(Self(rate)) } else { Err(MoneyError::RateOutOfRange) }
    }
}

impl From<BasisPoints> for i32 {
    fn from(rate: BasisPoints) -> Self {
        rate.0
    }
}

/// An amount in one currency.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    /// A decimal number with at most as many fraction digits as the currency has: `"12.50"`.
    amount: String,
    currency: Currency,
}

impl TryFrom<Wire> for Money {
    type Error = MoneyError;
    fn try_from(wire: Wire) -> Result<Self, MoneyError> {
        let whole = wire.amount.trim_start_matches('-').split('.').next().unwrap_or_default();
        if whole.len() > MAX_WHOLE_DIGITS {
            return Err(MoneyError::Overflow);
        }
        Self::parse(&wire.amount, wire.currency)
    }
}

impl From<Money> for Wire {
    fn from(money: Money) -> Self {
        Self { amount: money.amount(), currency: money.currency }
    }
}
