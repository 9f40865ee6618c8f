//! What an order costs its buyer, and who gets what of it. The only place where an order's amounts are made.

use shared::money::{BasisPoints, Currency, Money, MoneyError};

use super::premium::PremiumTariff;
use super::vat::taxes;

/// One line of an order, as far as its amounts are concerned.
#[derive(Clone, Copy, Debug)]
pub struct QuotedLine {
    /// Net of tax.
    pub amount: Money,
    /// 0 where no tax is charged.
    pub tax_rate: BasisPoints,
    /// The platform's commission.
    pub fee_rate: BasisPoints,
}

/// What an order's amounts are made of.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub lines: &'a [QuotedLine],
    /// The buyer's premium, and its tax rate.
    pub premium: Option<(&'a PremiumTariff, BasisPoints)>,
}

/// The tax of one rate, on goods and premium together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedTax {
    pub rate: BasisPoints,
    /// What the rate applies to.
    pub net: Money,
    /// The part that is for the goods.
    pub goods: Money,
    /// The part that is for the premium.
    pub premium: Money,
}

/// An order's amounts, all in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The net amounts of all lines.
    pub total: Money,
    pub premium: Money,
    /// One for each rate.
    pub taxes: Vec<QuotedTax>,
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
        let Some((first, rest)) = terms.lines.split_first() else { return Ok(None) };
        let total = rest.iter().try_fold(first.amount, |sum, line| sum.checked_add(line.amount))?;
        let nothing = Money::from_minor(0, total.currency());
        let mut lines: Vec<_> = terms.lines.iter().map(|line| (line.amount, line.tax_rate)).collect();
        let mut premium = nothing;
        let mut premium_rate = None;
        if let Some((tariff, rate)) = terms.premium {
            premium = tariff.of(total)?;
            premium_rate = Some(rate);
            lines.push((premium, rate));
        }
        let mut quoted = Vec::new();
        let mut goods_tax = nothing;
        let mut premium_tax = nothing;
        for tax in taxes(&lines)? {
            let of_premium = if premium_rate == Some(tax.rate) { premium } else { nothing };
            let of_goods = tax.net.checked_sub(of_premium)?;
            let weights = [of_goods.minor().unsigned_abs(), of_premium.minor().unsigned_abs()];
            if weights == [0, 0] {
                continue;
            }
            let [goods, platform] = tax.tax.split(&weights)?[..] else { continue };
            goods_tax = goods_tax.checked_add(goods)?;
            premium_tax = premium_tax.checked_add(platform)?;
            quoted.push(QuotedTax { rate: tax.rate, net: tax.net, goods, premium: platform });
        }
        let fee = fee(terms.lines, total.currency())?;
        Ok(Some(Self {
            total,
            premium,
            goods_tax,
            premium_tax,
            fee,
            net: total.checked_sub(fee)?,
            payable: total.checked_add(premium)?.checked_add(goods_tax)?.checked_add(premium_tax)?,
            taxes: quoted,
        }))
    }
}

/// The platform's share of all lines, rounded once, half up.
fn fee(lines: &[QuotedLine], currency: Currency) -> Result<Money, MoneyError> {
    let shares = lines.iter().map(|line| i128::from(line.amount.minor()) * i128::from(line.fee_rate.get()));
    let minor = (shares.sum::<i128>() + 5_000) / 10_000;
    Ok(Money::from_minor(i64::try_from(minor).map_err(|_| MoneyError::Overflow)?, currency))
}

#[cfg(test)]
mod tests;
