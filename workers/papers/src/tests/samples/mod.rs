//! Papers as people would ask for them. The tests read them back, the example prints them to be looked at.

mod invoices;
mod reports;
mod yard;

use chrono::{DateTime, Utc};

pub(crate) use invoices::{domestic, invoices};
pub(crate) use reports::{SCRIPTS, arabic, code, document, hebrew, report, sales, scripts};
pub(crate) use yard::{movement, picking_list, release_pass, shipping_label};

pub(crate) fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_860_000, 0).unwrap_or_default()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
