use anyhow::Context as _;
use jobs::cargo::ProjectStandings;
use jobs::shipments::ReportShipment;
use market::cargo::store::{StoreError, store_events};
use market::cargo::{CargoEvent, EventType, OwnedEvent};
use queue::{Handler, Outcome};
use serde_json::json;
use serde_json::value::to_raw_value;

use crate::{Cx, Services};

/// The event log's name for what is done here.
const SOURCE: &str = "tradeyard";

impl Handler<Services> for ReportShipment {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let payload = json!({"act": self.act, "note": self.note});
        let event = CargoEvent {
            source: SOURCE.to_owned(),
            source_event_id: format!("{}:{}", self.shipment, self.version),
            // Of acts of the same moment the later one decides.
            sequence: self.version,
            shipment: self.tracking,
            kind: EventType::Actual,
            status: Some(self.status),
            occurred_at: self.at,
            position: None,
            corrects: None,
            payload: Some(to_raw_value(&payload).context("write the payload")?),
        };
        let mut conn = cx.events.acquire().await.context("reach the event log")?;
        match store_events(&mut conn, &[OwnedEvent { org: self.org, event }]).await {
            Ok(stored) => {
                drop(conn);
                // The log may know of something later, which had to wait for this.
                if let Some(change) = stored.change {
                    let _ = cx.enqueue(&ProjectStandings { change: Some(change) }).await?;
                }
                Ok(Outcome::Done)
            }
            Err(StoreError::Refused(error)) => Ok(Outcome::Dead(error.to_string())),
            Err(error @ StoreError::Unavailable(_)) => Err(error).context("store the event"),
        }
    }
}
