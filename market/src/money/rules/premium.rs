//! The buyer's premium: rates by parts of the price.

use shared::money::{BasisPoints, Currency, MAX_TRADED_MINOR, Money, MoneyError};

/// The most rates of a tariff.
pub const MOST_RATES: usize = 20;

/// What the buyer pays on top of a price. Each rate is for the part of the price between two limits, as income tax is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PremiumTariff {
    currency: Currency,
    upto: Vec<i64>,
    rates: Vec<BasisPoints>,
    least: i64,
}

/// Why a tariff is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTariff {
    #[error("the limits must lie above zero, rise, and be at most {MAX_TRADED_MINOR} minor units")]
    Limits,
    #[error("a tariff has one more rate than limits, and at most {MOST_RATES} rates")]
    Rates,
    #[error("the least premium must lie between 0 and {MAX_TRADED_MINOR} minor units")]
    Least,
}

impl PremiumTariff {
    /// What lies above `upto[i - 1]` and up to `upto[i]` pays `rates[i]`, what lies above the last limit pays the last
    /// rate; the whole is at least `least`. Limits and least premium are minor units of `currency`.
    pub fn new(currency: Currency, upto: Vec<i64>, rates: Vec<BasisPoints>, least: i64) -> Result<Self, BadTariff> {
        let tradable = |&limit: &i64| limit > 0 && limit <= MAX_TRADED_MINOR;
        if !upto.iter().all(tradable) || !upto.is_sorted_by(|a, b| a < b) {
            return Err(BadTariff::Limits);
        }
        if rates.len() != upto.len() + 1 || rates.len() > MOST_RATES {
            return Err(BadTariff::Rates);
        }
        if !(0..=MAX_TRADED_MINOR).contains(&least) {
            return Err(BadTariff::Least);
        }
        Ok(Self { currency, upto, rates, least })
    }

    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Where the parts of a price end, in minor units.
    #[must_use]
    pub fn upto(&self) -> &[i64] {
        &self.upto
    }

    /// One more than the limits.
    #[must_use]
    pub fn rates(&self) -> &[BasisPoints] {
        &self.rates
    }

    /// In minor units.
    #[must_use]
    pub const fn least(&self) -> i64 {
        self.least
    }

    /// The premium of a price, rounded once, half up. A price of zero or less has none.
    pub fn of(&self, price: Money) -> Result<Money, MoneyError> {
        if price.currency() != self.currency {
            return Err(MoneyError::CurrencyMismatch { left: price.currency(), right: self.currency });
        }
        if price.minor() <= 0 {
            return Ok(Money::from_minor(0, self.currency));
        }
        let mut reached = 0;
        let mut scaled = 0_i128;
        for (upto, rate) in self.upto.iter().copied().chain([i64::MAX]).zip(&self.rates) {
            let part = price.minor().min(upto) - reached;
            if part <= 0 {
                break;
            }
            scaled += i128::from(part) * i128::from(rate.get());
            reached += part;
        }
        let minor = i64::try_from((scaled + 5_000) / 10_000).map_err(|_| MoneyError::Overflow)?;
        Ok(Money::from_minor(minor.max(self.least), self.currency))
    }
}

#[cfg(test)]
mod tests;
