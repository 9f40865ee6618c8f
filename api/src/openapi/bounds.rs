//! The bounds that hold for every text and number of the document, whatever type it comes from: no text holds U+0000, which
//! PostgreSQL cannot keep, and a whole number fits its format.

use utoipa::Number;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

use crate::idempotency::KEY_PATTERN;

const NO_NUL: &str = "^[^\\u0000]*$";
/// Schemas of which at least one field must be given.
const NOT_EMPTY: [&str; 2] = ["Matching", "Edit"];

/// Bounds a schema of the components.
pub(super) fn component(name: &str, schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && NOT_EMPTY.contains(&name)
    {
        object.min_properties = Some(1);
    }
    bound(schema);
}

/// Bounds what an operation takes.
pub(super) fn operation(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten().filter(|it| it.name == "Idempotency-Key") {
        if let Some(RefOr::T(Schema::Object(key))) = &mut parameter.schema {
            key.pattern = Some(KEY_PATTERN.to_owned());
            // The pattern counts without the quotes.
            (key.min_length, key.max_length) = (None, None);
        }
    }
    let parameters = operation.parameters.iter_mut().flatten().filter_map(|parameter| parameter.schema.as_mut());
    parameters.for_each(bound);
    let bodies = operation.request_body.iter_mut().flat_map(|body| body.content.values_mut());
    bodies.filter_map(|content| content.schema.as_mut()).for_each(bound);
}

fn bound(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                bound(items);
            }
        }
        Schema::Object(object) => bound_object(object),
        Schema::OneOf(any) => any.items.iter_mut().for_each(bound),
        Schema::AllOf(all) => all.items.iter_mut().for_each(bound),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(bound),
        _ => {}
    }
}

fn bound_object(object: &mut Object) {
    if is(object, &Type::String) && object.pattern.is_none() && object.enum_values.is_none() && object.format.is_none()
    {
        object.pattern = Some(NO_NUL.to_owned());
    }
    if is(object, &Type::Integer) {
        let range = match object.format {
            Some(SchemaFormat::KnownFormat(KnownFormat::Int32)) => Some((i32::MIN as isize, i32::MAX as isize)),
            Some(SchemaFormat::KnownFormat(KnownFormat::Int64)) => Some((isize::MIN, isize::MAX)),
            _ => None,
        };
        if let Some((least, most)) = range {
            object.minimum.get_or_insert(Number::Int(least));
            object.maximum.get_or_insert(Number::Int(most));
        }
    }
    object.properties.values_mut().for_each(bound);
    if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
        bound(values);
    }
}

fn is(object: &Object, wanted: &Type) -> bool {
    match &object.schema_type {
        SchemaType::Type(kind) => kind == wanted,
        SchemaType::Array(kinds) => kinds.contains(wanted),
        SchemaType::AnyValue => false,
    }
}
