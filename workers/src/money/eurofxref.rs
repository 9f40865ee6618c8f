//! The format in which the European Central Bank states the euro's reference rates (`eurofxref-daily.xml`): a `Cube` of
//! one day with a `Cube` for each currency, which says how much of it one euro buys.
//!
//! How to get this wrong: to take what can be read of a broken file, since a currency that is missing falls back to
//! nothing; to read a rate as a floating-point number.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use market::money::rules::fx::PerEuro;
use serde::Deserialize;
use shared::money::Currency;

/// What a file states.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) day: NaiveDate,
    /// At least one.
    pub(super) rates: BTreeMap<Currency, PerEuro>,
    /// Currencies that nobody can pay in here.
    pub(super) skipped: Vec<String>,
}

/// Why a file is not read. It says what is wrong, and never repeats more of the file than a name.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadFile {
    #[error("the file of rates is not UTF-8 text")]
    NotText,
    #[error("the file of rates is not in the format of eurofxref")]
    Xml(#[from] quick_xml::DeError),
    #[error("the file states the rates of {0} days; expected one")]
    Days(usize),
    #[error("the file has {0:?} in the place of a currency")]
    Currency(String),
    #[error("the file's rate of {0} is not a decimal number above zero")]
    Rate(String),
    #[error("the file states {0} twice")]
    Twice(String),
    #[error("the file states no rate of a currency that is known here")]
    Empty,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Cube")]
    cube: Days,
}

#[derive(Deserialize)]
struct Days {
    #[serde(rename = "Cube", default)]
    days: Vec<Day>,
}

#[derive(Deserialize)]
struct Day {
    #[serde(rename = "@time")]
    time: NaiveDate,
    #[serde(rename = "Cube", default)]
    rates: Vec<Rate>,
}

#[derive(Deserialize)]
struct Rate {
    #[serde(rename = "@currency")]
    currency: String,
    #[serde(rename = "@rate")]
    rate: String,
}

/// Reads a whole file, or nothing of it.
pub(super) fn read(file: &[u8]) -> Result<Stated, BadFile> {
    let text = str::from_utf8(file).map_err(|_| BadFile::NotText)?;
    let Envelope { cube } = quick_xml::de::from_str(text)?;
    let [Day { time, rates: stated }] = <[Day; 1]>::try_from(cube.days).map_err(|days| BadFile::Days(days.len()))?;
    let (mut rates, mut skipped) = (BTreeMap::new(), Vec::new());
    for Rate { currency: code, rate } in stated {
        if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(BadFile::Currency(code.chars().take(10).collect()));
        }
        let Ok(rate) = rate.parse::<PerEuro>() else { return Err(BadFile::Rate(code)) };
        match code.parse::<Currency>() {
            // The file states everything in euro, so that a rate of the euro is a file of another kind.
            Ok(Currency::EUR) => return Err(BadFile::Currency(code)),
            Ok(currency) if rates.insert(currency, rate).is_none() => {}
            Ok(_) => return Err(BadFile::Twice(code)),
            Err(_) => skipped.push(code),
        }
    }
    if rates.is_empty() { Err(BadFile::Empty) } else { Ok(Stated { day: time, rates, skipped }) }
}

#[cfg(test)]
mod tests;
