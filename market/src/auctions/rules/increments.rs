//! Bid increments by current price.

use shared::money::Currency;

/// How far above the current price the next bid must lie, by current price; in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncrementTable {
    below: Vec<i64>,
    steps: Vec<i64>,
}

/// Why a table of increments is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an increment table needs ascending limits above zero, and one more step than limits, above zero and never falling"
)]
pub struct BadIncrements;

/// Pairs in hundredths of the currency's unit: below the first as a price, the increment is the
/// second.
const DEFAULT: [(i64, i64); 9] = [
    (100, 5),
    (500, 25),
    (2_500, 50),
    (10_000, 100),
    (25_000, 250),
    (50_000, 500),
    (100_000, 1_000),
    (250_000, 2_500),
    (500_000, 5_000),
];
const DEFAULT_TOP: i64 = 10_000;

impl IncrementTable {
    /// While the price is below `below[i]`, the increment is `steps[i]`; from the last limit on it is the last step.
    pub fn new(below: Vec<i64>, steps: Vec<i64>) -> Result<Self, BadIncrements> {
        let rising = below.is_sorted_by(|a, b| a < b) && below.first().is_none_or(|&b| b > 0);
        let never_falling = steps.is_sorted() && steps.first().is_some_and(|&step| step > 0);
        if rising && never_falling && steps.len() == below.len() + 1 {
            Ok(Self { below, steps })
        } else {
            Err(BadIncrements)
        }
    }

    /// The default table (0.05 below 1, 0.25 below 5, … 100 from 5,000 on) in the currency's own minor units. A step
    /// that a currency without such small units cannot express is rounded up: 0.05 becomes 1 yen, 2.50 becomes 3.
    #[must_use]
    pub fn default_for(currency: Currency) -> Self {
        let scale = 10_i64.pow(u32::from(currency.exponent()));
        let minor = |hundredths: i64| (hundredths * scale + 99) / 100;
        Self {
            below: DEFAULT.iter().map(|&(below, _)| minor(below)).collect(),
            steps: DEFAULT.iter().map(|&(_, step)| minor(step)).chain([minor(DEFAULT_TOP)]).collect(),
        }
    }

    /// The increment at `price`.
    #[must_use]
    pub fn step(&self, price: i64) -> i64 {
        let band = self.below.partition_point(|&below| below <= price);
        // There is always one more step than limits, so the band is never outside.
        self.steps.get(band).copied().unwrap_or(i64::MAX)
    }

    /// `price` plus one increment; stops at the largest number instead of overflowing.
    #[must_use]
    pub fn next(&self, price: i64) -> i64 {
        price.saturating_add(self.step(price))
    }

    /// The upper limits of the bands, exclusive.
    #[must_use]
    pub fn below(&self) -> &[i64] {
        &self.below
    }

    /// The step of each band, and of everything above the last one.
    #[must_use]
    pub fn steps(&self) -> &[i64] {
        &self.steps
    }
}

#[cfg(test)]
mod tests;
