use anyhow::Context as _;
use jobs::cargo::ProjectStandings;
use jobs::shipments::ReportShipment;
use market::cargo::store::{StoreError, marks, store_events, unmark};
use market::cargo::{CargoEvent, EventType, OwnedEvent, ShipmentStatus, Standing};
use queue::{Handler, Outcome};
use serde_json::json;
use serde_json::value::to_raw_value;
use sqlx::PgConnection;

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
                if let Some(change) = stored.change
                    && leaves_news(&mut conn, change, self.status).await.context("look at the marks")?
                {
                    drop(conn);
                    let _ = cx.enqueue(&ProjectStandings { change: Some(change) }).await?;
                }
                Ok(Outcome::Done)
            }
            Err(StoreError::Refused(error)) => Ok(Outcome::Dead(error.to_string())),
            Err(error @ StoreError::Unavailable(_)) => Err(error).context("store the event"),
        }
    }
}

/// Whether the log knows of more than an act that led to `status`: of something later, which had to wait for it, or of a place.
/// Otherwise the shipment is where the log has it, and the mark is taken away.
async fn leaves_news(conn: &mut PgConnection, change: i64, status: ShipmentStatus) -> Result<bool, sqlx::Error> {
    let marks = marks(conn, Some(change), 1).await?;
    let is_known = |it: &Standing| it.status == Some(status) && it.position.is_none();
    let (known, news): (Vec<_>, Vec<_>) = marks.iter().partition(|mark| is_known(&mark.standing));
    unmark(conn, &known).await?;
    Ok(!news.is_empty())
}
