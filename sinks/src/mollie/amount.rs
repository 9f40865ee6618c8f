//! Amounts as Mollie writes them: a currency, and a decimal string with just as many fraction digits as it counts.

use serde_json::{Value, json};

/// Those that Mollie takes (docs.mollie.com/docs/multicurrency), by their fraction digits.
const WHOLE: [&str; 2] = ["ISK", "JPY"];
const HUNDREDTHS: [&str; 24] = [
    "AED", "AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "MXN", "MYR", "NOK", "NZD",
    "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TWD", "USD",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    /// In the smallest unit that Mollie writes.
    pub(super) minor: i64,
    pub(super) currency: String,
}

fn digits(currency: &str) -> Option<usize> {
    if WHOLE.contains(&currency) {
        Some(0)
    } else if HUNDREDTHS.contains(&currency) || currency == "ZAR" {
        Some(2)
    } else {
        None
    }
}

impl Amount {
    /// More than nothing, in a currency that is taken, with the right number of digits.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let (currency, text) = (value["currency"].as_str()?, value["value"].as_str()?);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let has_point = text.contains('.');
        let digits = digits(currency)?;
        if fraction.len() != digits || has_point != (digits > 0) {
            return None;
        }
        let minor = format!("{whole}{fraction}").parse().ok().filter(|minor| *minor > 0)?;
        Some(Self { minor, currency: currency.to_owned() })
    }

    /// As many units of the same currency.
    pub(super) fn of(&self, minor: i64) -> Self {
        Self { minor, currency: self.currency.clone() }
    }

    pub(super) fn show(&self) -> Value {
        let digits = digits(&self.currency).unwrap_or(2);
        let text = format!("{:0>width$}", self.minor, width = digits + 1);
        let (whole, fraction) = text.split_at(text.len() - digits);
        let point = if digits == 0 { "" } else { "." };
        json!({ "currency": self.currency, "value": format!("{whole}{point}{fraction}") })
    }
}
