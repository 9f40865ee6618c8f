//! Whether an item's attributes fit its category.
//!
//! Of the category's JSON Schema, `required` and the `type` of each property are applied; other keywords are stored for
//! the people who read them, and bind nobody yet.

use serde_json::{Map, Value};

use crate::invalid::Invalid;

/// Finds the first attribute that is missing or of the wrong type; the pointer leads to it under `/attributes`.
pub fn check_attributes(schema: &Value, attributes: &Map<String, Value>) -> Result<(), Invalid> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if attributes.get(name).is_none_or(Value::is_null) {
            return Err(Invalid::new(pointer(name), "the category requires this attribute"));
        }
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    for (name, value) in attributes {
        let wanted = properties.get(name).and_then(|property| property.get("type")).and_then(Value::as_str);
        if let Some(wanted) = wanted
            && !is_a(value, wanted)
        {
            return Err(Invalid::new(pointer(name), format!("must be of type {wanted}")));
        }
    }
    Ok(())
}

fn pointer(name: &str) -> String {
    format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn is_a(value: &Value, wanted: &str) -> bool {
    match wanted {
        "string" => value.is_string(),
        "number" => value.is_number(),
        // JSON Schema counts 2.0 as an integer.
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        // A type that this check does not know binds nobody.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(attributes: Value) -> Result<(), Invalid> {
        let schema = json!({
            "type": "object",
            "required": ["make"],
            "properties": {"make": {"type": "string"}, "year": {"type": "integer"}, "a/b": {"type": "boolean"}},
        });
        let Value::Object(attributes) = attributes else { panic!("not an object") };
        check_attributes(&schema, &attributes)
    }

    #[test]
    fn required_and_typed_attributes_are_checked() {
        assert_eq!(check(json!({"make": "Fendt", "year": 2020, "extra": [1]})), Ok(()));
        for (attributes, pointer) in [
            (json!({}), "/attributes/make"),
            (json!({"make": null}), "/attributes/make"),
            (json!({"make": 7}), "/attributes/make"),
            (json!({"make": "Fendt", "year": 2020.5}), "/attributes/year"),
            (json!({"make": "Fendt", "year": "2020"}), "/attributes/year"),
            (json!({"make": "Fendt", "a/b": 1}), "/attributes/a~1b"),
        ] {
            let refused = check(attributes.clone()).expect_err("refused");
            assert_eq!(refused.pointer, pointer, "{attributes}");
        }
    }

    #[test]
    fn a_schema_without_rules_binds_nobody() {
        let attributes = Map::from_iter([("any".to_owned(), json!(1))]);
        assert_eq!(check_attributes(&json!({"type": "object"}), &attributes), Ok(()));
    }
}
