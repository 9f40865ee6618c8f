use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::*;

fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> serde_json::Result<T> {
    T::deserialize(Strict(&mut serde_json::Deserializer::from_slice(body)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "of some only the parsing matters")]
struct Order {
    line: Option<Line>,
    #[serde(default)]
    lines: Vec<Line>,
    kind: Option<Kind>,
    size: Option<Size>,
    raw: Option<Box<RawValue>>,
    pair: Option<(u8, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    quantity: u16,
    offset: Option<i64>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Retail,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Size {
    Whole,
    Part { of: u8 },
}

/// Reads it as text, and as a value that was read before; they agree.
fn read(body: &serde_json::Value) -> Result<Order, String> {
    let text = body.to_string();
    let of_text = parse::<Order>(text.as_bytes()).map_err(|problem| problem.to_string());
    let of_value = Order::deserialize(Strict(body.clone()));
    assert_eq!(of_text.is_ok(), of_value.is_ok(), "{body}: {of_value:?}");
    of_text
}

#[test]
fn a_struct_is_read_from_an_object_only() {
    for body in [
        json!([null, []]),
        json!({"line": [1, null]}),
        json!({"lines": [{"quantity": 1}, [2, null]]}),
        json!({"size": {"part": [3]}}),
    ] {
        let refusal = read(&body).unwrap_err();
        assert!(refusal.contains("invalid type: sequence"), "{body}: {refusal}");
    }
    assert!(parse::<Option<Line>>(b"[1, null]").is_err());
    // What is an array stays one.
    assert_eq!(read(&json!({"pair": [1, "x"]})).unwrap().pair, Some((1, "x".to_owned())));
}

#[test]
fn an_enum_without_data_is_a_string_only() {
    assert_eq!(read(&json!({"kind": "retail"})).unwrap().kind, Some(Kind::Retail));
    assert_eq!(read(&json!({"size": "whole"})).unwrap().size, Some(Size::Whole));
    assert_eq!(read(&json!({"size": {"part": {"of": 3}}})).unwrap().size, Some(Size::Part { of: 3 }));
    for body in [
        json!({"kind": {"retail": null}}),
        json!({"kind": 0}),
        json!({"kind": "Retail"}),
        json!({"size": {"whole": null}}),
        json!({"size": {"part": {"of": 3}, "whole": null}}),
    ] {
        assert!(read(&body).is_err(), "{body}");
    }
}

#[test]
fn a_whole_number_is_an_integer_however_it_is_written() {
    let line = |quantity: &str| parse::<Line>(format!(r#"{{"quantity": {quantity}}}"#).as_bytes());
    for (quantity, expected) in [("3", 3), ("3.0", 3), ("3e2", 300), ("-0.0", 0), ("65535.0", 65_535)] {
        assert_eq!(line(quantity).unwrap().quantity, expected, "{quantity}");
    }
    for quantity in ["3.5", "-1.0", "65536.0", "1e300", "\"3\""] {
        assert!(line(quantity).is_err(), "{quantity}");
    }
    let offset = parse::<Line>(br#"{"quantity": 1, "offset": -9007199254740992.0}"#).unwrap().offset;
    assert_eq!(offset, Some(-9_007_199_254_740_992));
}

#[test]
fn raw_values_come_through_as_they_are() {
    let order = read(&json!({"raw": {"a": [1.0, null]}})).unwrap();
    assert_eq!(order.raw.unwrap().get(), r#"{"a":[1.0,null]}"#);
}
