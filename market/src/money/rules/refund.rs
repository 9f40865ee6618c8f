//! How a refund is shared out over the parts that a payment was made of.

use shared::money::{Money, MoneyError};

/// Why a refund is not shared out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    #[error("a refund must lie above zero")]
    NotPositive,
    #[error("only {left} is left to refund")]
    MoreThanLeft { left: Money },
    #[error("what is left of a part is below zero")]
    PartBelowZero,
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// How much of each part a refund gives back, in proportion to what is left of each, by the largest remainder.
///
/// By what is left, not by the parts as they were at first: a share is then never more than is left of its part and never
/// below zero, and refunds that come to the whole give back exactly every part. (Splitting the sum of all refunds anew and
/// taking off what was given would not do: by the largest remainder a larger sum can give a part less.)
pub fn shares(refund: Money, left: &[Money]) -> Result<Vec<Money>, RefundError> {
    if refund.minor() <= 0 {
        return Err(RefundError::NotPositive);
    }
    let nothing = Money::from_minor(0, refund.currency());
    let sum = left.iter().try_fold(nothing, |sum, part| sum.checked_add(*part))?;
    let weights: Result<Vec<u64>, _> = left.iter().map(|part| u64::try_from(part.minor())).collect();
    let weights = weights.map_err(|_| RefundError::PartBelowZero)?;
    if refund.minor() > sum.minor() {
        return Err(RefundError::MoreThanLeft { left: sum });
    }
    Ok(refund.split(&weights)?)
}

#[cfg(test)]
mod tests;
