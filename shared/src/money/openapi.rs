//! How money looks in the OpenAPI document.

use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Currency, MAX_WHOLE_DIGITS, Money};

/// One alternative for each number of fraction digits, so that the document refuses what [`Money::parse`] refuses.
impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let exponents = [0, 2, 3];
        let schema = exponents.into_iter().fold(OneOfBuilder::new(), |schema, exponent| schema.item(amount(exponent)));
        schema.description(Some("An amount in one currency: `{\"amount\": \"12.50\", \"currency\": \"EUR\"}`.")).into()
    }
}

impl ToSchema for Money {}

fn amount(exponent: u8) -> Object {
    let codes = Currency::all().filter(|currency| currency.exponent() == exponent).map(Currency::code);
    let more = MAX_WHOLE_DIGITS - 1;
    let fraction = if exponent == 0 { String::new() } else { format!("(\\.[0-9]{{1,{exponent}}})?") };
    // Zero has no sign.
    let pattern = format!("^(?!-0(\\.0+)?$)-?(0|[1-9][0-9]{{0,{more}}}){fraction}$");
    let amount = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(format!("A decimal number with at most {exponent} fraction digits.")))
        .pattern(Some(pattern));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("amount", amount)
        .property("currency", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)))
        .required("amount")
        .required("currency")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .build()
}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::all().map(Self::code)))
            .description(Some("A currency of ISO 4217."))
            .into()
    }
}

impl ToSchema for Currency {}
