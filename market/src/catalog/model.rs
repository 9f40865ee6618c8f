//! Categories and items.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::ids::OrgId;
use shared::text;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use crate::ids::{CategoryId, ItemId};

/// A kind of goods or services, and the shape of its items' attributes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Category {
    pub id: CategoryId,
    pub parent_id: Option<CategoryId>,
    /// `machinery/tractors`; permanent.
    pub path: String,
    pub name: String,
    /// JSON Schema of an item's attributes; see [`super::schema`] for the keywords. What it does not name is refused.
    #[schema(value_type = Object)]
    pub attribute_schema: Value,
    /// Of `waste`, `vehicle`, `part`, `service`.
    pub flags: Vec<String>,
    /// The platform's share of a sale, in basis points.
    pub fee_bps: i32,
}

/// A category to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// The category above.
    pub parent_id: Option<CategoryId>,
    /// The last part of its path; permanent.
    #[schema(pattern = "^[a-z0-9-]+$", max_length = 200)]
    pub slug: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", min_length = 1, max_length = 100)]
    pub name: String,
    /// `type`, `properties`, `required`; of each property `type`, `enum`, `minLength`, `maxLength`, `pattern`, `minimum`,
    /// `maximum`, `unit`, `items`, `minItems`, `maxItems`, `uniqueItems`, `title`, `description`. Others are refused.
    #[serde(default = "no_attributes")]
    #[schema(value_type = Object)]
    pub attribute_schema: Map<String, Value>,
    #[serde(default)]
    #[schema(schema_with = flags)]
    pub flags: Vec<String>,
    /// The platform's share of a sale, in basis points.
    #[serde(default = "five_percent")]
    #[schema(minimum = 0, maximum = 10_000)]
    pub fee_bps: i32,
}

/// What a category can be besides: what the table's constraint lets in.
const FLAGS: [&str; 4] = ["waste", "vehicle", "part", "service"];

fn flags() -> ArrayBuilder {
    let flag = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(FLAGS));
    ArrayBuilder::new().items(flag)
}

fn flags_or_null() -> ArrayBuilder {
    flags().schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
}

fn compatibility() -> ArrayBuilder {
    let line = ObjectBuilder::new().schema_type(Type::String).pattern(Some(text::VISIBLE_LINE));
    ArrayBuilder::new().items(line).max_items(Some(500))
}

fn compatibility_or_null() -> ArrayBuilder {
    compatibility().schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
}

fn no_attributes() -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), Value::from("object"))])
}

const fn five_percent() -> i32 {
    500
}

/// Changes to a category; absent fields stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryChange {
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", min_length = 1, max_length = 100)]
    pub name: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub attribute_schema: Option<Map<String, Value>>,
    #[schema(schema_with = flags_or_null)]
    pub flags: Option<Vec<String>>,
    #[schema(minimum = 0, maximum = 10_000)]
    pub fee_bps: Option<i32>,
}

/// Something that an organisation holds and may list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Item {
    pub id: ItemId,
    pub org_id: OrgId,
    pub category_id: CategoryId,
    /// The organisation's own number for it; unique within the organisation.
    pub sku: String,
    pub title: String,
    /// What a quantity counts: `piece`, `kg`, `hour`.
    pub unit: String,
    #[schema(value_type = Object)]
    pub attributes: Value,
    /// What it fits or works with, in the organisation's own words.
    pub compatibility: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An item to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    pub category_id: CategoryId,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", min_length = 1, max_length = 64)]
    pub sku: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", min_length = 1, max_length = 200)]
    pub title: String,
    #[serde(default = "piece", deserialize_with = "text::one_line")]
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", min_length = 1, max_length = 20)]
    pub unit: String,
    #[serde(default)]
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = compatibility)]
    pub compatibility: Vec<String>,
}

fn piece() -> String {
    "piece".to_owned()
}

/// Changes to an item; absent fields stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemChange {
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$", min_length = 1, max_length = 200)]
    pub title: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = compatibility_or_null)]
    pub compatibility: Option<Vec<String>>,
}
