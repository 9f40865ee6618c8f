//! What stands on a document.

pub mod proof;

use shared::money::{Currency, Money, MoneyError};

use crate::money::rules::fx::{PerEuro, convert};
use crate::money::rules::refund::{RefundError, shares};
use crate::money::rules::vat::Treatment;

/// Why no tax is charged, as the law wants it said.
#[must_use]
pub const fn note(treatment: Treatment) -> Option<&'static str> {
    match treatment {
        Treatment::ReverseCharge => {
            Some("Reverse charge: the buyer owes the tax (Article 196 of Directive 2006/112/EC).")
        }
        Treatment::Export => Some("Exempt as an export (Article 146 of Directive 2006/112/EC)."),
        Treatment::SellersRate | Treatment::Outside => None,
    }
}

/// The rates of a tax's currency and of the one that it is accounted for in, as the order keeps them; the euro's own is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub from: Option<PerEuro>,
    pub to: Option<PerEuro>,
}

/// A tax in the currency that it is accounted for in; `None`: the rates do not say.
pub fn accounting_tax(tax: Money, target: Option<Currency>, rates: Rates) -> Result<Option<Money>, MoneyError> {
    let Some(target) = target else { return Ok(None) };
    if tax.currency() == target || tax.minor() == 0 {
        return Ok(Some(Money::from_minor(tax.minor(), target)));
    }
    let of = |currency, rate: Option<PerEuro>| if currency == Currency::EUR { Some(PerEuro::EURO) } else { rate };
    match (of(tax.currency(), rates.from), of(target, rates.to)) {
        (Some(from), Some(to)) => convert(tax, from, target, to).map(Some),
        _ => Ok(None),
    }
}

/// What is left of one rate of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub rate_bps: i32,
    pub net: Money,
    pub tax: Money,
}

/// What a credit note of so much takes back of each rate: net and tax each in proportion to what is left, by the largest remainder,
/// so that credit notes that come to the whole take back each rate exactly.
pub fn credited(net: Money, tax: Money, left: &[Left]) -> Result<Vec<Left>, RefundError> {
    let nothing = Money::from_minor(0, net.currency());
    let of = |amount: Money, parts: Vec<Money>| {
        if amount.minor() == 0 { Ok(vec![nothing; parts.len()]) } else { shares(amount, &parts) }
    };
    let nets = of(net, left.iter().map(|left| left.net).collect())?;
    let taxes = of(tax, left.iter().map(|left| left.tax).collect())?;
    let credited = left.iter().zip(nets.into_iter().zip(taxes));
    let credited = credited.map(|(left, (net, tax))| Left { rate_bps: left.rate_bps, net, tax });
    Ok(credited.filter(|of| of.net.minor() > 0 || of.tax.minor() > 0).collect())
}

/// What a credit note of so much takes back of each rate of an invoice whose tax is a part of the price: in proportion to what is left.
pub fn credited_with_tax(gross: Money, left: &[Left]) -> Result<Vec<Left>, RefundError> {
    let parts: Vec<Money> = left.iter().flat_map(|left| [left.net, left.tax]).collect();
    let of = shares(gross, &parts)?;
    let credited = left.iter().zip(of.chunks_exact(2));
    let credited = credited.map(|(left, of)| Left { rate_bps: left.rate_bps, net: of[0], tax: of[1] });
    Ok(credited.filter(|of| of.net.minor() > 0 || of.tax.minor() > 0).collect())
}

/// Shares an amount out over parts that weigh so much; over none, nothing.
pub fn spread(amount: Money, weights: &[Money]) -> Result<Vec<Money>, MoneyError> {
    let weights: Vec<u64> = weights.iter().map(|weight| u64::try_from(weight.minor()).unwrap_or_default()).collect();
    if amount.minor() == 0 {
        return Ok(vec![amount; weights.len()]);
    }
    amount.split(&weights)
}

#[cfg(test)]
mod tests;
