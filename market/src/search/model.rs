//! What people look for, and what is found.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Currency;
use utoipa::ToSchema;

mod saved;

pub use saved::{Criteria, SavedSearch};

use crate::ids::{ListingId, ModelId};
use crate::listings::model::{Language, SaleMode};

/// The order of what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    #[default]
    Newest,
    /// The cheapest first; what has no price, or none in euros, is left out.
    Price,
    /// The dearest first.
    PriceDesc,
    /// The nearest first; what has no site on that body is left out.
    Distance,
    /// What has the words most often and closest together first, of the newest 1,000 that have them.
    Relevance,
    /// Auctions only, those that end soonest first.
    Ending,
}

/// A search that has been checked; every criterion given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Words as people type them: `"exact phrase"`, `-without`, `or`.
    pub text: Option<String>,
    pub language: Option<Language>,
    /// This category and everything below it: `machinery`.
    pub category: Option<String>,
    pub seller: Option<OrgId>,
    pub mode: Option<SaleMode>,
    /// Each name once.
    pub filters: Vec<Filter>,
    pub price: Option<PriceRange>,
    pub near: Option<Near>,
    pub fits: Option<Fitting>,
    /// Free on each of these days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<Days>,
    pub sort: Sort,
}

/// What an attribute must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    pub name: String,
    pub wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// One of these, in capital letters or small ones.
    Values(Vec<String>),
    /// From the first to the second, both inclusive.
    Range(Option<f64>, Option<f64>),
}

/// In the smallest units of the currency, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRange {
    pub currency: Currency,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// A place on a body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Near {
    pub body: String,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Unless it is only sorted by.
    pub within_m: Option<f64>,
}

/// A model that the item must fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fitting {
    pub model: ModelId,
    pub make: String,
    /// The year that the machine was built in.
    pub year: Option<i16>,
}

/// From the first to the last, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

/// Where a found listing stands in its order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    Time(DateTime<Utc>),
    Number(f64),
}

/// A listing that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub id: ListingId,
    pub key: Key,
}

/// How many of what was found have each value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facet {
    /// The attribute, or `category`.
    #[schema(example = "make")]
    pub name: String,
    /// Whether everything that matches was counted; otherwise only the newest were.
    pub exact: bool,
    /// The most frequent ones first, at most 50.
    pub values: Vec<FacetCount>,
}

/// One value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FacetCount {
    /// In small letters.
    #[schema(example = "john deere")]
    pub value: String,
    #[schema(minimum = 1)]
    pub count: i64,
}
