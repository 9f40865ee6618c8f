//! News about shipments on their way.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::OrderId;

/// What has gone wrong with a shipment, to those who trade for an organisation that sends or gets it. Reference: the shipment and its
/// version, or the moment at which its silence was noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipmentNews {
    pub tracking: String,
    /// Whether the reader's organisation sends it; otherwise it gets it.
    pub sends: bool,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub carrier: Option<String>,
    pub order: Option<OrderId>,
    /// When the last thing was heard of it.
    pub heard_at: DateTime<Utc>,
}
