//! Histories of shipments as chance makes them.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{CargoEvent, EventType, Position, ShipmentStatus};

/// The moment at which they are looked at.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// One to eleven events of one shipment: few moments, sources and ids, so that ties, corrections, circles of them and events
/// ahead happen.
pub(super) fn any_events() -> impl Strategy<Value = Vec<CargoEvent>> {
    use ShipmentStatus::{Cancelled, Delivered, Exception, InTransit, Pending, Returned};
    let statuses = vec![Pending, InTransit, InTransit, Exception, Delivered, Returned, Cancelled];
    let status = prop::option::of(prop::sample::select(statuses));
    let kind =
        prop::sample::select(vec![EventType::Actual, EventType::Actual, EventType::Actual, EventType::Estimated]);
    let one = (0..2_u8, 0..7_i64, 0..2_i64, kind, status, 0..24_u8, any::<bool>());
    prop::collection::vec(one, 1..12).prop_map(|parts| {
        let parts = parts.into_iter().enumerate();
        parts
            .map(|(n, (source, minute, sequence, kind, status, corrects, located))| CargoEvent {
                source: format!("s{source}"),
                source_event_id: n.to_string(),
                sequence,
                shipment: "S-1".to_owned(),
                kind,
                status,
                // The last two of the moments are ahead.
                occurred_at: now() + TimeDelta::minutes(3 * minute - 9),
                position: located.then_some(Position { latitude: f64::from(corrects % 3), longitude: 1.0 }),
                // Only some values name an event that exists.
                corrects: (corrects < 12 && usize::from(corrects) != n).then(|| corrects.to_string()),
                payload: None,
            })
            .collect()
    })
}
