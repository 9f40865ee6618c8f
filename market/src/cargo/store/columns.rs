use chrono::{DateTime, Utc};

use uuid::Uuid;

use crate::cargo::model::{CargoEvent, OwnedEvent};

/// A batch turned into one array per column, which is how PostgreSQL takes many rows in one
/// statement.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub(super) org: Vec<Uuid>,
    pub(super) source: Vec<&'a str>,
    pub(super) source_event_id: Vec<&'a str>,
    pub(super) sequence: Vec<i64>,
    pub(super) shipment: Vec<&'a str>,
    pub(super) kind: Vec<&'a str>,
    pub(super) status: Vec<Option<&'a str>>,
    pub(super) occurred_at: Vec<DateTime<Utc>>,
    pub(super) latitude: Vec<Option<f64>>,
    pub(super) longitude: Vec<Option<f64>>,
    pub(super) corrects: Vec<Option<&'a str>>,
    pub(super) payload: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(events: &[&'a OwnedEvent]) -> Self {
        Self {
            org: events.iter().map(|owned| owned.org.0).collect(),
            source: column(events, |event| event.source.as_str()),
            source_event_id: column(events, |event| event.source_event_id.as_str()),
            sequence: column(events, |event| event.sequence),
            shipment: column(events, |event| event.shipment.as_str()),
            kind: column(events, |event| event.kind.name()),
            status: column(events, |event| event.status.map(super::super::ShipmentStatus::name)),
            occurred_at: column(events, |event| event.occurred_at),
            latitude: column(events, |event| event.position.map(|position| position.latitude)),
            longitude: column(events, |event| event.position.map(|position| position.longitude)),
            corrects: column(events, |event| event.corrects.as_deref()),
            payload: column(events, |event| event.payload.as_ref().map(|payload| payload.get())),
        }
    }
}

fn column<'a, T>(events: &[&'a OwnedEvent], value: impl Fn(&'a CargoEvent) -> T) -> Vec<T> {
    events.iter().map(|owned| value(&owned.event)).collect()
}
