use proptest::prelude::*;
use serde_json::json;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn pointers(change: &Value) -> Vec<&'static str> {
    let mut event = json!({
        "source": "gps-7", "source_event_id": "e1", "shipment": "S-1", "type": "actual",
        "status": "in_transit", "occurred_at": now(), "position": {"latitude": 52.5, "longitude": 13.4},
    });
    for (name, value) in change.as_object().unwrap() {
        event[name] = value.clone();
    }
    let event: CargoEvent = serde_json::from_value(event).unwrap();
    Bounds::at(now()).check(&event).into_iter().map(|fault| fault.pointer).collect()
}

#[test]
fn a_good_event_has_no_fault() {
    assert!(pointers(&json!({})).is_empty());
    assert!(pointers(&json!({"payload": {"speed": 1.5, "tags": ["a"]}, "corrects": "e0", "sequence": 3})).is_empty());
}

#[test]
fn every_fault_is_named_where_it_is() {
    for (change, pointer) in [
        (json!({"source": ""}), "/source"),
        (json!({"source": "a/b"}), "/source"),
        (json!({"shipment": "x".repeat(65)}), "/shipment"),
        (json!({"source_event_id": "two words"}), "/source_event_id"),
        (json!({"source_event_id": "\u{0}"}), "/source_event_id"),
        (json!({"sequence": -1}), "/sequence"),
        (json!({"corrects": "e1"}), "/corrects"),
        (json!({"position": {"latitude": 91, "longitude": 0}}), "/position/latitude"),
        (json!({"position": {"latitude": 0, "longitude": -180.5}}), "/position/longitude"),
        (json!({"payload": [1]}), "/payload"),
        (json!({"payload": {"a": "\u{0}"}}), "/payload"),
        (json!({"payload": {"\u{0}": 1}}), "/payload"),
        (json!({"payload": {"a": ["b\u{85}"]}}), "/payload"),
        (json!({"payload": {"a": "\u{200b}"}}), "/payload"),
        (json!({"payload": {"a\u{202e}": 1}}), "/payload"),
        (json!({"payload": {"a": "x".repeat(5000)}}), "/payload"),
        (json!({"status": null, "position": null}), ""),
    ] {
        assert_eq!(pointers(&change), [pointer], "{change}");
    }
    let all = pointers(&json!({"source": "", "shipment": "", "sequence": -1}));
    assert_eq!(all, ["/source", "/shipment", "/sequence"]);
}

#[test]
fn times_are_bounded_by_what_they_tell() {
    let at = |kind: &str, days: i64| pointers(&json!({"type": kind, "occurred_at": now() + TimeDelta::days(days)}));
    assert!(at("actual", 1).is_empty());
    assert_eq!(at("actual", 2), ["/occurred_at"]);
    assert!(at("estimated", 700).is_empty());
    assert_eq!(at("planned", 731), ["/occurred_at"]);
    assert!(at("actual", -730).is_empty());
    assert_eq!(at("actual", -731), ["/occurred_at"]);
    assert_eq!(pointers(&json!({"occurred_at": "+200000-01-01T00:00:00Z"})), ["/occurred_at"]);
}

#[test]
fn json_that_jsonb_cannot_hold_is_refused() {
    for payload in ["1e999", r#""\ud800""#] {
        let text = format!(
            r#"{{"source":"s","source_event_id":"e","shipment":"S","type":"actual",
        "occurred_at":"2027-01-15T08:00:00Z","payload":{{"x":{payload}}}}}"#
        );
        let event: CargoEvent = serde_json::from_str(&text).unwrap();
        assert_eq!(Bounds::at(now()).check(&event)[0].pointer, "/payload");
    }
}

#[test]
fn hidden_characters_leave_a_payload_and_the_rest_stays_as_it_is() {
    let plain = r#"{"b": "x\ny", "a": 1.50}"#;
    for (sent, kept) in [
        (plain, plain),
        (
            "{\"place\":\"Köln\u{200b} \u{202e}Deutz\",\"tags\":[\"\u{feff}\",1]}",
            r#"{"place":"Köln Deutz","tags":["",1]}"#,
        ),
        (r#"{"place":"a\u200bb"}"#, r#"{"place":"ab"}"#),
    ] {
        let payload = RawValue::from_string(sent.to_owned()).unwrap();
        assert_eq!(cleaned_payload(payload).get(), kept);
    }
}

proptest! {
    #[test]
    fn no_payload_makes_it_panic(json in "[\\[\\]{}\":,0-9a-e\\\\u. -]{0,60}") {
        let _ = payload_problem(&json);
    }
}
