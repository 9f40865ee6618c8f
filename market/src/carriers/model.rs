//! A carrier as its organisation sees it, its secret, and the events as it reports them.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::ids::OrgId;
use shared::text;
use utoipa::ToSchema;

use super::rules::secret;
use crate::cargo::{CargoEvent, EventType, Position, ShipmentStatus};
use crate::ids::CarrierId;

/// Somebody whose system reports about an organisation's shipments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Carrier {
    pub id: CarrierId,
    pub org_id: OrgId,
    pub slug: String,
    pub name: String,
    pub created_at: DateTime<Utc>,
}

/// A carrier to register.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCarrier {
    /// Permanent; no other carrier of the organisation has it. The source of its events is `carrier:` and this.
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 40, example = "hansa-freight")]
    pub slug: String,
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
}

/// What a carrier signs its webhooks with.
#[derive(Debug)]
pub struct WebhookSecret(SecretSlice<u8>);

impl WebhookSecret {
    /// Makes a new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(rand::random::<[u8; secret::BYTES]>().to_vec().into())
    }

    /// As it is handed over, `whsec_…`.
    #[must_use]
    pub fn shown(&self) -> String {
        secret::show(self.0.expose_secret())
    }
}

impl From<SecretSlice<u8>> for WebhookSecret {
    fn from(bytes: SecretSlice<u8>) -> Self {
        Self(bytes)
    }
}

impl ExposeSecret<[u8]> for WebhookSecret {
    fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

/// A carrier's report: a [`CargoEvent`] without its source, which follows from who signs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CarrierEvent {
    /// The carrier's own name for this event: 1 to 128 visible ASCII characters.
    #[schema(pattern = "^[!-~]{1,128}$")]
    pub source_event_id: String,
    /// Counted by the carrier; orders its events of the same moment. 0 when it does not count.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub sequence: i64,
    /// The shipment's reference: 1 to 64 letters, digits and `. _ : -`.
    #[schema(pattern = "^[A-Za-z0-9._:-]{1,64}$")]
    pub shipment: String,
    #[serde(rename = "type")]
    pub kind: EventType,
    pub status: Option<ShipmentStatus>,
    /// When it happened, or is planned or estimated to happen, by the carrier's clock.
    pub occurred_at: DateTime<Utc>,
    pub position: Option<Position>,
    /// The `source_event_id` of an earlier event of this carrier and shipment that this one replaces.
    #[schema(pattern = "^[!-~]{1,128}$")]
    pub corrects: Option<String>,
    /// Anything else: a JSON object of at most 4096 bytes.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Box<RawValue>>,
}

impl CarrierEvent {
    /// The event as the log takes it.
    #[must_use]
    pub fn from(self, source: &str) -> CargoEvent {
        CargoEvent {
            source: source.to_owned(),
            source_event_id: self.source_event_id,
            sequence: self.sequence,
            shipment: self.shipment,
            kind: self.kind,
            status: self.status,
            occurred_at: self.occurred_at,
            position: self.position,
            corrects: self.corrects,
            payload: self.payload,
        }
    }
}

#[cfg(test)]
mod tests;
