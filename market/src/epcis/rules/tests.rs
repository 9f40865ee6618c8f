use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::check;
use super::document::Document;
use super::judge::tests::event;
use crate::epcis::model::{EpcisType, Fault};

pub(super) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/epcis").join(name)
}

/// The documents of a folder, by name.
pub(super) fn documents(name: &str) -> Vec<(String, Value)> {
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonld") {
            let text = std::fs::read_to_string(&path).unwrap();
            documents
                .push((path.file_stem().unwrap().to_str().unwrap().to_owned(), serde_json::from_str(&text).unwrap()));
        }
    }
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    documents
}

pub(super) fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

pub(super) fn now() -> DateTime<Utc> {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

/// Every event of every published document, and of ours.
fn published() -> Vec<(String, Value)> {
    let mut events = Vec::new();
    for (name, document) in ["gs1", "hashes", "ours"].into_iter().flat_map(documents) {
        let document = Document::read(&raw(&document)).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        for (at, event) in document.events.iter().enumerate() {
            events.push((format!("{name} {at}"), serde_json::from_str(event.get()).unwrap()));
        }
    }
    events
}

/// GS1's schema; of one event in a document unless it is of the whole.
pub(super) fn schema(whole: bool) -> jsonschema::Validator {
    let text = std::fs::read_to_string(folder("gs1").join("EPCIS-JSON-Schema.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    schema.as_object_mut().unwrap().remove("$id");
    if !whole {
        let definitions = schema["definitions"].take();
        schema = json!({"$schema": schema["$schema"], "definitions": definitions,
            "allOf": [{"$ref": "#/definitions/EPCIS-Document-Event"}]});
    }
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn ours(event: &Value) -> Vec<Fault> {
    let Some(event) = event.as_object() else { return vec![Fault { pointer: String::new(), detail: String::new() }] };
    let kind = EpcisType::named(event["type"].as_str().unwrap()).unwrap();
    let mut faults = check::event(kind, event);
    faults.extend(event.get("@context").into_iter().flat_map(|context| check::context("/@context", context)));
    faults
}

#[test]
fn every_published_example_is_taken() {
    let events = published();
    assert!(events.len() >= 75, "{}", events.len());
    for (name, event) in events {
        // A comment without a prefix is not what the schema has.
        if event.get("comment").is_some() {
            continue;
        }
        assert_eq!(ours(&event), [], "{name}");
    }
}

/// Every place in a value, as a list of pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, part)| places(part, &format!("{at}/{}", shared::invalid::escaped(name)), found));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

/// Changes of one place, each of which may be allowed or not.
fn changed(event: &Value, place: &str) -> Vec<Value> {
    let values = [
        json!(null),
        json!(true),
        json!(1),
        json!(-0.5),
        json!(""),
        json!("x"),
        json!("Üx"),
        json!([]),
        json!({}),
        json!("a b:c"),
        json!("example:thing"),
        json!("https://example.com/a?b=c#d"),
        json!("https://[::1]:80/%zz"),
        json!("%41:b"),
        json!("a:[b]"),
        json!("urn:epc:id:sgtin:4012345.011111.987"),
        json!("shipping"),
        json!("in_transit"),
        json!("po"),
        json!("owning_party"),
        json!("https://ns.gs1.org/cbv/BizStep-shipping"),
        json!("did_not_occur"),
        json!("Temperature"),
        json!("x"),
        json!("KGM"),
        json!("kgm"),
        json!("ADD"),
        json!("DELETE"),
        json!("+01:00"),
        json!("+14:00"),
        json!("+14:01"),
        json!("-13:59"),
        json!("+1:00"),
        json!("2026-02-30T00:00:00Z"),
        json!("2026-02-28T00:00:00"),
        json!("2026-02-28T00:00:00.123+01:00"),
        json!("ab12"),
        json!(["example:thing"]),
        json!(["example:thing", "example:thing"]),
        json!([1]),
        json!([{}]),
        json!({"id": "example:a"}),
        json!({"example:a": [1]}),
        json!({"a": 1}),
        json!({"set": ["active"]}),
        json!({"set": []}),
        json!({"declarationTime": 1}),
        json!([{"type": "Temperature"}]),
        json!([{"epcClass": "example:a", "quantity": 1, "uom": "KGM"}]),
        json!([{"epcClass": "example:a", "x:y": 1}]),
        json!([{"type": "po", "bizTransaction": "a:b"}]),
        json!([{"bizTransaction": "a:b"}]),
    ];
    let mut all: Vec<Value> = Vec::new();
    for value in values {
        let mut copy = event.clone();
        *copy.pointer_mut(place).unwrap() = value;
        all.push(copy);
    }
    let Some((parent, name)) = place.rsplit_once('/') else { return all };
    let name = name.replace("~1", "/").replace("~0", "~");
    let mut without = event.clone();
    match without.pointer_mut(parent).unwrap() {
        Value::Object(members) => {
            let old = members.remove(&name).unwrap();
            for new in ["unknown", "example:unknown", "http://a b/", "ilmd", "action", "parentID", "quantityList"] {
                let mut copy = event.clone();
                let members = copy.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                members.insert(new.to_owned(), old.clone());
                all.push(copy);
            }
        }
        Value::Array(items) => {
            let item = items.remove(name.parse().unwrap());
            let mut twice = event.clone();
            twice.pointer_mut(parent).unwrap().as_array_mut().unwrap().push(item);
            all.push(twice);
        }
        _ => unreachable!(),
    }
    all.push(without);
    all
}

/// What we judge otherwise than the schema on purpose.
fn is_ours_alone(event: &Value) -> bool {
    let kind = event["type"].as_str().and_then(EpcisType::named);
    let long = |name: &str| event[name].as_str().is_some_and(|word| word.starts_with("urn:epcglobal:cbv"));
    kind.is_none() || long("bizStep") || long("disposition")
}

#[test]
fn our_verdicts_are_those_of_the_schema() {
    let schema = schema(false);
    let (mut compared, mut refused) = (0, 0);
    for (name, event) in published() {
        let mut all = Vec::new();
        places(&event, "", &mut all);
        // The parts of an extension are its own.
        all.retain(|place| !place.contains("example:") && !place.contains("ilmd/"));
        for place in all.iter().filter(|place| *place != "/type" && !place.is_empty()) {
            for changed in changed(&event, place).into_iter().filter(|changed| !is_ours_alone(changed)) {
                let (faults, valid) = (ours(&changed), schema.is_valid(&changed));
                assert_eq!(
                    faults.is_empty(),
                    valid,
                    "{name} at {place}: {faults:?}\n{changed:#}\n{:?}",
                    schema.validate(&changed).err()
                );
                compared += 1;
                refused += usize::from(!valid);
            }
        }
    }
    assert!(compared > 10_000 && refused > 5_000 && compared - refused > 1_000, "{compared} {refused}");
}

#[test]
fn documents_say_what_they_lack() {
    let read = |document: Value| {
        Document::read(&raw(&document))
            .map(|read| read.events.len())
            .map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>())
    };
    let whole = json!({"@context": "https://a.example/", "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-11-01T00:00:00Z", "epcisBody": {"eventList": [event()]}});
    let with = |name: &str, value: Value| {
        let mut copy = whole.clone();
        copy[name] = value;
        copy
    };
    let without = |name: &str| {
        let mut copy = whole.clone();
        copy.as_object_mut().unwrap().remove(name);
        copy
    };
    assert_eq!(read(whole.clone()), Ok(1));
    assert_eq!(read(event()), Ok(1));
    let answer = json!({"@context": {}, "type": "EPCISQueryDocument", "epcisBody": {"queryResults": {"queryName": "q",
        "resultsBody": {"eventList": [event(), event()]}}}});
    assert_eq!(read(answer), Ok(2));
    for name in ["@context", "schemaVersion", "creationDate", "epcisBody", "type"] {
        assert_eq!(read(without(name)).unwrap_err()[0], format!("/{name}"));
    }
    assert_eq!(read(with("type", json!("Book"))).unwrap_err(), ["/type"]);
    assert_eq!(read(with("schemaVersion", json!("1.2"))).unwrap_err(), ["/schemaVersion"]);
    assert_eq!(read(with("schemaVersion", json!(2))).unwrap_err(), ["/schemaVersion"]);
    assert_eq!(read(with("creationDate", json!("today"))).unwrap_err(), ["/creationDate"]);
    assert_eq!(read(with("@context", json!([1]))).unwrap_err(), ["/@context/0"]);
    assert_eq!(read(with("title", json!("x"))).unwrap_err(), ["/title"]);
    assert_eq!(read(with("epcisBody", json!([]))).unwrap_err(), ["/epcisBody"]);
    assert_eq!(read(with("epcisBody", json!({}))).unwrap_err(), ["/epcisBody/eventList"]);
    assert_eq!(read(with("epcisBody", json!({"eventList": {}}))).unwrap_err(), ["/epcisBody/eventList"]);
    assert_eq!(Document::read(&raw(&json!("x"))).unwrap_err()[0].pointer, "");
}
