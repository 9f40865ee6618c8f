use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::epcis::rules::document::Document;
use crate::epcis::rules::tests::{documents, folder, raw};

fn hashed(event: &Value, context: &[Value]) -> String {
    hash(event.as_object().unwrap(), &prefixes(context))
}

#[test]
fn the_published_hashes_are_met() {
    let mut met = 0;
    for (name, document) in documents("hashes") {
        let published = std::fs::read_to_string(folder("hashes").join(format!("{name}.hashes"))).unwrap();
        let published: Vec<&str> = published.split_whitespace().collect();
        // The reference reads comments that a document must not have.
        let list = |value: &Value| value.as_array().cloned();
        let body = &document["epcisBody"];
        let events =
            list(&body["eventList"]).or_else(|| list(&body["queryResults"]["resultsBody"]["eventList"])).unwrap();
        assert_eq!(events.len(), published.len(), "{name}");
        let context = document["@context"].as_array().cloned().unwrap_or_else(|| vec![document["@context"].clone()]);
        for (event, published) in events.iter().zip(published) {
            let writer = Writer { prefixes: &prefixes(&context) }.event(event.as_object().unwrap());
            assert_eq!(hashed(event, &context), published, "{name}: {writer}");
            met += 1;
        }
    }
    assert!(met >= 39, "{met}");
}

/// An event with something of everything, in a document whose prefixes are `names`.
fn written(names: [&str; 2], offset: i32, reversed: bool, as_links: bool) -> (Value, Vec<Value>) {
    let [a, b] = names;
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let at = at.with_timezone(&chrono::FixedOffset::east_opt(offset * 3600).unwrap()).to_rfc3339();
    let epc = |urn: &str, link: &str| json!(if as_links { link } else { urn });
    let list = |mut items: Vec<Value>| {
        if reversed {
            items.reverse();
        }
        Value::Array(items)
    };
    let step = if reversed { "urn:epcglobal:cbv:bizstep:shipping" } else { "shipping" };
    let event = json!({
        "type": "ObjectEvent", "eventTime": at, "eventTimeZoneOffset": "+01:00", "action": "OBSERVE", "bizStep": step,
        "epcList": list(vec![
            epc("urn:epc:id:sgtin:4012345.011111.9876", "https://shop.example/01/4012345111118/21/9876?17=260101"),
            epc("urn:epc:id:sscc:4012345.0000000333", "https://id.gs1.org/00/040123450000003338"),
        ]),
        "bizTransactionList": list(vec![json!({"type": "po", "bizTransaction": "urn:a:1"}), json!({"bizTransaction": "urn:a:2"})]),
        "sensorElementList": list(vec![
            json!({"sensorReport": list(vec![json!({"type": "Temperature", "value": 26.0}), json!({"type": "Speed", "value": 1})])}),
            json!({"sensorReport": [{"type": "Speed", "value": if reversed { json!(1) } else { json!(1.0) }}]}),
        ]),
        format!("{a}:one"): {format!("{b}:two"): list(vec![json!("x"), json!("y")])},
        format!("{b}:three"): true,
    });
    (event, vec![json!({a: "https://a.example/", b: "https://b.example/"})])
}

proptest! {
    #[test]
    fn the_same_event_has_one_hash_however_it_is_written(
        offset in -12..12_i32, reversed: bool, as_links: bool, names in prop::sample::subsequence(vec!["p", "q", "xyz"], 2), moved: bool,
    ) {
        let (event, context) = written(["a", "b"], 0, false, false);
        let (other, prefixes) = written([names[0], names[1]], offset, reversed, as_links);
        prop_assert_eq!(hashed(&event, &context), hashed(&other, &prefixes));
        // Where the context stands, when it was recorded and what is called it, and an error that is declared, are no
        // content.
        let mut marked = event.clone();
        marked["eventID"] = json!("urn:a:b");
        marked["recordTime"] = json!("2026-01-01T00:00:00Z");
        marked["errorDeclaration"] = json!({"declarationTime": "2026-01-01T00:00:00Z"});
        if moved {
            marked["@context"] = context[0].clone();
        }
        prop_assert_eq!(hashed(&event, &context), hashed(&marked, &context));
    }
}

/// Whether a document repeats a prefix of the standard's context or leaves it to that context, the event is the same one.
#[test]
fn prefixes_of_the_standard_need_no_declaration() {
    let (mut event, context) = written(["a", "b"], 0, false, false);
    for (prefix, uri) in STANDARD {
        event[format!("{prefix}:mark")] = json!("x");
        let repeated = [context[0].clone(), json!({prefix: uri})];
        assert_eq!(hashed(&event, &context), hashed(&event, &repeated), "{prefix}");
        let other = [context[0].clone(), json!({prefix: "https://other.example/"})];
        assert_ne!(hashed(&event, &context), hashed(&event, &other), "{prefix}");
    }
}

#[test]
fn whatever_is_changed_changes_the_hash() {
    let (event, context) = written(["a", "b"], 0, false, false);
    let mut seen = std::collections::BTreeSet::from([hashed(&event, &context)]);
    let mut leaves = Vec::new();
    collect(&event, "", &mut leaves);
    assert!(leaves.len() > 15, "{leaves:?}");
    for place in leaves {
        let mut changed = event.clone();
        *changed.pointer_mut(&place).unwrap() = json!("urn:something:else");
        assert!(seen.insert(hashed(&changed, &context)), "{place}");
    }
    for (name, value) in [
        ("a:four", json!("12345678901234567891")),
        ("a:four", json!("12345678901234567892")),
        ("b:four", json!(null)),
        ("a:four", json!({"type": "x"})),
        ("a:four", json!({"type": "y"})),
        ("a:four", json!({"eventID": "y"})),
    ] {
        let mut changed = event.clone();
        changed[name] = value.clone();
        assert!(seen.insert(hashed(&changed, &context)), "{name} {value}");
    }
}

fn collect(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, part)| collect(part, &format!("{at}/{name}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| collect(item, &format!("{at}/{n}"), found));
        }
        _ => found.push(at.to_owned()),
    }
}

#[test]
fn numbers_lose_what_says_nothing() {
    for (text, wanted) in [
        ("26.0", "26"),
        ("+1", "1"),
        ("007", "7"),
        ("-0.50", "-0.5"),
        ("0.0", "0"),
        ("-0", "0"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("12345678901234567891.10", "12345678901234567891.1"),
    ] {
        assert_eq!(decimal(text).as_deref(), Some(wanted));
    }
    for text in ["", "-", ".", "1.2.3", "1e", "e5", "nan", "inf", "1 2", "0x1", "١"] {
        assert_eq!(decimal(text), None, "{text}");
    }
}

#[test]
fn a_document_read_has_the_hashes_of_its_events() {
    for (_, document) in documents("gs1") {
        let read = Document::read(&raw(&document)).unwrap();
        assert!(!read.events.is_empty() && !read.context.is_empty());
    }
}
