//! The bounds that hold for every text and number of the document, whatever type it comes from: no text holds U+0000, which
//! PostgreSQL cannot keep, and a whole number fits its format.

use serde_json::json;
use utoipa::Number;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

use crate::idempotency::KEY_PATTERN;

const NO_NUL: &str = "^[^\\u0000]*$";
/// Schemas of which at least one field must be given, and the fields that do not count.
pub(super) const NOT_EMPTY: [(&str, &[&str]); 2] = [("JobFilter", &["states"]), ("Edit", &[])];

/// Bounds a schema of the components.
pub(super) fn component(name: &str, schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && let Some((_, uncounted)) = NOT_EMPTY.iter().find(|(listed, _)| *listed == name)
    {
        not_empty(object, uncounted);
    }
    bound(schema);
}

/// Asks for one of the fields, and for more than null in it.
fn not_empty(object: &mut Object, uncounted: &[&str]) {
    let counted = object.properties.keys().filter(|field| !uncounted.contains(&field.as_str()));
    let given = counted.map(|field| json!({"required": [field], "properties": {field: {"not": {"type": "null"}}}}));
    let any: Vec<_> = given.collect();
    // utoipa's objects have no `anyOf` of their own; what it calls extensions are further keywords.
    object.extensions.get_or_insert_default().extend([("anyOf".to_owned(), json!(any))]);
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
    if let RefOr::T(schema) = schema {
        bound_schema(schema);
    }
}

fn bound_schema(schema: &mut Schema) {
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
    if is(object, &Type::String) && object.pattern.is_none() && object.enum_values.is_none() && !excludes_nul(object) {
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
    if let Some(names) = object.property_names.as_deref_mut() {
        bound_schema(names);
    }
    if let Some(AdditionalProperties::RefOr(values)) = object.additional_properties.as_deref_mut() {
        bound(values);
    }
}

/// Whether the text's format leaves no place for U+0000. A password may have any character.
fn excludes_nul(object: &Object) -> bool {
    !matches!(object.format, None | Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
}

fn is(object: &Object, wanted: &Type) -> bool {
    match &object.schema_type {
        SchemaType::Type(kind) => kind == wanted,
        SchemaType::Array(kinds) => kinds.contains(wanted),
        SchemaType::AnyValue => false,
    }
}
