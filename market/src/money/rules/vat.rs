//! Value-added tax: who pays it to whom, and how much. Prices are net of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::money::{BasisPoints, Money, MoneyError};
use utoipa::ToSchema;

/// The members of the European Union, as in the table `countries`.
const UNION: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";

/// A buyer or a seller, as the tax sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party<'a> {
    /// ISO 3166-1, two letters; nothing if it is not stated.
    pub country: Option<&'a str>,
    /// The number that the platform has accepted: two letters of the country, then its own digits.
    pub vat_number: Option<&'a str>,
}

/// How a sale between two parties is taxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = VatTreatment)]
pub enum Treatment {
    /// The seller charges its own country's rate.
    SellersRate,
    /// The seller charges nothing, the buyer owes the tax at home; the invoice says so.
    ReverseCharge,
    /// Nothing, as long as the seller proves that the goods have left.
    Export,
    /// Somebody's country is not known: no tax is computed.
    Outside,
}

/// The tax of everything that has one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tax {
    pub rate: BasisPoints,
    pub net: Money,
    pub tax: Money,
}

impl Treatment {
    /// How a sale by `seller` to `buyer` is taxed.
    #[must_use]
    pub fn between(seller: Party<'_>, buyer: Party<'_>) -> Self {
        let (Some(from), Some(to)) = (seller.country, buyer.country) else { return Self::Outside };
        if from == to {
            return Self::SellersRate;
        }
        if !in_union(from) || !in_union(to) {
            return Self::Export;
        }
        let issuer = buyer.vat_number.and_then(issued_by);
        if issuer.is_some_and(|country| country != from) { Self::ReverseCharge } else { Self::SellersRate }
    }
}

#[must_use]
pub fn in_union(country: &str) -> bool {
    UNION.split(' ').any(|member| member == country)
}

/// The member of the Union that issues numbers which begin so: numbers of Greece begin with EL.
fn issued_by(number: &str) -> Option<&str> {
    let country = match number.get(..2)? {
        "EL" => "GR",
        "GR" => return None,
        other => other,
    };
    in_union(country).then_some(country)
}

/// The taxes of lines of a net amount and a rate: summed per rate, rounded per rate; from the lowest rate to the highest.
pub fn taxes(lines: &[(Money, BasisPoints)]) -> Result<Vec<Tax>, MoneyError> {
    let mut nets: BTreeMap<BasisPoints, Money> = BTreeMap::new();
    for &(net, rate) in lines {
        let sum = match nets.get(&rate) {
            Some(sum) => sum.checked_add(net)?,
            None => net,
        };
        nets.insert(rate, sum);
    }
    nets.into_iter().map(|(rate, net)| Ok(Tax { rate, net, tax: net.fee(rate)? })).collect()
}

#[cfg(test)]
mod tests;
