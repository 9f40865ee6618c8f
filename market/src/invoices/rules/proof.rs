//! What proves that goods have left the Union, and what a price is that includes the tax.

use chrono::{Datelike, NaiveDate, TimeDelta};
use shared::invalid::Invalid;
use shared::money::{BasisPoints, Money, MoneyError};

use crate::money::rules::vat::{Treatment, in_union};

/// How long after its invoice an export stays free of tax without a proof; to the end of that day.
pub const PROVED_WITHIN: TimeDelta = TimeDelta::days(30);
/// How long before that the seller is reminded.
pub const REMINDED_BEFORE: TimeDelta = TimeDelta::days(7);

/// Whether a sale has to be proved: the Union's exports have. What other countries ask of their own exporters is not known here.
#[must_use]
pub fn needs_proof(treatment: Treatment, sellers_country: Option<&str>) -> bool {
    treatment == Treatment::Export && sellers_country.is_some_and(in_union)
}

/// The days that a proof is judged by, where the seller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub ordered_on: NaiveDate,
    pub today: NaiveDate,
}

/// Judges a proof: the number of the customs declaration, and the day on which the goods have left.
pub fn judge(mrn: &str, left_on: NaiveDate, days: Days) -> Result<(), Invalid> {
    judge_mrn(mrn)?;
    if left_on > days.today {
        return Err(Invalid::new("/left_on", format!("must not be after today, {}", days.today)));
    }
    if left_on < days.ordered_on {
        return Err(Invalid::new("/left_on", format!("must not be before the day of the order, {}", days.ordered_on)));
    }
    // Goods leave within 150 days of their declaration.
    let declared = mrn.get(..2).unwrap_or_default();
    if ![left_on.year() - 1, left_on.year()].iter().any(|year| format!("{:02}", year.rem_euclid(100)) == declared) {
        return Err(Invalid::new("/mrn", format!("is of another year than that in which the goods left, {left_on}")));
    }
    Ok(())
}

/// Judges the number of a customs declaration (MRN): year, country, thirteen letters or digits, and a check digit.
fn judge_mrn(mrn: &str) -> Result<(), Invalid> {
    let refused = |why: String| Err(Invalid::new("/mrn", why));
    let all = mrn.as_bytes();
    let formed = all.len() == 18
        && all[..2].iter().all(u8::is_ascii_digit)
        && all[2..4].iter().all(u8::is_ascii_uppercase)
        && all[4..17].iter().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
        && all[17].is_ascii_digit();
    if !formed {
        return refused(
            "expected 18 characters in capitals: two digits of the year, a country, 13 letters or digits, a check digit"
                .to_owned(),
        );
    }
    if !in_union(&mrn[2..4]) {
        return refused(format!("{} is not a member of the Union: exports are declared in one", &mrn[2..4]));
    }
    let expected = check_digit(&all[..17]);
    if u32::from(all[17] - b'0') != expected {
        return refused(format!("the check digit should be {expected}"));
    }
    Ok(())
}

/// The check digit of letters and digits by ISO 6346, as the Commission has it for these numbers: values times powers of two, modulo 11.
fn check_digit(of: &[u8]) -> u32 {
    let sum: u32 = of.iter().enumerate().map(|(place, it)| value(*it) << place).sum();
    sum % 11 % 10
}

/// What a letter or a digit counts: letters from 10 on, leaving out 11, 22 and 33.
fn value(of: u8) -> u32 {
    if of.is_ascii_digit() {
        return u32::from(of - b'0');
    }
    let letter = u32::from(of.saturating_sub(b'A'));
    10 + letter + letter.div_ceil(10)
}

/// The tax that a price of this much includes. Where a cent can be moved so that the tax is exactly that of the rest, it is.
pub fn included_tax(gross: Money, rate: BasisPoints) -> Result<Money, MoneyError> {
    let (minor, bps) = (i128::from(gross.minor()), i128::from(rate.get()));
    let tax = (minor * bps * 2 + 10_000 + bps) / (2 * (10_000 + bps));
    let tax = i64::try_from(tax).map_err(|_| MoneyError::Overflow)?;
    for near in [tax, tax - 1, tax + 1] {
        let near = Money::from_minor(near, gross.currency());
        if near.minor() >= 0 && gross.checked_sub(near)?.fee(rate)? == near {
            return Ok(near);
        }
    }
    Ok(Money::from_minor(tax, gross.currency()))
}

#[cfg(test)]
mod tests;
