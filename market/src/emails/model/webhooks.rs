//! Webhook endpoints.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::EndpointId;
use crate::webhooks::model::StopReason;

/// To the owners. Reference: the endpoint, and how often it was stopped or went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksStopped {
    pub endpoint: EndpointId,
    /// What it is for, as an owner wrote it.
    pub name: String,
    /// The scheme and the host of its address.
    pub origin: String,
    pub reason: StopReason,
    /// Since when every attempt has failed.
    pub failing_since: DateTime<Utc>,
}
