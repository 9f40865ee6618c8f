//! What the log holds about a shipment, as EPCIS.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::document::{NAMESPACE, document};
use super::hash::{hash, prefixes};
use super::shipment::REFERENCE;
use crate::cargo::{CargoEvent, EventType, ShipmentStatus, StoredEvent};

/// An event and what corrects it, if anything does.
#[derive(Clone, Debug)]
pub struct Reported {
    pub event: StoredEvent,
    pub correction: Option<StoredEvent>,
}

/// The document of these events: each one that has happened is an `ObjectEvent`, and one that was corrected is declared to
/// be wrong right after. Plans and estimates are not EPCIS. The document is as old as what was recorded last, so that the
/// same events are the same text.
#[must_use]
pub fn shown(events: &[Reported]) -> Value {
    let mut list = Vec::new();
    for Reported { event, correction } in events {
        if event.event.kind != EventType::Actual || !says_something(&event.event) {
            continue;
        }
        let shown = object_event(event);
        list.push(Value::Object(shown.clone()));
        if let Some(correction) = correction {
            list.push(Value::Object(declared(shown, correction)));
        }
    }
    let recorded = events.iter().flat_map(|one| {
        let correction = one.correction.as_ref().map(|correction| correction.recorded_at);
        std::iter::once(one.event.recorded_at).chain(correction)
    });
    document(&text(recorded.max().unwrap_or_default()), &list)
}

/// Whether an event is more than the end of another one.
fn says_something(event: &CargoEvent) -> bool {
    event.status.is_some() || event.position.is_some()
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn object_event(stored: &StoredEvent) -> Map<String, Value> {
    let event = &stored.event;
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    put("type", json!("ObjectEvent"));
    put("eventTime", json!(text(event.occurred_at)));
    put("eventTimeZoneOffset", json!("+00:00"));
    put("epcList", json!([format!("{REFERENCE}{}", event.shipment)]));
    put("action", json!(action(event.status)));
    if let Some((biz_step, disposition)) = event.status.map(words) {
        put("bizStep", json!(biz_step));
        put("disposition", json!(disposition));
    }
    if let Some(position) = event.position {
        put("readPoint", json!({"id": format!("geo:{},{}", position.latitude, position.longitude)}));
    }
    put("tradeyard:source", json!(event.source));
    put("tradeyard:sourceEventID", json!(event.source_event_id));
    if let Some(status) = event.status {
        put("tradeyard:status", json!(status.name()));
    }
    if let Some(payload) = &event.payload {
        put("tradeyard:payload", serde_json::from_str(payload.get()).unwrap_or_default());
    }
    let id = hash(&shown, &prefixes(&[json!({"tradeyard": NAMESPACE})]));
    shown.insert("eventID".to_owned(), json!(id));
    shown.insert("recordTime".to_owned(), json!(text(stored.recorded_at)));
    shown
}

/// The declaration that an event is wrong, which is the event once more.
fn declared(mut event: Map<String, Value>, correction: &StoredEvent) -> Map<String, Value> {
    let mut declaration = Map::new();
    declaration.insert("declarationTime".to_owned(), json!(text(correction.recorded_at)));
    if says_something(&correction.event) {
        declaration.insert("reason".to_owned(), json!("incorrect_data"));
        let right = object_event(correction).remove("eventID");
        declaration.insert("correctiveEventIDs".to_owned(), json!([right]));
    } else {
        declaration.insert("reason".to_owned(), json!("did_not_occur"));
    }
    event.insert("errorDeclaration".to_owned(), Value::Object(declaration));
    event.insert("recordTime".to_owned(), json!(text(correction.recorded_at)));
    event
}

/// Joins events with what corrects them.
#[must_use]
pub fn joined(events: Vec<StoredEvent>, corrections: Vec<StoredEvent>) -> Vec<Reported> {
    let named =
        corrections.into_iter().filter_map(|one| Some(((one.event.source.clone(), one.event.corrects.clone()?), one)));
    let mut corrections: HashMap<(String, String), StoredEvent> = HashMap::new();
    for (name, correction) in named {
        // Of several the first that was recorded.
        corrections.entry(name).or_insert(correction);
    }
    let join = |event: StoredEvent| {
        let name = (event.event.source.clone(), event.event.source_event_id.clone());
        Reported { correction: corrections.get(&name).cloned(), event }
    };
    events.into_iter().map(join).collect()
}

/// Step and state of a status, such that [`super::shipment::status`] leads back to it.
const fn words(status: ShipmentStatus) -> (&'static str, &'static str) {
    match status {
        ShipmentStatus::Pending => ("commissioning", "active"),
        ShipmentStatus::PickedUp => ("picking", "in_progress"),
        ShipmentStatus::InTransit => ("transporting", "in_transit"),
        ShipmentStatus::OutForDelivery => ("shipping", "in_transit"),
        ShipmentStatus::Delivered => ("receiving", "in_progress"),
        ShipmentStatus::AttemptFailed => ("holding", "unavailable"),
        ShipmentStatus::Exception => ("inspecting", "needs_replacement"),
        ShipmentStatus::Returned => ("receiving", "returned"),
        ShipmentStatus::Cancelled => ("decommissioning", "inactive"),
    }
}

const fn action(status: Option<ShipmentStatus>) -> &'static str {
    match status {
        Some(ShipmentStatus::Pending) => "ADD",
        Some(ShipmentStatus::Cancelled) => "DELETE",
        _ => "OBSERVE",
    }
}

#[cfg(test)]
mod tests;
