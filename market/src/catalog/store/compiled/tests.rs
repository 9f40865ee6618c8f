use serde_json::json;

use super::*;

#[test]
fn a_schema_is_compiled_once_and_a_changed_one_again() {
    let schema = |most: u32| json!({"type": "object", "properties": {"doors": {"type": "integer", "maximum": most}}});
    let first = compiled(&schema(4)).expect("a schema");
    assert!(Arc::ptr_eq(&first, &compiled(&schema(4)).expect("a schema")));
    let changed = compiled(&schema(5)).expect("a schema");
    assert!(!Arc::ptr_eq(&first, &changed));
    let five = serde_json::Map::from_iter([("doors".to_owned(), json!(5))]);
    assert!(first.check(&five).is_err() && changed.check(&five).is_ok());
    assert!(compiled(&json!({"type": "array"})).is_err());
}
