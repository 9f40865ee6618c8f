#![expect(clippy::expect_used, reason = "a test without its examples ends here")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonschema::Validator;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::Person;

use crate::shipments::{path, site, stocked};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("epcis").join(name)
}

fn documents() -> Vec<(String, Value)> {
    let mut documents = Vec::new();
    for name in ["gs1", "hashes", "ours"] {
        for entry in std::fs::read_dir(folder(name)).expect("the examples") {
            let path = entry.expect("a file").path();
            if path.extension().is_some_and(|extension| extension == "jsonld") {
                let text = std::fs::read_to_string(&path).expect("a text");
                documents.push((path.display().to_string(), serde_json::from_str(&text).expect("JSON")));
            }
        }
    }
    documents
}

fn schema() -> Validator {
    let text = std::fs::read_to_string(folder("gs1").join("EPCIS-JSON-Schema.json")).expect("the schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

fn valid(schema: &Validator, document: &Value) {
    let faults: Vec<String> =
        schema.iter_errors(document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
}

fn outcomes(capture: &Value) -> Vec<String> {
    let verdicts = capture["verdicts"].as_array().expect("verdicts");
    verdicts.iter().map(|verdict| verdict["outcome"].as_str().expect("an outcome").to_owned()).collect()
}

fn document(events: &[Value]) -> Value {
    json!({"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"example": "https://e.example/"}],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-11-01T00:00:00Z", "epcisBody": {"eventList": events}})
}

async fn found(by: &Person, query: &str) -> Vec<Value> {
    let answer = by.get(&format!("/v1/epcis/events?{query}")).await.ok();
    answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"].as_array().expect("events").clone()
}

/// Every published example is taken once, each event with its verdict; what is asked for is answered by GS1's schema; a delivery that was
/// declared to be wrong no longer counts, and the shipment's log is EPCIS as well.
#[tokio::test(flavor = "multi_thread")]
async fn row_epcis_capture_with_verdicts() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let schema = schema();

    let examples = documents();
    assert!(examples.len() >= 74, "{}", examples.len());
    let mut events = 0;
    for (name, example) in &examples {
        let capture = ann.post("/v1/epcis/capture", example.clone()).await.ok();
        for verdict in capture["verdicts"].as_array().expect("verdicts") {
            // One example has comments that the schema does not allow; some are in several documents.
            let is_comment = verdict["faults"][0]["pointer"].as_str().is_some_and(|at| at.ends_with("/comment"));
            assert!(verdict["outcome"] != "rejected" || is_comment, "{name}: {verdict:#}");
            events += 1;
        }
        let again = ann.post("/v1/epcis/capture", example.clone()).await.ok();
        assert!(outcomes(&again).iter().all(|outcome| outcome != "accepted"), "{name}: {again:#}");
    }
    assert!(events >= 75, "{events}");
    let declared = found(&ann, "EXISTS_errorDeclaration=true").await;
    assert!(declared.iter().any(|event| event["errorDeclaration"]["reason"] == "incorrect_data"), "{declared:#?}");
    let whole = ann.get("/v1/epcis/events?perPage=100").await.ok();
    valid(&schema, &whole);
    assert!(found(&bob, "").await.is_empty(), "another organisation's events are its own");

    let event = |id: &str, step: &str| {
        json!({"type": "ObjectEvent", "eventID": id, "eventTime": "2026-11-20T08:00:00.000+01:00", "eventTimeZoneOffset": "+01:00",
            "epcList": ["urn:epc:id:sscc:4012345.0000000777"], "action": "OBSERVE", "bizStep": step, "readPoint": {"id": "geo:52.5,13.4"}})
    };
    let wrong = event("urn:uuid:01900000-0000-7000-8000-000000000001", "receiving");
    let right = event("urn:uuid:01900000-0000-7000-8000-000000000002", "arriving");
    let mut declaration = wrong.clone();
    declaration["errorDeclaration"] = json!({"declarationTime": "2026-11-21T00:00:00Z", "reason": "incorrect_data", "correctiveEventIDs": [right["eventID"]]});
    // The declaration before what it declares, and one that is not fit between them.
    let mut unfit = event("urn:uuid:01900000-0000-7000-8000-000000000003", "sailing");
    unfit["eventTime"] = json!("tomorrow");
    let capture = ann.post("/v1/epcis/capture", document(&[declaration, unfit, right, wrong.clone()])).await.ok();
    assert_eq!(outcomes(&capture), ["accepted", "rejected", "accepted", "accepted"]);
    let faults = capture["verdicts"][1]["faults"].as_array().expect("faults");
    let places: Vec<&str> = faults.iter().filter_map(|fault| fault["pointer"].as_str()).collect();
    assert_eq!(places, ["/epcisBody/eventList/1/bizStep", "/epcisBody/eventList/1/eventTime"]);
    // Two at once: one takes it.
    let rush = document(&[event("urn:uuid:01900000-0000-7000-8000-000000000004", "transporting")]);
    let (one, other) = tokio::join!(ann.post("/v1/epcis/capture", rush.clone()), ann.post("/v1/epcis/capture", rush));
    let mut both = [outcomes(&one.ok()), outcomes(&other.ok())].concat();
    both.sort();
    assert_eq!(both, ["accepted", "duplicate"]);

    // The same goods by their Digital Link.
    let link = "https%3A%2F%2Fgoods.example%2F00%2F040123450000007770";
    let seen = found(&ann, &format!("MATCH_epc={link}&EQ_bizStep=receiving&GE_eventTime=2026-11-01T00:00:00Z")).await;
    let marks: Vec<bool> = seen.iter().map(|event| event.get("tradeyard:declaredInError").is_some()).collect();
    assert_eq!((seen.len(), marks.iter().filter(|mark| **mark).count()), (2, 1), "{seen:#?}");
    let mut standing = Value::Null;
    for _ in 0..600 {
        standing = ann.get("/v1/shipments/040123450000007770/standing").await.ok();
        if standing["status"] == "in_transit" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(standing["status"], "in_transit", "{standing}");
    let mut shown = Value::Null;
    for _ in 0..600 {
        shown = ann.get("/v1/shipments/040123450000007770/epcis").await.ok();
        if shown["epcisBody"]["eventList"].as_array().is_some_and(|events| events.len() == 4) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    valid(&schema, &shown);
    let declared: Vec<&Value> = shown["epcisBody"]["eventList"]
        .as_array()
        .expect("events")
        .iter()
        .filter(|event| event.get("errorDeclaration").is_some())
        .collect();
    assert_eq!((declared.len(), &declared[0]["bizStep"]), (1, &json!("receiving")), "{shown:#}");
    // What we show is taken by whoever reads EPCIS: ourselves, for instance.
    let back = bob.post("/v1/epcis/capture", shown).await.ok();
    assert_eq!(outcomes(&back), ["accepted"; 4]);
    market.close().await;
}

/// What is done with a shipment here, and not reported by anybody, is EPCIS by GS1's schema as well: one that arrives, and one that is
/// tried in vain and comes back, and one that never leaves.
#[tokio::test(flavor = "multi_thread")]
async fn row_own_shipments_are_read_as_epcis() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let schema = schema();
    let (from, to) = (site(&ann, "Shackleton", None).await, site(&ann, "Tycho", None).await);
    let (item, _) = stocked(&ann, &from, 30).await;
    let cargo = json!({"from_site": from, "to_site": to, "carrier": "Moon Freight",
        "lines": [{"item_id": item, "quantity": 3, "weight_g": 900_000, "volume_ml": 1_100_000}]});
    let (pick_up, deliver, back) = (("pick-up", json!({})), ("deliver", json!({})), ("return", json!({})));
    let part = ("deliver", json!({"lines": [{"line": 1, "quantity": 1}]}));
    let fail = ("fail", json!({"reason": "Nobody was there \u{2013} \"closed\"."}));
    let pending = ("pending", "commissioning", "ADD");
    let picked_up = ("picked_up", "picking", "OBSERVE");
    let delivered = ("delivered", "receiving", "OBSERVE");
    for (acts, expected) in [
        (vec![pick_up.clone(), part, deliver], vec![pending, picked_up, picked_up, delivered]),
        (
            vec![pick_up, fail, back],
            vec![pending, picked_up, ("attempt_failed", "holding", "OBSERVE"), ("returned", "receiving", "OBSERVE")],
        ),
        (vec![("cancel", json!({}))], vec![pending, ("cancelled", "decommissioning", "DELETE")]),
    ] {
        let made = ann.post("/v1/shipments", cargo.clone()).await.ok();
        let shipment = path(&made);
        for (act, body) in acts {
            let _ = ann.post(&format!("{shipment}/{act}"), body).await.ok();
        }
        market.until_quiet().await;
        let shown = ann.get(&format!("{shipment}/epcis")).await.ok();
        valid(&schema, &shown);
        let events = shown["epcisBody"]["eventList"].as_array().expect("events");
        let text = |event: &Value, name: &str| event[name].as_str().expect("a text").to_owned();
        let said: Vec<_> = events
            .iter()
            .map(|event| (text(event, "tradeyard:status"), text(event, "bizStep"), text(event, "action")))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(status, step, action)| (status.to_owned(), step.to_owned(), action.to_owned()))
            .collect();
        assert_eq!(said, expected, "{shown:#}");
        let epc = format!("urn:tradeyard:shipment:{}", made["tracking"].as_str().expect("a number"));
        assert!(events.iter().all(|event| event["epcList"] == json!([epc])), "{shown:#}");
        assert!(events.iter().all(|event| event["type"] == "ObjectEvent"), "{shown:#}");
        bob.get(&format!("{shipment}/epcis")).await.refused(404, "not_found");
    }
    market.close().await;
}

/// The events of one of the standard's resources.
async fn below(by: &Person, resource: &str, query: &str) -> Vec<String> {
    let answer = by.get(&format!("/v1/epcis/{resource}/events?{query}")).await.ok();
    let events = answer["epcisBody"]["queryResults"]["resultsBody"]["eventList"].as_array().expect("events").clone();
    events.iter().map(|event| event["eventID"].as_str().expect("an id").to_owned()).collect()
}

/// A whole list of the standard's, in pages of two.
async fn listed(by: &Person, list: &str) -> Vec<String> {
    let mut members: Vec<String> = Vec::new();
    loop {
        let after = members.last().map_or_else(String::new, |last| {
            last.bytes().fold("&nextPageToken=".to_owned(), |sent, byte| format!("{sent}%{byte:02X}"))
        });
        let page = by.get(&format!("/v1/epcis/{list}?perPage=2{after}")).await.ok();
        assert_eq!(page["type"], "Collection");
        let page = page["member"].as_array().expect("members").clone();
        members.extend(page.iter().map(|member| member.as_str().expect("a text").to_owned()));
        if page.len() < 2 {
            return members;
        }
    }
}

/// What there is is listed, each once and page by page, and what is below each of it is found, in the order that is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn row_epcis_lists() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let event = |id: &str, hour: u32, step: &str, epcs: &[&str]| {
        json!({"type": "ObjectEvent", "eventID": id, "eventTime": format!("2026-11-20T{hour:02}:00:00Z"), "eventTimeZoneOffset": "+00:00",
            "epcList": epcs, "quantityList": [{"epcClass": "urn:a:class"}], "action": "OBSERVE", "bizStep": step})
    };
    let (a, b, c) = ("urn:a:1", "urn:epc:id:sscc:4012345.0000000777", "urn:a:3");
    // Recorded in another order than they happened.
    for (id, hour, step, epcs) in [
        ("urn:x:2", 9, "shipping", &[a, b][..]),
        ("urn:x:1", 8, "packing", &[a][..]),
        ("urn:x:3", 10, "receiving", &[b, c][..]),
    ] {
        let _ = ann.post("/v1/epcis/capture", document(&[event(id, hour, step, epcs)])).await.ok();
    }
    assert_eq!(listed(&ann, "epcs").await, ["https://id.gs1.org/00/040123450000007770", a, c], "no classes");
    assert_eq!(listed(&ann, "bizSteps").await, ["packing", "receiving", "shipping"]);
    let types = listed(&ann, "eventTypes").await;
    assert_eq!((types.len(), types[2].as_str()), (5, "ObjectEvent"));
    for list in ["epcs", "bizSteps"] {
        assert!(listed(&bob, list).await.is_empty(), "another organisation's {list} are its own");
    }
    let link = "https%3A%2F%2Fgoods.example%2F00%2F040123450000007770";
    assert_eq!(below(&ann, &format!("epcs/{link}"), "").await, ["urn:x:2", "urn:x:3"]);
    assert_eq!(below(&ann, "epcs/urn:a:1", "EQ_bizStep=packing").await, ["urn:x:1"]);
    assert_eq!(below(&ann, "bizSteps/https%3A%2F%2Fref.gs1.org%2Fcbv%2FBizStep-shipping", "").await, ["urn:x:2"]);
    assert!(below(&ann, "eventTypes/AggregationEvent", "").await.is_empty());
    for (query, expected) in [
        ("", ["urn:x:1", "urn:x:2", "urn:x:3"]),
        ("orderBy=eventTime", ["urn:x:3", "urn:x:2", "urn:x:1"]),
        ("orderBy=recordTime&orderDirection=ASC", ["urn:x:2", "urn:x:1", "urn:x:3"]),
        ("orderBy=recordTime&orderDirection=DESC", ["urn:x:3", "urn:x:1", "urn:x:2"]),
    ] {
        assert_eq!(below(&ann, "eventTypes/ObjectEvent", query).await, expected, "{query}");
    }
    ann.get("/v1/epcis/eventTypes/SailingEvent/events").await.refused(404, "not_found");
    ann.get("/v1/epcis/bizSteps/sailing/events").await.refused(404, "not_found");
    ann.get("/v1/epcis/events?orderDirection=ASC").await.refused(422, "invalid_epcis_query");
    market.close().await;
}
