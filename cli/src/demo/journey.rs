//! What the carrier reports of a shipment.

use chrono::{DateTime, TimeDelta, Utc};
use market::cargo::{CargoEvent, EventType, Position, ShipmentStatus};

/// Every shipment's way.
const JOURNEY: [ShipmentStatus; 5] = [
    ShipmentStatus::Pending,
    ShipmentStatus::PickedUp,
    ShipmentStatus::InTransit,
    ShipmentStatus::OutForDelivery,
    ShipmentStatus::Delivered,
];
/// How many events one shipment has.
pub(crate) const EVENTS_EACH: u64 = JOURNEY.len() as u64;
/// By this name the carrier's reports are told from what the seller does.
pub(crate) const SOURCE: &str = "demo";

/// The events of a shipment that was picked up at this time, the last of them three seconds later. The `place` among all shipments says
/// how far east it goes.
pub(crate) fn events(tracking: &str, place: usize, picked_up: DateTime<Utc>) -> Vec<CargoEvent> {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand lots")]
    let east = (place as f64 / 10.0) % 30.0;
    let step = |(n, status): (i32, ShipmentStatus)| CargoEvent {
        source: SOURCE.to_owned(),
        source_event_id: format!("{tracking}-{n}"),
        sequence: i64::from(n),
        shipment: tracking.to_owned(),
        kind: EventType::Actual,
        status: Some(status),
        // Labelled a second before it was picked up, and then a second from place to place.
        occurred_at: picked_up + TimeDelta::seconds(i64::from(n) - 2),
        // From Lisbon's longitude eastward, northward with every step.
        position: Some(Position { latitude: 40.0 + f64::from(n), longitude: -9.0 + east }),
        corrects: None,
        payload: None,
    };
    (1..).zip(JOURNEY).map(step).collect()
}
