use serde_json::json;

use super::*;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

#[test]
fn texts_among_attributes_show_what_they_are() {
    let typed = object(json!({"make": " Fe\u{200b}ndt ", "year": 2015, "uses": ["plow\u{202e}", "tow"], "road": true}));
    let shown = object(json!({"make": "Fendt", "year": 2015, "uses": ["plow", "tow"], "road": true}));
    assert_eq!(cleaned(&typed), Ok(shown));
}

#[test]
fn a_text_that_shows_nothing_or_breaks_its_line_is_refused_with_its_place() {
    let typed = object(json!({"a/b": "\u{200b}", "make": "x\ny", "nul": "a\u{0}", "uses": ["tow", "\u{7f}"]}));
    let faults = cleaned(&typed).expect_err("refused");
    let faults: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.message.as_str())).collect();
    let (control, invisible) = ("control characters are not allowed", "has no visible character");
    assert_eq!(
        faults,
        [
            ("/attributes/a~1b", invisible),
            ("/attributes/make", control),
            ("/attributes/nul", control),
            ("/attributes/uses/1", control),
        ]
    );
}
