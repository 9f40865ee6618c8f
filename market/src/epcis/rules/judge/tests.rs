use serde_json::json;

use super::*;
use crate::cargo::{Position, ShipmentStatus};
use crate::epcis::rules::tests::{now, raw};

fn judged(event: &Value) -> Result<NewEvent, Vec<Fault>> {
    judge(&raw(event), &[], &Bounds::at(now()))
}

fn pointers(faults: &[Fault]) -> Vec<&str> {
    faults.iter().map(|fault| fault.pointer.as_str()).collect()
}

pub(in crate::epcis::rules) fn event() -> Value {
    json!({"type": "ObjectEvent", "eventTime": "2026-11-01T08:00:00.000+01:00", "eventTimeZoneOffset": "+01:00",
        "epcList": ["urn:epc:id:sscc:4012345.0000000333"], "action": "OBSERVE", "bizStep": "departing",
        "readPoint": {"id": "geo:52.5,13.4"}})
}

fn with(change: &Value) -> Value {
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
        (
            json!({"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": "warm"}]}]}),
            "/sensorElementList/0/sensorReport/0/value",
        ),
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
        let faults = judged(&with(&change)).unwrap_err();
        assert!(pointers(&faults).contains(&pointer), "{change}: {faults:?}");
        assert!(faults.iter().all(|fault| fault.detail.len() < 300), "{faults:?}");
    }
    assert_eq!(pointers(&judged(&json!([])).unwrap_err()), [""]);
    assert_eq!(pointers(&judged(&json!({})).unwrap_err()), ["/type"]);
    let everything =
        json!({"type": "ObjectEvent", "a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1, "h": 1, "i": 1});
    assert_eq!(judged(&everything).unwrap_err().len(), 10, "no more than anybody reads");
}

#[test]
fn numbers_that_cannot_be_kept_are_refused_at_their_place() {
    let text =
        |number: &str| event().to_string().replace("\"OBSERVE\"", &format!("\"OBSERVE\",\"example:n\":[0,{number}]"));
    let judge_text = |number: &str| {
        let raw = RawValue::from_string(text(number)).unwrap();
        judge(&raw, &[], &Bounds::at(now())).map_err(|faults| faults[0].pointer.clone())
    };
    for number in
        ["1".repeat(1_000_000), "1e301".to_owned(), "0.12345678901234567890".to_owned(), "1e-999999999999".to_owned()]
    {
        assert_eq!(judge_text(&number).unwrap_err(), "/example:n/1", "{}", &number[..number.len().min(30)]);
    }
    for number in ["12345678901234567", "-0.00000001234567", "1.50000000000000000000000", "2E+300", "0", "-0.0"] {
        let kept = judge_text(number);
        assert!(kept.is_ok(), "{number}: {kept:?}");
    }
    // Digits in a text are no number.
    assert!(judged(&with(&json!({"example:n": "1".repeat(2000)}))).is_ok());
    let surrogate =
        RawValue::from_string(event().to_string().replace("OBSERVE\"", "OBSERVE\",\"example:n\":\"\\ud800\"")).unwrap();
    assert_eq!(pointers(&judge(&surrogate, &[], &Bounds::at(now())).unwrap_err()), [""]);
}

#[test]
fn words_are_kept_in_one_form() {
    for word in [
        "shipping",
        "urn:epcglobal:cbv:bizstep:shipping",
        "https://ref.gs1.org/cbv/BizStep-shipping",
        "cbv:BizStep-shipping",
    ] {
        let new = judged(&with(&json!({"bizStep": word, "disposition": "urn:epcglobal:cbv:disp:in_transit"}))).unwrap();
        assert_eq!((new.biz_step.as_deref(), new.disposition.as_deref()), (Some("shipping"), Some("in_transit")));
        let changes: Value = serde_json::from_str(&new.changes).unwrap();
        assert_eq!((&changes["bizStep"], &changes["disposition"]), (&json!("shipping"), &json!("in_transit")));
    }
    let own = "https://steps.example/parking";
    assert_eq!(judged(&with(&json!({"bizStep": own}))).unwrap().biz_step.as_deref(), Some(own));
}

#[test]
fn a_key_has_one_form_however_it_is_written() {
    for (written, wanted) in [
        ("urn:epc:id:sgtin:4012345.011111.9876", "https://id.gs1.org/01/04012345111118/21/9876"),
        (
            "https://example.com/some/path/01/4012345111118/10/L1/21/9876?x=y",
            "https://id.gs1.org/01/04012345111118/21/9876",
        ),
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
    assert_eq!(
        found,
        [
            (Role::Input, text("urn:a:in")),
            (Role::Output, text("urn:a:out")),
            (Role::InputClass, text("urn:a:of")),
            (Role::OutputClass, text("urn:a:of"))
        ]
    );
}

#[test]
fn an_event_about_one_shipment_goes_to_its_log() {
    let shipment = |change: Value| judged(&with(&change)).unwrap().cargo.map(|cargo| cargo.shipment);
    let gsin = "urn:epc:id:gsin:4012345.222333444";
    let ours = "urn:tradeyard:shipment:S-1";
    assert_eq!(shipment(json!({})).as_deref(), Some("040123450000003338"));
    assert_eq!(shipment(json!({"epcList": [ours, "urn:epc:id:sscc:4012345.0000000333"]})).as_deref(), Some("S-1"));
    assert_eq!(
        shipment(json!({"bizTransactionList": [{"bizTransaction": gsin}]})).as_deref(),
        Some("40123452223334442")
    );
    assert_eq!(
        shipment(json!({"bizTransactionList": [{"type": "bol", "bizTransaction": ours}, {"bizTransaction": gsin}]}))
            .as_deref(),
        Some("S-1")
    );
    assert_eq!(shipment(json!({"epcList": [ours, "urn:tradeyard:shipment:S-2"]})), None, "of two nobody knows which");
    assert_eq!(shipment(json!({"epcList": ["urn:tradeyard:shipment:a%20b"]})), None, "the log has no such reference");
    assert_eq!(shipment(json!({"epcList": ["urn:a:b"]})), None);
    assert_eq!(
        shipment(json!({"bizStep": "inspecting", "readPoint": {"id": "urn:a:b"}})),
        None,
        "it says nothing for the log"
    );
    assert_eq!(shipment(json!({"eventTime": "2005-04-03T20:33:31Z"})), None, "older than the log takes");
    let cargo = judged(&with(&json!({"eventID": "urn:uuid:1"}))).unwrap().cargo.unwrap();
    assert_eq!(
        (cargo.source.as_str(), cargo.source_event_id.as_str(), cargo.status),
        ("epcis", "urn:uuid:1", Some(ShipmentStatus::InTransit))
    );
    assert_eq!(cargo.position, Some(Position { latitude: 52.5, longitude: 13.4 }));
    let declaration = json!({"eventID": "urn:uuid:1", "errorDeclaration": {"declarationTime": "2026-11-02T00:00:00Z"}});
    let cargo = judged(&with(&declaration)).unwrap().cargo.unwrap();
    assert_eq!((cargo.corrects.as_deref(), cargo.status, cargo.position), (Some("urn:uuid:1"), None, None));
    assert_ne!(cargo.source_event_id, "urn:uuid:1");
    let long = format!("urn:x:{}", "y".repeat(500));
    assert!(judged(&with(&json!({"eventID": long}))).unwrap().cargo.unwrap().source_event_id.len() <= 128);
}
