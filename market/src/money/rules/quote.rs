//! What an order costs its buyer, and who gets what of it. The only place where an order's amounts are made.

use shared::money::{BasisPoints, Money, MoneyError};

use super::premium::PremiumTariff;
use super::vat::{Tax, taxes};

/// What an order's amounts are made of.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Each line's net amount and its tax rate, which is 0 where no tax is charged.
    pub lines: &'a [(Money, BasisPoints)],
    /// The platform's commission on the goods.
    pub fee_rate: BasisPoints,
    /// The buyer's premium, and its tax rate.
    pub premium: Option<(&'a PremiumTariff, BasisPoints)>,
}

/// An order's amounts, all in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The net amounts of all lines.
    pub total: Money,
    pub premium: Money,
    /// On goods and premium together, one for each rate.
    pub taxes: Vec<Tax>,
    /// The part of the taxes that is for goods and goes to the seller, who owes it.
    pub goods_tax: Money,
    /// The part of the taxes that is for the premium and stays with the platform, which owes it.
    pub premium_tax: Money,
    pub fee: Money,
    /// Total minus fee.
    pub net: Money,
    /// What the buyer pays: total, premium and taxes.
    pub payable: Money,
}

impl Quote {
    /// The amounts of an order; `None` if it has no lines.
    pub fn of(terms: &Terms<'_>) -> Result<Option<Self>, MoneyError> {
        let Some(((first, _), rest)) = terms.lines.split_first() else { return Ok(None) };
        let total = rest.iter().try_fold(*first, |sum, (amount, _)| sum.checked_add(*amount))?;
        let nothing = Money::from_minor(0, total.currency());
        let mut lines = terms.lines.to_vec();
        let mut premium = nothing;
        let mut premium_rate = None;
        if let Some((tariff, rate)) = terms.premium {
            premium = tariff.of(total)?;
            premium_rate = Some(rate);
            lines.push((premium, rate));
        }
        let taxes = taxes(&lines)?;
        let mut goods_tax = nothing;
        let mut premium_tax = nothing;
        for tax in &taxes {
            let of_premium = if premium_rate == Some(tax.rate) { premium } else { nothing };
            let of_goods = tax.net.checked_sub(of_premium)?;
            let weights = [of_goods.minor().unsigned_abs(), of_premium.minor().unsigned_abs()];
            if weights == [0, 0] {
                continue;
            }
            let [goods, platform] = tax.tax.split(&weights)?[..] else { continue };
            goods_tax = goods_tax.checked_add(goods)?;
            premium_tax = premium_tax.checked_add(platform)?;
        }
        let fee = total.fee(terms.fee_rate)?;
        Ok(Some(Self {
            total,
            premium,
            goods_tax,
            premium_tax,
            fee,
            net: total.checked_sub(fee)?,
            payable: total.checked_add(premium)?.checked_add(goods_tax)?.checked_add(premium_tax)?,
            taxes,
        }))
    }
}

#[cfg(test)]
mod tests;
