//! What a row of listings means.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use shared::invalid::Invalid;
use shared::money::{Currency, Money};
use shared::text;

use super::Cells;
use super::amounts::{money, plain, whole};
use super::reader::Row;
use super::shape::{Shape, Unreadable, place_of};
use super::stock::label;
use crate::catalog::rules::schema::Schema;
use crate::ids::{ItemId, SiteId};
use crate::imports::model::{ListingTerms, MAX_CELL_CHARS, MAX_NAME_CHARS, RowFault, Separator};
use crate::listings::model::{Language, NewListing, SaleMode};

/// What a file may say of a listing and its item.
pub const FIELDS: [&str; 16] = [
    "sku",
    "title",
    "category",
    "unit",
    "compatibility",
    "description",
    "language",
    "sale_mode",
    "currency",
    "price",
    "takes_offers",
    "quantity",
    "min_quantity",
    "delivery_options",
    "site",
    "pictures",
];
/// Begins the names of the item's attributes.
pub const ATTRIBUTE: &str = "attributes.";
/// Stands between several values in one cell.
const BETWEEN: char = '|';

/// The field that is called so. Capitals matter in the names of attributes only.
#[must_use]
pub fn field(name: &str) -> Option<String> {
    let attribute = name.strip_prefix(ATTRIBUTE).filter(|attribute| !attribute.is_empty());
    let lower = name.to_lowercase();
    match attribute {
        Some(_) => Some(name.to_owned()),
        None => FIELDS.contains(&lower.as_str()).then_some(lower),
    }
}

/// What is wrong with terms, whatever the file.
#[must_use]
pub fn faults_of_terms(terms: &ListingTerms) -> Vec<Invalid> {
    let mapped =
        terms.mapping.iter().flat_map(|(name, column)| faults_of_term("mapping", name, column, MAX_NAME_CHARS));
    let defaults =
        terms.defaults.iter().flat_map(|(name, text)| faults_of_term("defaults", name, text, MAX_CELL_CHARS));
    mapped.chain(defaults).collect()
}

fn faults_of_term(place: &str, name: &str, text: &str, most: usize) -> Vec<Invalid> {
    let at = format!("/{place}/{}", shared::invalid::escaped(name));
    let known = || format!("is not a field: there are {} and {ATTRIBUTE}NAME", FIELDS.join(", "));
    let unknown = (field(name).as_deref() != Some(name)).then(|| Invalid::new(at.clone(), known()));
    let fits = (1..=most).contains(&text.chars().count());
    let long = (!fits).then(|| Invalid::new(at, format!("must have 1 to {most} characters")));
    unknown.into_iter().chain(long).collect()
}

/// Where the fields of a file of listings are, and what stands for those that are nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingColumns {
    places: BTreeMap<String, usize>,
    names: Vec<String>,
    defaults: BTreeMap<String, String>,
    separator: Separator,
}

impl ListingColumns {
    /// Finds the columns. Without a mapping each must be a field; with one, others are left alone.
    pub fn find(shape: &Shape, terms: &ListingTerms) -> Result<Self, Unreadable> {
        let names = &shape.columns;
        let mut places = BTreeMap::new();
        if terms.mapping.is_empty() {
            for (place, name) in names.iter().enumerate() {
                let known = || format!("{}, {ATTRIBUTE}NAME", FIELDS.join(", "));
                let field = field(name).ok_or_else(|| Unreadable::Unknown { name: name.clone(), known: known() })?;
                places.insert(field, place);
            }
        } else {
            for (field, name) in &terms.mapping {
                let place = place_of(names, name).ok_or_else(|| Unreadable::Missing(name.clone()))?;
                places.insert(field.clone(), place);
            }
        }
        let lacking = ["sku", "title", "currency"].into_iter();
        let mut lacking = lacking.filter(|field| !places.contains_key(*field) && !terms.defaults.contains_key(*field));
        if let Some(field) = lacking.next() {
            return Err(Unreadable::Missing(field.to_owned()));
        }
        let (names, defaults) = (names.clone(), terms.defaults.clone());
        Ok(Self { places, names, defaults, separator: shape.separator })
    }

