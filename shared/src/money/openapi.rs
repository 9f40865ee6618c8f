//! How money looks in the OpenAPI document.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Currency, Money, Wire};

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        Wire::schema()
    }
}

impl ToSchema for Money {}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Z]{3}$"))
            .description(Some("A currency of ISO 4217."))
            .into()
    }
}

impl ToSchema for Currency {}
