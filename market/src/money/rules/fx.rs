//! Conversion through the euro.

use std::fmt;
use std::str::FromStr;

use shared::money::{Currency, Money, MoneyError};

/// How many digits of a rate follow the point, as in the column `fx_rates.per_euro`.
const DIGITS: usize = 10;

/// As many units of a currency as one euro buys, in 10⁻¹⁰ of the unit; never zero, always below 10¹².
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerEuro(u128);

/// A rate that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate must be a decimal number above zero and below 10^12, with at most {DIGITS} digits after the point")]
pub struct BadRate;

impl PerEuro {
    /// The rate of the euro itself.
    pub const EURO: Self = Self(10_u128.pow(10));
}

impl FromStr for PerEuro {
    type Err = BadRate;
    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 12 || fraction.len() > DIGITS {
            return Err(BadRate);
        }
        let rate: u128 = format!("{whole}{fraction:0<DIGITS$}").parse().map_err(|_| BadRate)?;
        if rate == 0 { Err(BadRate) } else { Ok(Self(rate)) }
    }
}

impl fmt::Display for PerEuro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:0>DIGITS$}", self.0 / Self::EURO.0, self.0 % Self::EURO.0)
    }
}

/// `amount`, whose currency has the rate `from`, in the currency `target` with the rate `to`; rounded once, half to even,
/// at the target's exponent.
pub fn convert(amount: Money, from: PerEuro, target: Currency, to: PerEuro) -> Result<Money, MoneyError> {
    if amount.currency() == target {
        return Ok(amount);
    }
    let scale = |currency: Currency| 10_u128.pow(u32::from(currency.exponent()));
    let mut above = to.0 * scale(target);
    let mut below = from.0 * scale(amount.currency());
    let common = common_divisor(above, below);
    above /= common;
    below /= common;
    let product = u128::from(amount.minor().unsigned_abs()).checked_mul(above).ok_or(MoneyError::Overflow)?;
    let (quotient, rest) = (product / below, product % below);
    let up = match rest.cmp(&(below - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    let minor = i64::try_from(quotient + u128::from(up)).map_err(|_| MoneyError::Overflow)?;
    Ok(Money::from_minor(minor * amount.minor().signum(), target))
}

fn common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests;