    /// Columns that say nothing.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let used: Vec<_> = self.places.values().collect();
        let unused = self.names.iter().enumerate().filter(|(place, _)| !used.contains(&place));
        unused.map(|(_, name)| name.clone()).collect()
    }

    /// The column of a field, or the field itself where a default stands for it.
    fn column(&self, field: &str) -> String {
        self.places.get(field).and_then(|place| self.names.get(*place)).map_or(field, String::as_str).to_owned()
    }

    /// What is wrong with a request that was made of a row, as a fault of the row.
    #[must_use]
    pub fn fault(&self, invalid: &Invalid) -> RowFault {
        let mut steps = invalid.pointer.split('/').skip(1);
        let field = match (steps.next(), steps.next()) {
            (Some("attributes"), Some(name)) => Some(format!("{ATTRIBUTE}{name}")),
            (Some("site_id"), _) => Some("site".to_owned()),
            (Some("category_id"), _) => Some("category".to_owned()),
            (Some(field), _) if FIELDS.contains(&field) => Some(field.to_owned()),
            _ => None,
        };
        match field {
            Some(field) => RowFault::at(self.column(&field), &invalid.message),
            None => RowFault::of_row(&invalid.message),
        }
    }

    /// A fault of the column that this field has.
    pub fn fault_of(&self, field: &str, reason: impl Into<String>) -> RowFault {
        RowFault::at(self.column(field), reason)
    }
}

/// A listing to draft, and the item that it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingRow {
    pub sku: String,
    pub title: String,
    /// The path of a category; needed for an item that is new.
    pub category: Option<String>,
    pub unit: Option<String>,
    pub compatibility: Vec<String>,
    /// By name, as they were written.
    pub attributes: BTreeMap<String, String>,
    /// A site's name or its id.
    pub site: Option<String>,
    /// By the names of their files.
    pub pictures: Vec<String>,
    pub description: String,
    pub language: Language,
    pub sale_mode: SaleMode,
    pub currency: Currency,
    pub price: Option<Money>,
    pub takes_offers: bool,
    pub quantity: i64,
    pub min_quantity: i64,
    pub delivery_options: Vec<String>,
    separator: Separator,
}

impl ListingRow {
    #[must_use]
    pub fn draft(&self, item: ItemId, site: Option<SiteId>) -> NewListing {
        NewListing {
            item_id: item,
            site_id: site,
            title: self.title.clone(),
            description: self.description.clone(),
            language: self.language,
            sale_mode: self.sale_mode,
            currency: self.currency,
            price: self.price,
            takes_offers: self.takes_offers,
            quantity: self.quantity,
            min_quantity: self.min_quantity,
            delivery_options: self.delivery_options.clone(),
        }
    }

    /// The attributes in the types that the category gives them. What cannot be of its type stays text, which the category refuses.
    #[must_use]
    pub fn typed(&self, schema: &Schema) -> Map<String, Value> {
        let number = |cell: &str| number(cell, self.separator);
        let typed = |(name, cell): (&String, &String)| (name.clone(), schema.typed(name, cell, BETWEEN, &number));
        self.attributes.iter().map(typed).collect()
    }
}

fn number(cell: &str, separator: Separator) -> Option<Number> {
    let plain = plain(cell, separator).ok()?;
    match plain.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => Number::from_f64(plain.parse().ok()?),
    }
}

/// A row as it was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadListing {
    pub line: i32,
    /// What the row calls its item, if that can be shown.
    pub sku: Option<String>,
    pub row: Result<ListingRow, Vec<RowFault>>,
}

