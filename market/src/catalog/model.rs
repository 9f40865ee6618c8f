//! Categories and items.

mod fits;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::ids::OrgId;
use shared::text;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use crate::ids::{CategoryId, ItemId};

pub use fits::{Fit, MachineModel, NewModel};

/// Whether a moderator sees a category's listings before others do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Review {
    #[default]
    None,
    /// Those of sellers who have published fewer than three listings.
    NewSellers,
    Always,
}

/// A kind of goods or services, and the shape of its items' attributes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Category {
    pub id: CategoryId,
    pub parent_id: Option<CategoryId>,
    /// `machinery/tractors`; permanent.
    pub path: String,
    pub name: String,
    /// JSON Schema of an item's attributes; see [`NewCategory`] for the keywords. Attributes that
    /// it does not name are refused.
    #[schema(value_type = Object)]
    pub attribute_schema: Value,
    /// Any of `waste`, `vehicle`, `part`, `service`.
    pub flags: Vec<String>,
    /// The platform's share of a sale, in basis points.
    pub fee_bps: i32,
    pub review: Review,
}

/// A category to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// The category above.
    pub parent_id: Option<CategoryId>,
    /// The last part of its path; permanent.
    #[schema(pattern = "^[a-z0-9-]+$", max_length = 200)]
    pub slug: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
    /// `type`, `properties`, `required`; of each property `type`, `enum`, `minLength`, `maxLength`, `pattern`, `minimum`,
    /// `maximum`, `unit`, `items`, `minItems`, `maxItems`, `uniqueItems`, `filter`, `title`, `description`. Others are refused.
    /// `filter` is `range` for numbers and `facet` for everything else: people look for items by it.
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
    #[serde(default)]
    pub review: Review,
}

/// The flags that a category may have: those that the table's constraint allows.
const FLAGS: [&str; 4] = ["waste", "vehicle", "part", "service"];

fn flags() -> ArrayBuilder {
    let flag = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(FLAGS));
    ArrayBuilder::new().items(flag)
}

fn flags_or_null() -> ArrayBuilder {
    flags().schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
}

fn compatibility() -> ArrayBuilder {
    ArrayBuilder::new().items(text::line_schema::<20_000>()).max_items(Some(500))
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
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub name: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub attribute_schema: Option<Map<String, Value>>,
    #[schema(schema_with = flags_or_null)]
    pub flags: Option<Vec<String>>,
    #[schema(minimum = 0, maximum = 10_000)]
    pub fee_bps: Option<i32>,
    pub review: Option<Review>,
}

/// Something that an organisation holds and may list. Attributes that its category requires may be
/// missing until it is listed.
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

/// An item to create.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    pub category_id: CategoryId,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<64>)]
    pub sku: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<200>)]
    pub title: String,
    #[serde(default = "piece", deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<20>)]
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
    #[schema(schema_with = text::line_or_null_schema::<200>)]
    pub title: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = compatibility_or_null)]
    pub compatibility: Option<Vec<String>>,
}
