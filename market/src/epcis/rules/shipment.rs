//! What an event says about a shipment, for the log that shipments are followed by.
//!
//! An event speaks of a shipment if it names exactly one in the first of these forms that it has at all:
//! 1. our own URN, `urn:tradeyard:shipment:S-1`, as an EPC, a parent or a business transaction; the reference is what
//!    follows;
//! 2. a GSIN, as any of these; the reference is its 17 digits;
//! 3. an SSCC as an EPC or a parent; the reference is its 18 digits.
//!
//! The reference is the reporting organisation's own, as in every report to the log: nobody writes into somebody else's
//! shipment. An event that names several, or says neither where the goods are nor how they are, is kept as EPCIS alone.

use serde_json::value::to_raw_value;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::epc::canonical;
use crate::cargo::{CargoEvent, EventType, Position, ShipmentStatus};
use crate::epcis::model::{NewEvent, Role};

/// Who reports, in the log.
pub(super) const SOURCE: &str = "epcis";
/// What our own references begin with.
pub(super) const REFERENCE: &str = "urn:tradeyard:shipment:";
/// The longest name that the log takes, less what a declaration adds to it.
const MAX_NAME: usize = 116;

/// What goes to the log; `None` when the event says nothing that the log has a place for.
pub(super) fn reported(new: &NewEvent, event: &Map<String, Value>) -> Option<CargoEvent> {
    let shipment = reference(new, event)?;
    let name = name(&new.event_id);
    let cargo = CargoEvent {
        source: SOURCE.to_owned(),
        source_event_id: name.clone(),
        sequence: 0,
        shipment,
        kind: EventType::Actual,
        status: status(new.biz_step.as_deref(), new.disposition.as_deref()),
        occurred_at: new.event_time,
        position: new.read_point.as_deref().and_then(position),
        corrects: None,
        payload: None,
    };
    if new.declares_error {
        // It takes the other one back, and says nothing of its own: what is right comes as an event.
        let payload = to_raw_value(&json!({"errorDeclaration": new.event_id})).ok();
        let source_event_id = format!("{name}#declared");
        return Some(CargoEvent {
            source_event_id,
            status: None,
            position: None,
            corrects: Some(name),
            payload,
            ..cargo
        });
    }
    (cargo.status.is_some() || cargo.position.is_some()).then_some(cargo)
}

/// An event's name in the log: its id, or a hash of one that the log has no place for.
fn name(event_id: &str) -> String {
    if event_id.len() <= MAX_NAME && event_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return event_id.to_owned();
    }
    format!("sha-256:{}", hex::encode(Sha256::digest(event_id)))
}

fn reference(new: &NewEvent, event: &Map<String, Value>) -> Option<String> {
    let transactions = event.get("bizTransactionList").and_then(Value::as_array).into_iter().flatten();
    let transactions: Vec<String> =
        transactions.filter_map(|one| one.get("bizTransaction")?.as_str()).map(canonical).collect();
    let goods = || new.epcs.iter().filter(|(role, _)| matches!(role, Role::Epc | Role::Parent)).map(|(_, epc)| epc);
    let named = |start: &str, with_transactions: bool| {
        let others = transactions.iter().filter(|_| with_transactions);
        let mut found: Vec<&str> = goods().chain(others).filter_map(|uri| uri.strip_prefix(start)).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let forms = [(REFERENCE, true), ("https://id.gs1.org/402/", true), ("https://id.gs1.org/00/", false)];
    let found =
        forms.into_iter().map(|(start, everywhere)| named(start, everywhere)).find(|found| !found.is_empty())?;
    if let [only] = &found[..] { Some(only.clone()) } else { None }
}

/// The status that goods have after a step (`docs/decisions/0056-epcis.md` has the table).
pub(super) fn status(biz_step: Option<&str>, disposition: Option<&str>) -> Option<ShipmentStatus> {
    match (biz_step, disposition) {
        (_, Some("returned")) => Some(ShipmentStatus::Returned),
        (_, Some("damaged" | "destroyed" | "needs_replacement" | "stolen")) => Some(ShipmentStatus::Exception),
        (Some("holding"), Some("unavailable")) => Some(ShipmentStatus::AttemptFailed),
        (Some("decommissioning" | "void_shipping"), _) | (_, Some("inactive")) => Some(ShipmentStatus::Cancelled),
        (Some("commissioning" | "encoding"), _) => Some(ShipmentStatus::Pending),
        (Some("picking" | "loading"), _) => Some(ShipmentStatus::PickedUp),
        (Some("departing" | "transporting" | "arriving"), _) => Some(ShipmentStatus::InTransit),
        (Some("shipping"), _) => Some(ShipmentStatus::OutForDelivery),
        (Some("receiving" | "accepting" | "retail_selling"), _) => Some(ShipmentStatus::Delivered),
        (Some("holding"), _) => Some(ShipmentStatus::Exception),
        _ => None,
    }
}

/// A place as `geo:52.5,13.4` (RFC 5870).
fn position(uri: &str) -> Option<Position> {
    let mut numbers = uri.strip_prefix("geo:")?.split(';').next()?.split(',').map(str::parse::<f64>);
    let (latitude, longitude) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let is_there = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    is_there.then_some(Position { latitude, longitude })
}
