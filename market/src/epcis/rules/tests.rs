use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::document::Document;
use super::epc::canonical;
use super::judge::judge;
use super::shipments::{joined, shown};
use super::check;
use crate::cargo::{Bounds, CargoEvent, EventType, Position, ShipmentStatus, StoredEvent};
use crate::epcis::model::{EpcisType, Fault, NewEvent, Role};

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
            documents.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), serde_json::from_str(&text).unwrap()));
        }
    }
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    documents
}

pub(super) fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

fn judged(event: &Value) -> Result<NewEvent, Vec<Fault>> {
    judge(&raw(event), &[], &Bounds::at(now()))
}

fn pointers(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.pointer.as_str()).collect()
}

/// Every event of every published document.
fn published() -> Vec<(String, Value)> {
    let mut events = Vec::new();
    for (name, document) in documents("gs1").into_iter().chain(documents("hashes")) {
        let document = Document::read(&raw(&document)).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        for (at, event) in document.events.iter().enumerate() {
            events.push((format!("{name} {at}"), serde_json::from_str(event.get()).unwrap()));
        }
    }
    events
}

/// GS1's schema; of one event in a document unless it is of the whole.
fn schema(whole: bool) -> jsonschema::Validator {
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
    assert!(events.len() > 40, "{}", events.len());
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
            members.iter().for_each(|(name, part)| places(part, &format!("{at}/{}", shared::invalid::escaped(name)), found));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

/// Changes of one place, each of which may be allowed or not.
fn changed(event: &Value, place: &str) -> Vec<Value> {
    let values = [
        json!(null), json!(true), json!(1), json!(-0.5), json!(""), json!("x"), json!("Üx"), json!([]), json!({}), json!("a b:c"),
        json!("example:thing"), json!("https://example.com/a?b=c#d"), json!("https://[::1]:80/%zz"), json!("%41:b"), json!("a:[b]"),
        json!("urn:epc:id:sgtin:4012345.011111.987"), json!("shipping"), json!("in_transit"), json!("po"), json!("owning_party"),
        json!("https://ns.gs1.org/cbv/BizStep-shipping"), json!("did_not_occur"), json!("Temperature"), json!("x"), json!("KGM"),
        json!("kgm"), json!("ADD"), json!("DELETE"), json!("+01:00"), json!("+14:00"), json!("+14:01"), json!("-13:59"), json!("+1:00"),
        json!("2026-02-30T00:00:00Z"), json!("2026-02-28T00:00:00"), json!("2026-02-28T00:00:00.123+01:00"), json!("ab12"),
        json!(["example:thing"]), json!(["example:thing", "example:thing"]), json!([1]), json!([{}]), json!({"id": "example:a"}),
        json!({"example:a": [1]}), json!({"a": 1}), json!({"set": ["active"]}), json!({"set": []}), json!({"declarationTime": 1}),
        json!([{"type": "Temperature"}]), json!([{"epcClass": "example:a", "quantity": 1, "uom": "KGM"}]),
        json!([{"epcClass": "example:a", "x:y": 1}]), json!([{"type": "po", "bizTransaction": "a:b"}]), json!([{"bizTransaction": "a:b"}]),
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
                assert_eq!(faults.is_empty(), valid, "{name} at {place}: {faults:?}\n{changed:#}\n{:?}", schema.validate(&changed).err());
                compared += 1;
                refused += usize::from(!valid);
            }
        }
    }
    assert!(compared > 10_000 && refused > 5_000 && compared - refused > 1_000, "{compared} {refused}");
}

fn event() -> Value {
    json!({"type": "ObjectEvent", "eventTime": "2026-11-01T08:00:00.000+01:00", "eventTimeZoneOffset": "+01:00",
        "epcList": ["urn:epc:id:sscc:4012345.0000000333"], "action": "OBSERVE", "bizStep": "departing",
        "readPoint": {"id": "geo:52.5,13.4"}})
}

