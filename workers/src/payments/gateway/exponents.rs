//! How many minor units a provider counts in an amount: not every provider counts as ISO 4217 does.
//!
//! | Provider | Source | What differs |
//! |---|---|---|
//! | Stripe | docs.stripe.com/currencies, "Zero-decimal currencies", "Three-decimal currencies", "Special cases" | MGA has none; ISK has two, which must be 00; of BHD, JOD, KWD, OMR and TND the last digit must be 0 |
//! | Mollie | docs.mollie.com/docs/multicurrency, "Supported currencies" | only the currencies of that page are taken, none of them with three digits |
//! | simulator | ISO 4217 | nothing |
//!
//! Refused at Stripe, because its page does not settle how they are counted: UGX (in the list of those
//! without decimals, and a special case with two), IQD and LYD (three digits in ISO 4217, in no list of
//! Stripe's).
//!
//! How to get this wrong: send our minor units as they are, or read the provider's as ours.

use market::payments::Provider;
use shared::money::{Currency, Money};

#[cfg(test)]
mod tests;

/// Why an amount cannot be sent to a provider, or its answer not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("{currency} is not paid through this provider: it does not take it, or how it counts is not known")]
    Currency { currency: Currency },
    #[error("{amount} has more fraction digits than this provider takes")]
    TooPrecise { amount: Money },
    #[error("{minor} minor units of {currency} at the provider are not a whole number of ours, or out of range")]
    Answer { minor: i64, currency: Currency },
    #[error("{amount} is out of this provider's range")]
    Range { amount: Money },
}

/// `amount` in the minor units of `provider`.
///
/// # Errors
/// See [`AmountError`]; nothing is ever rounded.
pub fn to_provider(provider: Provider, amount: Money) -> Result<i64, AmountError> {
    let currency = amount.currency();
    let count = count(provider, currency)?;
    let ours = currency.exponent();
    let minor = if count.exponent >= ours {
        amount.minor().checked_mul(power(count.exponent - ours)).ok_or(AmountError::Range { amount })?
    } else {
        let unit = power(ours - count.exponent);
        if amount.minor() % unit != 0 {
            return Err(AmountError::TooPrecise { amount });
        }
        amount.minor() / unit
    };
    if minor % count.multiple == 0 { Ok(minor) } else { Err(AmountError::TooPrecise { amount }) }
}

/// What `minor` units of `provider` are in ours.
///
/// # Errors
/// See [`AmountError`].
pub fn from_provider(provider: Provider, minor: i64, currency: Currency) -> Result<Money, AmountError> {
    let wrong = AmountError::Answer { minor, currency };
    let exponent = count(provider, currency)?.exponent;
    let ours = currency.exponent();
    let amount = if exponent > ours {
        let unit = power(exponent - ours);
        if minor % unit == 0 { Some(minor / unit) } else { None }
    } else {
        minor.checked_mul(power(ours - exponent))
    };
    Ok(Money::from_minor(amount.ok_or(wrong)?, currency))
}

/// What Mollie takes. It counts all of them as ISO 4217 does.
const MOLLIE: [&str; 27] = [
    "AED", "AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "ISK", "JPY", "MXN", "MYR",
    "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TWD", "USD", "ZAR",
];

/// How a provider counts a currency.
struct Count {
    exponent: u8,
    /// What an amount in the provider's minor units must be a multiple of.
    multiple: i64,
}

fn count(provider: Provider, currency: Currency) -> Result<Count, AmountError> {
    let plain = |exponent| Ok(Count { exponent, multiple: 1 });
    match (provider, currency.code()) {
        (Provider::Stripe, "UGX" | "IQD" | "LYD") => Err(AmountError::Currency { currency }),
        (Provider::Stripe, "ISK") => Ok(Count { exponent: 2, multiple: 100 }),
        (Provider::Stripe, "BHD" | "JOD" | "KWD" | "OMR" | "TND") => Ok(Count { exponent: 3, multiple: 10 }),
        (Provider::Stripe, "MGA") => plain(0),
        (Provider::Mollie, code) if !MOLLIE.contains(&code) => Err(AmountError::Currency { currency }),
        _ => plain(currency.exponent()),
    }
}

const fn power(digits: u8) -> i64 {
    10_i64.pow(digits as u32)
}
