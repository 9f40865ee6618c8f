//! What a row of past sales means.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use shared::invalid::{Invalid, escaped};
use shared::money::{Currency, FineMoney};
use shared::text;

use super::Cells;
use super::amounts::{fine, whole};
use super::dates::day;
use super::reader::Row;
use super::shape::{Shape, Unreadable, place_of};
use super::stock::label;
use crate::ids::ImportId;
use crate::imports::model::{DateOrder, ListingTerms, MAX_CELL_CHARS, MAX_NAME_CHARS, RowFault, RowOutcome, Separator};

/// What a file may say of a sale. The last two may be left out.
pub const FIELDS: [&str; 9] =
    ["line_id", "order", "date", "category", "region", "currency", "amount", "product", "quantity"];
/// The fields without which a line is not a sale.
const NEEDED: usize = 7;
/// The fields that may be the same for all lines of a file.
pub const DEFAULTS: [&str; 5] = ["category", "region", "currency", "product", "quantity"];

/// The most units of a line, and the most that came back.
const MOST: i64 = 1_000_000_000;
/// The most that a line may come to, in ten-thousandths of a minor unit: a trillion euros.
const MOST_PARTS: i128 = 1_000_000_000_000_000_000;

/// What is wrong with terms, whatever the file.
#[must_use]
pub fn faults_of_terms(terms: &ListingTerms) -> Vec<Invalid> {
    let mapped =
        terms.mapping.iter().flat_map(|(field, text)| faults_of_term("mapping", &FIELDS, field, text, MAX_NAME_CHARS));
    let defaults = terms
        .defaults
        .iter()
        .flat_map(|(field, text)| faults_of_term("defaults", &DEFAULTS, field, text, MAX_CELL_CHARS));
    mapped.chain(defaults).collect()
}

fn faults_of_term(place: &str, known: &[&str], field: &str, text: &str, most: usize) -> Vec<Invalid> {
    let at = format!("/{place}/{}", escaped(field));
    let unknown =
        || Invalid::new(at.clone(), format!("is not a field that can stand here: there are {}", known.join(", ")));
    let unknown = (!known.contains(&field)).then(unknown);
    let fits = (1..=most).contains(&text.chars().count());
    let long = (!fits).then(|| Invalid::new(at, format!("must have 1 to {most} characters")));
    unknown.into_iter().chain(long).collect()
}

/// Where the fields of a file of past sales are, and what stands for those that are nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastSaleColumns {
    places: BTreeMap<String, usize>,
    names: Vec<String>,
    defaults: BTreeMap<String, String>,
    separator: Separator,
    date_order: Option<DateOrder>,
    book: String,
}

impl PastSaleColumns {
    /// Finds the columns. Without a mapping each must be a field; with one, others are left alone.
    pub fn find(shape: &Shape, terms: &ListingTerms) -> Result<Self, Unreadable> {
        let names = &shape.columns;
        let mut places = BTreeMap::new();
        if terms.mapping.is_empty() {
            for (place, name) in names.iter().enumerate() {
                let field = name.to_lowercase();
                if !FIELDS.contains(&field.as_str()) {
                    return Err(Unreadable::Unknown { name: name.clone(), known: FIELDS.join(", ") });
                }
                places.insert(field, place);
            }
        } else {
            for (field, name) in &terms.mapping {
                let place = place_of(names, name).ok_or_else(|| Unreadable::Missing(name.clone()))?;
                places.insert(field.clone(), place);
            }
        }
        let said = |field: &str| places.contains_key(field) || terms.defaults.contains_key(field);
        if let Some(field) = FIELDS.iter().take(NEEDED).find(|field| !said(field)) {
            return Err(Unreadable::Missing((*field).to_owned()));
        }
        let (names, defaults) = (names.clone(), terms.defaults.clone());
        let book = terms.book.clone().unwrap_or_default();
        Ok(Self { places, names, defaults, separator: shape.separator, date_order: terms.date_order, book })
    }

    /// The book that the lines are of.
    #[must_use]
    pub fn book(&self) -> &str {
        &self.book
    }