fn with(change: Value) -> Value {
    let mut event = event();
    for (name, value) in change.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cases = [
        (json!({"eventTime": "yesterday"}), "/eventTime"),
        (json!({"eventTime": "2026-02-30T00:00:00Z"}), "/eventTime"),
        (json!({"eventTime": "2026-11-01T08:00:00"}), "/eventTime"),
        (json!({"eventTimeZoneOffset": "CET"}), "/eventTimeZoneOffset"),
        (json!({"action": "observe"}), "/action"),
        (json!({"epcList": "urn:a:b"}), "/epcList"),
        (json!({"epcList": ["urn:a:b", 7]}), "/epcList/1"),
        (json!({"epcList": ["urn:a:b", "urn:a:b"]}), "/epcList/1"),
        (json!({"epcList": [format!("urn:a:{}", "b".repeat(1100))]}), "/epcList/0"),
        (json!({"bizStep": "sailing"}), "/bizStep"),
        (json!({"bizStep": "urn:epcglobal:cbv:bizstep:sailing"}), "/bizStep"),
        (json!({"readPoint": {"name": "here"}}), "/readPoint/id"),
        (json!({"colour": "red"}), "/colour"),
        (json!({"a/b~c": 1}), "/a~1b~0c"),
        (json!({"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": "warm"}]}]}),
            "/sensorElementList/0/sensorReport/0/value"),
        (json!({"errorDeclaration": {"reason": "did_not_occur"}}), "/errorDeclaration/declarationTime"),
        (json!({"quantityList": [{"epcClass": "urn:a:b", "quantity": "1"}]}), "/quantityList/0/quantity"),
        (json!({"ilmd": {"example:lot": 1}}), "/ilmd"),
        (json!({"@context": 7}), "/@context"),
        (json!({"@context": ["https://a.example/", "https://a.example/"]}), "/@context/1"),
        (json!({"@context": {"a": "b".repeat(5000)}}), "/@context"),
        (json!({"type": "Party"}), "/type"),
        (json!({"type": null}), "/type"),
    ];
    for (change, pointer) in cases {
        let faults = judged(&with(change.clone())).unwrap_err();
        assert!(pointers(&faults).contains(&pointer), "{change}: {faults:?}");
        assert!(faults.iter().all(|fault| fault.detail.len() < 300), "{faults:?}");
    }
    assert_eq!(pointers(&judged(&json!([])).unwrap_err()), [""]);
    assert_eq!(pointers(&judged(&json!({})).unwrap_err()), ["/type"]);
    let everything = json!({"type": "ObjectEvent", "a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1, "i": 1});
    assert_eq!(judged(&everything).unwrap_err().len(), 10, "no more than anybody reads");
}

#[test]
fn numbers_that_cannot_be_kept_are_refused_at_their_place() {
    let text = |number: &str| event().to_string().replace("\"OBSERVE\"", &format!("\"OBSERVE\",\"example:n\":[0,{number}]"));
    let judge_text = |number: &str| {
        let raw = RawValue::from_string(text(number)).unwrap();
        judge(&raw, &[], &Bounds::at(now())).map_err(|faults| faults[0].pointer.clone())
    };
    for number in ["1".repeat(1_000_000), "1e301".to_owned(), "0.12345678901234567890".to_owned(), "1e-999999999999".to_owned()] {
        assert_eq!(judge_text(&number).unwrap_err(), "/example:n/1", "{}", &number[..number.len().min(30)]);
    }
    for number in ["12345678901234567", "-0.00000001234567", "1.50000000000000000000000", "2E+300", "0", "-0.0"] {
        let kept = judge_text(number);
        assert!(kept.is_ok(), "{number}: {kept:?}");
    }
    // Digits in a text are no number.
    assert!(judged(&with(json!({"example:n": "1".repeat(2000)}))).is_ok());
    let surrogate = RawValue::from_string(event().to_string().replace("OBSERVE\"", "OBSERVE\",\"example:n\":\"\\ud800\"")).unwrap();
    assert_eq!(pointers(&judge(&surrogate, &[], &Bounds::at(now())).unwrap_err()), [""]);
}

#[test]
fn documents_say_what_they_lack() {
    let read = |document: Value| Document::read(&raw(&document)).map(|read| read.events.len()).map_err(|faults| {
        faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
    });
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

#[test]
fn words_are_kept_in_one_form() {
    for word in ["shipping", "urn:epcglobal:cbv:bizstep:shipping", "https://ref.gs1.org/cbv/BizStep-shipping", "cbv:BizStep-shipping"] {
        let new = judged(&with(json!({"bizStep": word, "disposition": "urn:epcglobal:cbv:disp:in_transit"}))).unwrap();
        assert_eq!((new.biz_step.as_deref(), new.disposition.as_deref()), (Some("shipping"), Some("in_transit")));
        let changes: Value = serde_json::from_str(&new.changes).unwrap();
        assert_eq!((&changes["bizStep"], &changes["disposition"]), (&json!("shipping"), &json!("in_transit")));
    }
    let own = "https://steps.example/parking";
    assert_eq!(judged(&with(json!({"bizStep": own}))).unwrap().biz_step.as_deref(), Some(own));
}

#[test]
fn a_key_has_one_form_however_it_is_written() {
    for (written, wanted) in [
        ("urn:epc:id:sgtin:4012345.011111.9876", "https://id.gs1.org/01/04012345111118/21/9876"),
        ("https://example.com/some/path/01/4012345111118/10/L1/21/9876?x=y", "https://id.gs1.org/01/04012345111118/21/9876"),
        ("http://example.com/gtin/4012345111118/lot/L1", "https://id.gs1.org/01/04012345111118/10/L1"),
        ("urn:epc:idpat:sgtin:4012345.011111.*", "https://id.gs1.org/01/04012345111118"),
        ("urn:epc:id:sscc:4012345.0000000333", "https://id.gs1.org/00/040123450000003338"),
        ("urn:epc:id:gsin:4012345.222333444", "https://id.gs1.org/402/40123452223334442"),
        ("urn:epc:id:sscc:4012345.33", "urn:epc:id:sscc:4012345.33"),
        ("urn:epc:id:ssccé:4012345.33", "urn:epc:id:ssccé:4012345.33"),
        ("https://example.com/01/x", "https://example.com/01/x"),
        ("https://id.gs1.org/01/04012345111118/21", "https://id.gs1.org/01/04012345111118/21"),
        ("urn:tradeyard:shipment:S-1", "urn:tradeyard:shipment:S-1"),
    ] {
        assert_eq!(canonical(written), wanted);
    }
    let everywhere = json!({"type": "TransformationEvent", "eventTime": "2026-11-01T08:00:00Z", "eventTimeZoneOffset": "+00:00",
        "inputEPCList": ["urn:a:in"], "outputEPCList": ["urn:a:out"], "inputQuantityList": [{"epcClass": "urn:a:of"}],
        "outputQuantityList": [{"epcClass": "urn:a:of"}, {"epcClass": "urn:a:of"}]});
    let found = judged(&everywhere).unwrap().epcs;
    let text = |epc: &str| epc.to_owned();
    assert_eq!(found, [(Role::Input, text("urn:a:in")), (Role::Output, text("urn:a:out")), (Role::InputClass, text("urn:a:of")),
        (Role::OutputClass, text("urn:a:of"))]);
}

#[test]
fn an_event_about_one_shipment_goes_to_its_log() {
    let shipment = |change: Value| judged(&with(change)).unwrap().cargo.map(|cargo| cargo.shipment);
    let gsin = "urn:epc:id:gsin:4012345.222333444";
    let ours = "urn:tradeyard:shipment:S-1";
    assert_eq!(shipment(json!({})).as_deref(), Some("040123450000003338"));
    assert_eq!(shipment(json!({"epcList": [ours, "urn:epc:id:sscc:4012345.0000000333"]})).as_deref(), Some("S-1"));
    assert_eq!(shipment(json!({"bizTransactionList": [{"bizTransaction": gsin}]})).as_deref(), Some("40123452223334442"));
    assert_eq!(shipment(json!({"bizTransactionList": [{"type": "bol", "bizTransaction": ours}, {"bizTransaction": gsin}]})).as_deref(), Some("S-1"));
    assert_eq!(shipment(json!({"epcList": [ours, "urn:tradeyard:shipment:S-2"]})), None, "of two nobody knows which");
    assert_eq!(shipment(json!({"epcList": ["urn:tradeyard:shipment:a%20b"]})), None, "the log has no such reference");
    assert_eq!(shipment(json!({"epcList": ["urn:a:b"]})), None);
    assert_eq!(shipment(json!({"bizStep": "inspecting", "readPoint": {"id": "urn:a:b"}})), None, "it says nothing for the log");
    assert_eq!(shipment(json!({"eventTime": "2005-04-03T20:33:31Z"})), None, "older than the log takes");
    let cargo = judged(&with(json!({"eventID": "urn:uuid:1"}))).unwrap().cargo.unwrap();
    assert_eq!((cargo.source.as_str(), cargo.source_event_id.as_str(), cargo.status), ("epcis", "urn:uuid:1", Some(ShipmentStatus::InTransit)));
    assert_eq!(cargo.position, Some(Position { latitude: 52.5, longitude: 13.4 }));
    let declaration = json!({"eventID": "urn:uuid:1", "errorDeclaration": {"declarationTime": "2026-11-02T00:00:00Z"}});
    let cargo = judged(&with(declaration)).unwrap().cargo.unwrap();
    assert_eq!((cargo.corrects.as_deref(), cargo.status, cargo.position), (Some("urn:uuid:1"), None, None));
    assert_ne!(cargo.source_event_id, "urn:uuid:1");
    let long = format!("urn:x:{}", "y".repeat(500));
    assert!(judged(&with(json!({"eventID": long}))).unwrap().cargo.unwrap().source_event_id.len() <= 128);
}

const STATUSES: [ShipmentStatus; 9] = [
    ShipmentStatus::Pending, ShipmentStatus::PickedUp, ShipmentStatus::InTransit, ShipmentStatus::OutForDelivery,
    ShipmentStatus::Delivered, ShipmentStatus::AttemptFailed, ShipmentStatus::Exception, ShipmentStatus::Returned,
    ShipmentStatus::Cancelled,
];

fn stored(id: i64, name: &str, status: Option<ShipmentStatus>, corrects: Option<&str>) -> StoredEvent {
    let payload = RawValue::from_string(r#"{"speed": 1.5, "a b": {"c": [1]}}"#.to_owned()).unwrap();
    let event = CargoEvent {
        source: "gps".to_owned(), source_event_id: name.to_owned(), sequence: 0, shipment: "S-1".to_owned(), kind: EventType::Actual,
        status, occurred_at: now(), position: status.map(|_| Position { latitude: -33.5, longitude: 0.25 }),
        corrects: corrects.map(str::to_owned), payload: Some(payload),
    };
    StoredEvent { id, recorded_at: now() + chrono::TimeDelta::seconds(id), event }
}

#[test]
fn what_the_log_holds_is_epcis_by_the_schema_and_comes_back_as_it_was() {
    let mut events: Vec<StoredEvent> =
        (0..).zip(STATUSES).map(|(id, status)| stored(id, &format!("e{id}"), Some(status), None)).collect();
    events.push(StoredEvent { event: CargoEvent { kind: EventType::Planned, ..stored(20, "plan", Some(ShipmentStatus::Delivered), None).event },
        ..stored(20, "plan", None, None) });
    let corrections = vec![stored(30, "right", Some(ShipmentStatus::InTransit), Some("e0")), stored(31, "late", None, Some("e0")),
        stored(32, "never", None, Some("e1"))];
    events.extend(corrections.clone());
    let document = shown(&joined(events, corrections));
    let schema = schema(true);
    assert!(schema.is_valid(&document), "{:?}\n{document:#}", schema.validate(&document).err());
    let list = document["epcisBody"]["eventList"].as_array().unwrap();
    // Nine, two declarations, and what is right; neither the plan nor the ends of others.
    assert_eq!(list.len(), 12, "{document:#}");
    assert_eq!(document["creationDate"], "2026-11-28T12:00:32.000Z");
    let declared: Vec<_> = list.iter().filter(|event| event.get("errorDeclaration").is_some()).collect();
    assert_eq!(declared[0]["errorDeclaration"]["correctiveEventIDs"][0], list[11]["eventID"]);
    assert_eq!((&declared[0]["eventID"], &declared[0]["errorDeclaration"]["reason"]), (&list[0]["eventID"], &json!("incorrect_data")));
    assert_eq!((&declared[1]["eventID"], &declared[1]["errorDeclaration"]["reason"]), (&list[2]["eventID"], &json!("did_not_occur")));
    let read = Document::read(&raw(&document)).unwrap();
    let back: Vec<NewEvent> = read.events.iter().map(|event| judge(event, &read.context, &Bounds::at(now())).unwrap()).collect();
    let statuses: Vec<_> = back.iter().filter(|event| !event.declares_error).map(|event| event.cargo.as_ref().unwrap().status.unwrap()).collect();
    assert_eq!(statuses[..9], STATUSES);
    assert!(back.iter().all(|event| event.cargo.as_ref().unwrap().shipment == "S-1"));
    assert!(schema.is_valid(&shown(&[])), "nothing is a document as well");
}
