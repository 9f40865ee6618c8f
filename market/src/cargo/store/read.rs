use std::fmt::{self, Display};
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use shared::ids::OrgId;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::cargo::model::{CargoEvent, EventType, Position, ShipmentStatus, StoredEvent};

/// A place in a shipment's history: the next page begins right after it. As text it is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    occurred_at: DateTime<Utc>,
    sequence: i64,
    id: i64,
}

impl Cursor {
    fn of(stored: &StoredEvent) -> Self {
        Self { occurred_at: stored.event.occurred_at, sequence: stored.event.sequence, id: stored.id }
    }
}

impl Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.occurred_at.timestamp_micros(), self.sequence, self.id)
    }
}

impl utoipa::PartialSchema for Cursor {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
        text.pattern(Some(r"^[0-9]{1,17}\.[0-9]{1,19}\.[0-9]{1,19}$"))
            .description(Some("The `next` of an earlier page."))
            .into()
    }
}

impl utoipa::ToSchema for Cursor {}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is not a cursor from an earlier page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of an earlier page")]
pub struct MalformedCursor;

impl FromStr for Cursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        let mut parts = text.splitn(3, '.');
        let mut part = || {
            let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            let part = part.filter(|part| (1..=19).contains(&part.len())).ok_or(MalformedCursor)?;
            // Nothing lies beyond the largest number.
            Ok(part.parse().unwrap_or(i64::MAX))
        };
        let (micros, sequence, id) = (part()?, part()?, part()?);
        let occurred_at = DateTime::from_timestamp_micros(micros).ok_or(MalformedCursor)?;
        Ok(Self { occurred_at, sequence, id })
    }
}

/// A part of a shipment's history.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    pub events: Vec<StoredEvent>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// Up to `limit` of an organisation's events for a shipment after `after`, from the earliest
/// occurrence to the latest.
///
/// An event that arrives late is placed by when it occurred: a reader already past that place finds
/// it on the next reading.
pub async fn list(
    conn: &mut PgConnection,
    org: OrgId,
    shipment: &str,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            id AS "id!", recorded_at, source, source_event_id, sequence, shipment, type AS "kind: EventType",
            status AS "status: ShipmentStatus", occurred_at, latitude, longitude, corrects,
            payload AS "payload: Json<Box<RawValue>>"
        FROM cargo_events
        WHERE org = $1
            AND shipment = $2
            AND ($3::timestamptz IS NULL OR (occurred_at, sequence, id) > ($3, $4, $5))
        ORDER BY occurred_at, sequence, id
        LIMIT $6
        "#,
        org.0,
        shipment,
        after.map(|cursor| cursor.occurred_at),
        after.map(|cursor| cursor.sequence),
        after.map(|cursor| cursor.id),
        // One more shows whether there is a next page.
        i64::from(limit) + 1,
    )
    .fetch_all(conn)
    .await?;
    let mut events: Vec<StoredEvent> = rows
        .into_iter()
        .map(|row| StoredEvent {
            id: row.id,
            recorded_at: row.recorded_at,
            event: CargoEvent {
                source: row.source,
                source_event_id: row.source_event_id,
                sequence: row.sequence,
                shipment: row.shipment,
                kind: row.kind,
                status: row.status,
                occurred_at: row.occurred_at,
                position: row.latitude.zip(row.longitude).map(|(latitude, longitude)| Position { latitude, longitude }),
                corrects: row.corrects,
                payload: row.payload.map(|Json(payload)| payload),
            },
        })
        .collect();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| more).map(Cursor::of);
    Ok(Page { events, next })
}
