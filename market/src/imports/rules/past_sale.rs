//! What a row of past sales means.

use chrono::NaiveDate;
use shared::invalid::Invalid;
use shared::money::{Currency, FineMoney};

use super::amounts::{fine, whole};
use super::dates::day;
use super::fields::{self, FromFields, Reader, line, some};
use crate::ids::ImportId;
use crate::imports::model::{ImportKind, ListingTerms, RowOutcome};

/// The fields that may be the same for all lines of a file.
const DEFAULTS: &[&str] = &["category", "region", "currency", "product", "quantity"];

/// The most units of a line, and the most that came back.
const MOST: i64 = 1_000_000_000;
/// The most that a line may come to, in ten-thousandths of a minor unit: a trillion euros.
const MOST_PARTS: i128 = 1_000_000_000_000_000_000;

/// What is wrong with terms, whatever the file.
#[must_use]
pub fn faults_of_terms(terms: &ListingTerms) -> Vec<Invalid> {
    fields::faults_of_terms(terms, |place, field| {
        let known = if place == "defaults" { DEFAULTS } else { PastSale::FIELDS };
        let reason = || format!("is not a field that can stand here: there are {}", known.join(", "));
        (!known.contains(&field)).then(reason)
    })
}

/// A line of a book of sales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastSale {
    /// What the book calls the line.
    pub line_id: String,
    /// The order that it is of; several lines may be.
    pub order_number: String,
    pub sold_on: NaiveDate,
    pub category: String,
    pub region: String,
    pub product: Option<String>,
    /// Negative: what came back.
    pub quantity: i64,
    /// Of the line as a whole.
    pub amount: FineMoney,
}

/// What a book has said of a line so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub sale: PastSale,
    /// Whose file it was.
    pub import: ImportId,
}

impl PastSale {
    /// What becomes of the line when its book has said something of it already. A later file corrects earlier ones; one that contradicts
    /// itself has something else in the column than an id of lines.
    pub fn after(&self, said: Option<&Said>, import: ImportId) -> Result<RowOutcome, &'static str> {
        match said {
            None => Ok(RowOutcome::Applied),
            Some(said) if said.sale == *self => Ok(RowOutcome::Unchanged),
            Some(said) if said.import != import => Ok(RowOutcome::Applied),
            Some(_) => Err("an earlier row of the file has the same id and says something else"),
        }
    }

    /// The amount as it is stored, in ten-thousandths of a minor unit.
    #[must_use]
    pub fn parts(&self) -> i64 {
        i64::try_from(self.amount.parts()).unwrap_or(i64::MAX)
    }
}

impl FromFields for PastSale {
    const KIND: ImportKind = ImportKind::PastSales;
    const FIELDS: &'static [&'static str] =
        &["line_id", "order", "date", "category", "region", "currency", "amount", "product", "quantity"];
    const NEEDED: &'static [&'static [&'static str]] =
        &[&["line_id"], &["order"], &["date"], &["category"], &["region"], &["currency"], &["amount"]];
    const LABEL: &'static str = "line_id";

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        let (separator, date_order) = (fields.columns.separator, fields.columns.terms.date_order);
        let line_id = fields.needed("line_id", |cell| line(cell, 64));
        let order_number = fields.needed("order", |cell| line(cell, 100));
        let sold_on = fields.needed("date", |cell| day(cell, date_order).map_err(|it| it.to_string()));
        let category = fields.needed("category", |cell| line(cell, 200));
        let region = fields.needed("region", |cell| line(cell, 200));
        let product = fields.or("product", None, some(|cell: &str| line(cell, 500)));
        let quantity = fields.or("quantity", 1, |cell| match whole(cell) {
            Ok(number) if (-MOST..=MOST).contains(&number) => Ok(number),
            Ok(_) => Err(format!("must lie between {} and {MOST}", -MOST)),
            Err(error) => Err(error.to_string()),
        });
        let currency = fields.needed("currency", |cell| cell.parse::<Currency>().map_err(|it| it.to_string()));
        let amount = match currency {
            Some(currency) => fields.needed("amount", |cell| match fine(cell, currency, separator) {
                Ok(amount) if amount.parts().abs() <= MOST_PARTS => Ok(amount),
                Ok(_) => Err("is out of range".to_owned()),
                Err(error) => Err(error.to_string()),
            }),
            None => None,
        };
        Some(Self {
            line_id: line_id?,
            order_number: order_number?,
            sold_on: sold_on?,
            category: category?,
            region: region?,
            product: product?,
            quantity: quantity?,
            amount: amount?,
        })
    }
}

#[cfg(test)]
mod tests;