impl ReadListing {
    #[must_use]
    pub fn of(columns: &ListingColumns, row: &Row) -> Self {
        let line = i32::try_from(row.line).unwrap_or(i32::MAX);
        match &row.cells {
            Err(fault) => Self { line, sku: None, row: Err(vec![fault.clone()]) },
            Ok(cells) => {
                let mut reader = Reader { columns, cells: Cells::of(&columns.names, cells), faults: Vec::new() };
                let sku = reader.cell("sku").and_then(label);
                Self { line, sku, row: reader.row().ok_or(reader.faults) }
            }
        }
    }
}

/// Reads on after a fault, so that all of them are listed.
struct Reader<'a> {
    columns: &'a ListingColumns,
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
        match self.or(field, None, some(read))? {
            Some(value) => Some(value),
            None => self.fault(field, "must not be empty"),
        }
    }

    /// The row, unless it has a fault.
    fn row(&mut self) -> Option<ListingRow> {
        let separator = self.columns.separator;
        let (sku, title) = (self.needed("sku", line), self.needed("title", line));
        let category = self.or("category", None, some(line));
        let unit = self.or("unit", None, some(line));
        let compatibility = self.or("compatibility", Vec::new(), many);
        let site = self.or("site", None, some(line));
        let pictures = self.or("pictures", Vec::new(), many);
        let description = self.or("description", String::new(), |cell| text::lines(cell).map_err(|it| it.to_string()));
        let language = self.or("language", Language::default(), word);
        let sale_mode = self.or("sale_mode", SaleMode::Fixed, word);
        if sale_mode == Some(SaleMode::Wanted) {
            self.fault::<()>("sale_mode", "a file lists what is for sale");
        }
        let currency = self.needed("currency", |cell| cell.parse::<Currency>().map_err(|it| it.to_string()));
        let price = match currency {
            Some(currency) => {
                self.or("price", None, some(|cell: &str| money(cell, currency, separator).map_err(|it| it.to_string())))
            }
            None => None,
        };
        let takes_offers = self.or("takes_offers", false, truth);
        let quantity = self.or("quantity", 1, |cell| whole(cell).map_err(|it| it.to_string()));
        let min_quantity = self.or("min_quantity", 1, |cell| whole(cell).map_err(|it| it.to_string()));
        let delivery_options = self.or("delivery_options", vec!["pickup".to_owned()], many);
        let attributes = self.attributes();
        if !self.faults.is_empty() {
            return None;
        }
        Some(ListingRow {
            sku: sku?,
            title: title?,
            category: category?,
            unit: unit?,
            compatibility: compatibility?,
            attributes,
            site: site?,
            pictures: pictures?,
            description: description?,
            language: language?,
            sale_mode: sale_mode?,
            currency: currency?,
            price: price?,
            takes_offers: takes_offers?,
            quantity: quantity?,
            min_quantity: min_quantity?,
            delivery_options: delivery_options?,
            separator,
        })
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        let named = self.columns.places.keys().chain(self.columns.defaults.keys());
        let said = named.filter_map(|field| Some((field.strip_prefix(ATTRIBUTE)?, self.cell(field)?)));
        said.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    }
}

/// Reads what may be unsaid.
fn some<T>(read: impl FnOnce(&str) -> Result<T, String>) -> impl FnOnce(&str) -> Result<Option<T>, String> {
    move |cell| read(cell).map(Some)
}

fn line(cell: &str) -> Result<String, String> {
    text::line(cell).map_err(|unshowable| unshowable.to_string())
}

fn many(cell: &str) -> Result<Vec<String>, String> {
    cell.split(BETWEEN).map(str::trim).filter(|part| !part.is_empty()).map(line).collect()
}

/// One of the words that a type has.
fn word<T: DeserializeOwned>(cell: &str) -> Result<T, String> {
    serde_json::from_value(Value::from(cell.to_lowercase())).map_err(|error| error.to_string())
}

fn truth(cell: &str) -> Result<bool, String> {
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests;
