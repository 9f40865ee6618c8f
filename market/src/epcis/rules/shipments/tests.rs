use serde_json::value::RawValue;

use super::*;
use crate::cargo::{Bounds, Position};
use crate::epcis::model::NewEvent;
use crate::epcis::rules::document::Document;
use crate::epcis::rules::judge::judge;
use crate::epcis::rules::tests::{now, raw, schema};

const STATUSES: [ShipmentStatus; 9] = [
    ShipmentStatus::Pending,
    ShipmentStatus::PickedUp,
    ShipmentStatus::InTransit,
    ShipmentStatus::OutForDelivery,
    ShipmentStatus::Delivered,
    ShipmentStatus::AttemptFailed,
    ShipmentStatus::Exception,
    ShipmentStatus::Returned,
    ShipmentStatus::Cancelled,
];

fn stored(id: i64, name: &str, status: Option<ShipmentStatus>, corrects: Option<&str>) -> StoredEvent {
    let payload = RawValue::from_string(r#"{"speed": 1.5, "a b": {"c": [1]}}"#.to_owned()).unwrap();
    let event = CargoEvent {
        source: "gps".to_owned(),
        source_event_id: name.to_owned(),
        sequence: 0,
        shipment: "S-1".to_owned(),
        kind: EventType::Actual,
        status,
        occurred_at: now(),
        position: status.map(|_| Position { latitude: -33.5, longitude: 0.25 }),
        corrects: corrects.map(str::to_owned),
        payload: Some(payload),
    };
    StoredEvent { id, recorded_at: now() + chrono::TimeDelta::seconds(id), event }
}

#[test]
fn what_the_log_holds_is_epcis_by_the_schema_and_comes_back_as_it_was() {
    let mut events: Vec<StoredEvent> =
        (0..).zip(STATUSES).map(|(id, status)| stored(id, &format!("e{id}"), Some(status), None)).collect();
    events.push(StoredEvent {
        event: CargoEvent {
            kind: EventType::Planned,
            ..stored(20, "plan", Some(ShipmentStatus::Delivered), None).event
        },
        ..stored(20, "plan", None, None)
    });
    let corrections = vec![
        stored(30, "right", Some(ShipmentStatus::InTransit), Some("e0")),
        stored(31, "late", None, Some("e0")),
        stored(32, "never", None, Some("e1")),
    ];
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
    assert_eq!(
        (&declared[0]["eventID"], &declared[0]["errorDeclaration"]["reason"]),
        (&list[0]["eventID"], &json!("incorrect_data"))
    );
    assert_eq!(
        (&declared[1]["eventID"], &declared[1]["errorDeclaration"]["reason"]),
        (&list[2]["eventID"], &json!("did_not_occur"))
    );
    let read = Document::read(&raw(&document)).unwrap();
    let back: Vec<NewEvent> =
        read.events.iter().map(|event| judge(event, &read.context, &Bounds::at(now())).unwrap()).collect();
    let statuses: Vec<_> = back
        .iter()
        .filter(|event| !event.declares_error)
        .map(|event| event.cargo.as_ref().unwrap().status.unwrap())
        .collect();
    assert_eq!(statuses[..9], STATUSES);
    assert!(back.iter().all(|event| event.cargo.as_ref().unwrap().shipment == "S-1"));
    assert!(schema.is_valid(&shown(&[])), "nothing is a document as well");
}
