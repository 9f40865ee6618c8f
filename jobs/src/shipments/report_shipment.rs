use std::time::Duration;

use chrono::{DateTime, Utc};
use market::cargo::ShipmentStatus;
use market::ids::ShipmentId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Reports to the event log what somebody has done with a shipment, after the act: the log may live in a database of its own, which the
/// act does not wait for. A second run finds the event there: its name is the shipment's and the version that the act made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportShipment {
    pub shipment: ShipmentId,
    pub version: i64,
    /// The shipper, who reports.
    pub org: OrgId,
    /// The shipment's reference in the log.
    pub tracking: String,
    /// What it was after the act.
    pub status: ShipmentStatus,
    pub act: String,
    pub at: DateTime<Utc>,
    /// What they have said to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Job for ReportShipment {
    const KIND: Kind = Kind::new("shipments.report");
    const QUEUE: Queue = queues::CARGO;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(format_args!("{}:{}", self.shipment, self.version))
    }
}
