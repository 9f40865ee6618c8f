//! Searches that people keep.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Currency;
use shared::text;
use utoipa::ToSchema;

use crate::ids::SavedSearchId;
use crate::listings::model::{Language, SaleMode};

/// What is looked for: the criteria of `GET /v1/listings` but for free days, by the same rules. At least one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Criteria {
    /// Words as people type them.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<200>)]
    pub q: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<Language>,
    /// The path of a category; everything below it is found as well.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<200>)]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<OrgId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<SaleMode>,
    /// What attributes must be: `make:John Deere`, `horsepower:80..`.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10, max_length = 500)]
    pub conditions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(0|[1-9][0-9]*)(\\.[0-9]+)?$", max_length = 30)]
    pub price_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^(0|[1-9][0-9]*)(\\.[0-9]+)?$", max_length = 30)]
    pub price_to: Option<String>,
    /// Of `price_from` and `price_to`; euros if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Degrees north and degrees east, on Earth or on the body that follows; needs `within_km`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?,-?[0-9]+(\\.[0-9]+)?(,[a-z0-9-]+)?$", max_length = 100)]
    pub near: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.001, maximum = 21_000)]
    pub within_km: Option<f64>,
    /// The slug of a machine's model that the part must fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 201)]
    pub fits: Option<String>,
    /// The year that the machine was built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1800, maximum = 2100)]
    pub fits_year: Option<i16>,
}

/// A search that a person keeps.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SavedSearch {
    pub id: SavedSearchId,
    #[schema(example = "Tractors near Hamburg")]
    pub name: String,
    pub query: Criteria,
    /// Whether new matches are mailed, at most once a day.
    pub alerts: bool,
    pub created_at: DateTime<Utc>,
}