    /// Columns that say nothing.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let used: Vec<_> = self.places.values().collect();
        let unused = self.names.iter().enumerate().filter(|(place, _)| !used.contains(&place));
        unused.map(|(_, name)| name.clone()).collect()
    }

    /// A fault of the column that this field has, or of the field itself where a default stands for it.
    pub fn fault_of(&self, field: &str, reason: impl Into<String>) -> RowFault {
        let column = self.places.get(field).and_then(|place| self.names.get(*place));
        RowFault::at(column.map_or(field, String::as_str), reason)
    }
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

/// A row as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPastSale {
    pub line: i32,
    /// What the row calls itself, if that can be shown.
    pub line_id: Option<String>,
    pub row: Result<PastSale, Vec<RowFault>>,
}

impl ReadPastSale {
    #[must_use]
    pub fn of(columns: &PastSaleColumns, row: &Row) -> Self {
        let line = i32::try_from(row.line).unwrap_or(i32::MAX);
        match &row.cells {
            Err(fault) => Self { line, line_id: None, row: Err(vec![fault.clone()]) },
            Ok(cells) => {
                let mut reader = Reader { columns, cells: Cells::of(&columns.names, cells), faults: Vec::new() };
                let line_id = reader.cell("line_id").and_then(label);
                Self { line, line_id, row: reader.row().ok_or(reader.faults) }
            }
        }
    }
}

/// Reads on after a fault, so that all of them are listed.
struct Reader<'a> {
    columns: &'a PastSaleColumns,
    cells: Cells<'a>,
    faults: Vec<RowFault>,
}

impl<'a> Reader<'a> {
    /// What is said of a field, by the row or by default.
    fn cell(&self, field: &str) -> Option<&'a str> {
        let said = self.columns.places.get(field).and_then(|place| self.cells.get(*place));
        said.or_else(|| self.columns.defaults.get(field).map(|text| text.trim()).filter(|text| !text.is_empty()))
    }

    fn fault<T>(&mut self, field: &str, reason: impl Into<String>) -> Option<T> {
        self.faults.push(self.columns.fault_of(field, reason));
        None
    }

    /// A field that is read as `read` does, or what it is when it is not said.
    fn or<T>(&mut self, field: &str, unsaid: T, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.cell(field).map(read) {
            None => Some(unsaid),
            Some(Ok(value)) => Some(value),
            Some(Err(reason)) => self.fault(field, reason),
        }
    }

    fn needed<T>(&mut self, field: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match self.or(field, None, |cell| read(cell).map(Some))? {
            Some(value) => Some(value),
            None => self.fault(field, "must not be empty"),
        }
    }

    /// The row, unless it has a fault.
    fn row(&mut self) -> Option<PastSale> {
        let (separator, date_order) = (self.columns.separator, self.columns.date_order);
        let line_id = self.needed("line_id", |cell| line(cell, 64));
        let order_number = self.needed("order", |cell| line(cell, 100));
        let sold_on = self.needed("date", |cell| day(cell, date_order).map_err(|it| it.to_string()));
        let category = self.needed("category", |cell| line(cell, 200));
        let region = self.needed("region", |cell| line(cell, 200));
        let product = self.or("product", None, |cell| line(cell, 500).map(Some));
        let quantity = self.or("quantity", 1, |cell| match whole(cell) {
            Ok(number) if (-MOST..=MOST).contains(&number) => Ok(number),
            Ok(_) => Err(format!("must lie between {} and {MOST}", -MOST)),
            Err(error) => Err(error.to_string()),
        });
        let currency = self.needed("currency", |cell| cell.parse::<Currency>().map_err(|it| it.to_string()));
        let amount = match currency {
            Some(currency) => self.needed("amount", |cell| match fine(cell, currency, separator) {
                Ok(amount) if amount.parts().abs() <= MOST_PARTS => Ok(amount),
                Ok(_) => Err("is out of range".to_owned()),
                Err(error) => Err(error.to_string()),
            }),
            None => None,
        };
        if !self.faults.is_empty() {
            return None;
        }
        Some(PastSale {
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

/// A text of one line that is not too long.
fn line(cell: &str, most: usize) -> Result<String, String> {
    let text = text::line(cell).map_err(|unshowable| unshowable.to_string())?;
    if text.chars().count() <= most { Ok(text) } else { Err(format!("must have at most {most} characters")) }
}

#[cfg(test)]
mod tests;
