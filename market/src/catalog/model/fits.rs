//! Models of machines, and what parts fit.

use serde::{Deserialize, Serialize};
use shared::text;
use utoipa::ToSchema;

use crate::ids::{CategoryId, ModelId};

/// A model of a machine that parts are made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MachineModel {
    pub id: ModelId,
    pub category_id: CategoryId,
    pub make: String,
    pub name: String,
    /// Its name in addresses, made of make and name: `john-deere-6130r`.
    pub slug: String,
    /// The first year that it was built in; open if absent.
    pub year_from: Option<i16>,
    /// The last one.
    pub year_to: Option<i16>,
}

/// A model to add.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    pub category_id: CategoryId,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub make: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
    #[schema(minimum = 1800, maximum = 2100)]
    pub year_from: Option<i16>,
    #[schema(minimum = 1800, maximum = 2100)]
    pub year_to: Option<i16>,
}

/// A machine that a part fits: one model, or every model of a make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// That of the model, if there is one; needed otherwise.
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub make: Option<String>,
    /// A model's slug. Absent: it fits every model of the make.
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 201)]
    pub model: Option<String>,
    /// The first year of the machine that it fits; open if absent.
    #[schema(minimum = 1800, maximum = 2100)]
    pub year_from: Option<i16>,
    /// The last one.
    #[schema(minimum = 1800, maximum = 2100)]
    pub year_to: Option<i16>,
}
