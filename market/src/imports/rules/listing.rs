//! What a row of listings means.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use shared::invalid::Invalid;
use shared::money::{Currency, Money};
use shared::text;

use super::amounts::{money, plain, whole};
use super::fields::{self, Columns, FromFields, Reader, some};
use crate::catalog::rules::schema::Schema;
use crate::ids::{ItemId, SiteId};
use crate::imports::model::{ImportKind, ListingTerms, RowFault, Separator};
use crate::listings::model::{Language, NewListing, SaleMode};

/// Begins the names of the item's attributes.
const ATTRIBUTE: &str = "attributes.";
/// Stands between several values in one cell.
const BETWEEN: char = '|';

/// What is wrong with terms, whatever the file.
#[must_use]
pub fn faults_of_terms(terms: &ListingTerms) -> Vec<Invalid> {
    fields::faults_of_terms(terms, |_, name| {
        let known = || format!("is not a field: there are {} and {ATTRIBUTE}NAME", ListingRow::FIELDS.join(", "));
        (ListingRow::field(name).as_deref() != Some(name)).then(known)
    })
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
    /// What is wrong with a request that was made of a row, as a fault of the row.
    #[must_use]
    pub fn fault(columns: &Columns, invalid: &Invalid) -> RowFault {
        let mut steps = invalid.pointer.split('/').skip(1);
        let field = match (steps.next(), steps.next()) {
            (Some("attributes"), Some(name)) => Some(format!("{ATTRIBUTE}{name}")),
            (Some("site_id"), _) => Some("site".to_owned()),
            (Some("category_id"), _) => Some("category".to_owned()),
            (Some(field), _) if Self::FIELDS.contains(&field) => Some(field.to_owned()),
            _ => None,
        };
        match field {
            Some(field) => columns.fault_of(&field, &invalid.message),
            None => RowFault::of_row(&invalid.message),
        }
    }

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

impl FromFields for ListingRow {
    const KIND: ImportKind = ImportKind::Listings;
    const FIELDS: &'static [&'static str] = &[
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
    const NEEDED: &'static [&'static [&'static str]] = &[&["sku"], &["title"], &["currency"]];
    const LABEL: &'static str = "sku";

    /// Capitals matter in the names of attributes only.
    fn field(name: &str) -> Option<String> {
        if name.strip_prefix(ATTRIBUTE).is_some_and(|attribute| !attribute.is_empty()) {
            return Some(name.to_owned());
        }
        let lower = name.to_lowercase();
        Self::FIELDS.contains(&lower.as_str()).then_some(lower)
    }

    fn known() -> String {
        format!("{}, {ATTRIBUTE}NAME", Self::FIELDS.join(", "))
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        let separator = fields.columns.separator;
        let (sku, title) = (fields.needed("sku", line), fields.needed("title", line));
        let category = fields.or("category", None, some(line));
        let unit = fields.or("unit", None, some(line));
        let compatibility = fields.or("compatibility", Vec::new(), many);
        let site = fields.or("site", None, some(line));
        let pictures = fields.or("pictures", Vec::new(), many);
        let description =
            fields.or("description", String::new(), |cell| text::lines(cell).map_err(|it| it.to_string()));
        let language = fields.or("language", Language::default(), word);
        let sale_mode = fields.or("sale_mode", SaleMode::Fixed, word);
        if sale_mode == Some(SaleMode::Wanted) {
            fields.fault::<()>("sale_mode", "a file lists what is for sale");
        }
        let currency = fields.needed("currency", |cell| cell.parse::<Currency>().map_err(|it| it.to_string()));
        let price = match currency {
            Some(currency) => fields.or(
                "price",
                None,
                some(|cell: &str| money(cell, currency, separator).map_err(|it| it.to_string())),
            ),
            None => None,
        };
        let takes_offers = fields.or("takes_offers", false, truth);
        let quantity = fields.or("quantity", 1, |cell| whole(cell).map_err(|it| it.to_string()));
        let min_quantity = fields.or("min_quantity", 1, |cell| whole(cell).map_err(|it| it.to_string()));
        let delivery_options = fields.or("delivery_options", vec!["pickup".to_owned()], many);
        let attributes = attributes(fields);
        Some(Self {
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
}

fn attributes(fields: &Reader<'_>) -> BTreeMap<String, String> {
    let named = fields.columns.places.keys().chain(fields.columns.terms.defaults.keys());
    let said = named.filter_map(|field| Some((field.strip_prefix(ATTRIBUTE)?, fields.cell(field)?)));
    said.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
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
