//! What is stated of a shipment of waste.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use shared::text;
use utoipa::ToSchema;

use crate::identity::Country;

/// What the document of a shipment of waste asks for and the market does not know. What is not stated is a line to fill in by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WasteData {
    /// Box 7: where the waste is recovered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility: Option<WasteFacility>,
    /// Box 8: the recovery operation of Annex II to Directive 2008/98/EC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^R([1-9]|1[0-3])$", example = "R3")]
    pub operation: Option<String>,
    /// Box 10: the entry of Annex IX to the Basel Convention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^B[1-4][0-9]{3}$", example = "B3011")]
    pub basel_code: Option<String>,
    /// Box 10: the code of the OECD's green list, where it is another than that of Basel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^G[A-Z][0-9]{3}$", example = "GN010")]
    pub oecd_code: Option<String>,
    /// Box 10: what the countries concerned call it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<40>)]
    pub national_code: Option<String>,
    /// Box 11: the countries between those of dispatch and destination, in the order of the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10)]
    pub transit: Vec<Country>,
    /// Box 5, in their order. They take the place of the carrier that the shipment names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 3)]
    pub carriers: Vec<WasteCarrier>,
}

impl WasteData {
    /// The countries in it.
    #[must_use]
    pub fn countries(&self) -> Vec<&Country> {
        self.facility.iter().map(|facility| &facility.country).chain(&self.transit).collect()
    }
}

/// Where waste is recovered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WasteFacility {
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<200>)]
    pub name: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<300>)]
    pub address: String,
    pub country: Country,
}

/// Who carries waste for a part of its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WasteCarrier {
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<200>)]
    pub name: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<300>)]
    pub address: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub means_of_transport: Option<String>,
    /// When the waste is handed to this carrier; not before it was handed to the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_on: Option<NaiveDate>,
}
