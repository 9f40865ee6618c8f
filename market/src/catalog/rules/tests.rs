use serde_json::json;

use super::*;

fn tractor() -> Schema {
    let schema = json!({"type": "object", "required": ["make", "year"], "properties": {
        "make": {"type": "string", "minLength": 2, "maxLength": 5},
        "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
        "power": {"type": "number", "minimum": 0.5, "unit": "kW"},
        "condition": {"type": "string", "enum": ["new", "used"]},
        "serial": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"},
        "doors": {"type": "integer", "maximum": 4, "enum": [0, 2]},
        "road": {"type": "boolean"},
        "uses": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 2, "uniqueItems": true},
        "a/b~c": {"type": "boolean"},
    }});
    Schema::read(&schema, "").expect("a schema")
}

/// Pointers and messages, in order.
fn faults(attributes: Value) -> Vec<(String, String)> {
    let Value::Object(attributes) = attributes else { panic!("not an object") };
    let faults = tractor().check(&attributes).err();
    faults.map_or(Vec::new(), |faults| faults.iter().map(|it| (it.pointer.clone(), it.message.clone())).collect())
}

#[test]
fn what_fits_passes() {
    let least = json!({"make": "JD", "year": 1900});
    let most = json!({"make": "Fendt", "year": 2100.0, "power": 0.5, "condition": "new", "serial": "AB1", "doors": 2,
        "road": false, "uses": ["plow", "tow"], "a/b~c": true});
    for attributes in [least, most] {
        assert_eq!(faults(attributes), []);
    }
    // Characters are counted, not bytes.
    assert_eq!(faults(json!({"make": "ÄÖÜßé", "year": 2000})), []);
}

#[test]
fn each_fault_names_its_place_and_what_would_fit() {
    let with = |name: &str, value: Value| {
        let mut attributes = json!({"make": "Fendt", "year": 2020});
        attributes[name] = value;
        attributes
    };
    for (attributes, pointer, message) in [
        (with("make", json!("x")), "/attributes/make", "must have 2 to 5 characters"),
        (with("make", json!(7)), "/attributes/make", "must be of type string"),
        (with("make", Value::Null), "/attributes/make", "must be of type string"),
        (with("year", json!(1899)), "/attributes/year", "must be 1900 to 2100"),
        (with("year", json!(2020.5)), "/attributes/year", "must be of type integer"),
        (with("year", json!("2020")), "/attributes/year", "must be of type integer"),
        (with("power", json!(0.4)), "/attributes/power", "must be at least 0.5 kW"),
        (with("condition", json!("wet")), "/attributes/condition", r#"must be one of "new", "used""#),
        (with("serial", json!("ab1")), "/attributes/serial", "must match ^[A-Z]{2}[0-9]+$"),
        (with("doors", json!(1)), "/attributes/doors", "must be one of 0, 2"),
        (with("road", json!("yes")), "/attributes/road", "must be of type boolean"),
        (with("uses", json!("plow")), "/attributes/uses", "must be of type array"),
        (with("uses", json!(["a", "b", "c"])), "/attributes/uses", "must have at most 2 entries"),
        (with("uses", json!(["a", "a"])), "/attributes/uses/1", "is there twice"),
        (with("uses", json!(["a", 1])), "/attributes/uses/1", "must be of type string"),
        (with("a/b~c", json!(1)), "/attributes/a~1b~0c", "must be of type boolean"),
    ] {
        assert_eq!(faults(attributes.clone()), [(pointer.to_owned(), message.to_owned())], "{attributes}");
    }
}

#[test]
fn all_faults_are_told_at_once_but_not_without_end() {
    let pointers: Vec<_> = faults(json!({"make": "x", "colour": 1, "road": 1})).into_iter().map(|it| it.0).collect();
    assert_eq!(pointers, ["/attributes/year", "/attributes/colour", "/attributes/make", "/attributes/road"]);
    let many = (0..10_000).map(|n| (format!("a{n}"), json!(n))).collect();
    assert_eq!(faults(Value::Object(many)).len(), Faults::MOST);
    assert!(faults(json!({"make": "JD", "year": 2000, "uses": vec![1; 10_000]})).len() <= Faults::MOST);
}

#[test]
fn a_category_without_properties_has_no_attributes() {
    let schema = Schema::read(&json!({"type": "object"}), "").expect("a schema");
    assert!(schema.check(&Map::new()).is_ok());
    let faults = schema.check(&Map::from_iter([("any".to_owned(), json!(1))])).expect_err("refused");
    assert_eq!(faults.to_string(), "/attributes/any: the category has no attributes");
}

#[test]
fn what_is_missing_is_no_fault_yet() {
    let incomplete = json!({"power": 3.5});
    let wrong = json!({"power": 0});
    let attributes = |value: Value| value.as_object().cloned().expect("an object");
    assert!(tractor().check_present(&attributes(incomplete)).is_ok());
    assert!(tractor().check_present(&attributes(wrong)).is_err());
}
