use serde_json::json;

use super::*;

#[test]
fn every_fault_of_a_schema_is_told_with_its_place() {
    let schema = json!({
        "type": "array",
        "additionalProperties": true,
        "oneOf": [],
        "required": ["make", "make", "none", 7],
        "properties": {
            "make": {"type": "string", "minLength": 5, "maxLength": 4, "minimum": 1},
            "year": {"type": "date"},
            "power": {"type": "number", "minimum": "0", "unit": " "},
            "serial": {"type": "string", "pattern": "(?=x)", "title": 5},
            "huge": {"type": "string", "pattern": "(\\w{200}){200}"},
            "state": {"type": "string", "maxLength": 3, "enum": ["new", "used", 7, "new"]},
            "none": {"type": "integer", "enum": []},
            "uses": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
            "tags": {"type": "array"},
            "ref": {"$ref": "#/properties/make"},
            "x/y": true,
            "": {"type": "boolean"},
        },
    });
    let faults = Schema::read(&schema, "/attribute_schema").expect_err("refused");
    let mut pointers: Vec<_> =
        faults.iter().map(|fault| fault.pointer.trim_start_matches("/attribute_schema")).collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/additionalProperties",
            "/oneOf",
            "/properties/",
            "/properties/huge/pattern",
            "/properties/make/maxLength",
            "/properties/make/minimum",
            "/properties/none/enum",
            "/properties/power/minimum",
            "/properties/power/unit",
            "/properties/ref/type",
            "/properties/serial/pattern",
            "/properties/serial/title",
            "/properties/state/enum/1",
            "/properties/state/enum/2",
            "/properties/state/enum/3",
            "/properties/tags/items",
            "/properties/uses/items/type",
            "/properties/x~1y",
            "/properties/year/type",
            "/required/1",
            "/required/3",
            "/type",
        ]
    );
}

#[test]
fn what_is_no_schema_is_refused() {
    for (schema, pointer) in [
        (json!(null), ""),
        (json!([]), ""),
        (json!({}), "/type"),
        (json!({"type": "object", "properties": []}), "/properties"),
        (json!({"type": "object", "required": "make"}), "/required"),
    ] {
        let faults = Schema::read(&schema, "").expect_err("refused");
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), [pointer], "{schema}");
    }
}

#[test]
fn a_good_schema_is_read() {
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "title": "Tractors",
        "additionalProperties": false, "required": ["make"], "properties": {
            "make": {"type": "string", "description": "Who built it"},
            "uses": {"type": "array", "items": {"type": "string", "enum": ["plow", "tow"]}, "uniqueItems": true}}});
    let read = Schema::read(&schema, "").expect("read");
    assert_eq!((read.attributes.len(), read.required.as_slice()), (2, ["make".to_owned()].as_slice()));
}

#[test]
fn a_filter_fits_its_type() {
    let fault = |property: serde_json::Value| {
        let schema = json!({"type": "object", "properties": {"a": property}});
        Schema::read(&schema, "").err().map(|faults| faults.to_string())
    };
    for property in [
        json!({"type": "string", "filter": "facet"}),
        json!({"type": "boolean", "filter": "facet"}),
        json!({"type": "array", "items": {"type": "string"}, "filter": "facet"}),
        json!({"type": "integer", "filter": "range"}),
    ] {
        assert_eq!(fault(property.clone()), None, "{property}");
    }
    for (property, expected) in [
        (json!({"type": "string", "filter": "range"}), r#"/properties/a/filter: must be "facet" for this type"#),
        (json!({"type": "number", "filter": "facet"}), r#"/properties/a/filter: must be "range" for this type"#),
        (json!({"type": "number", "filter": 7}), r#"/properties/a/filter: must be "range" for this type"#),
        (
            json!({"type": "array", "items": {"type": "number"}, "filter": "range"}),
            "/properties/a/filter: is not for lists of numbers",
        ),
    ] {
        assert_eq!(fault(property).as_deref(), Some(expected));
    }
}
