//! What follows from the sales: shipments and their events, and the sales report.

use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use market::cargo::{CargoEvent, EventType, Position, ShipmentStatus};
use market::ids::ReportId;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Token};
use super::plan::Plan;
use super::progress::Step;
use super::store::Lots;

/// The journey of every lot that was sold.
const JOURNEY: [ShipmentStatus; 5] = [
    ShipmentStatus::Pending,
    ShipmentStatus::PickedUp,
    ShipmentStatus::InTransit,
    ShipmentStatus::OutForDelivery,
    ShipmentStatus::Delivered,
];
/// How many events one lot has.
pub(crate) const EVENTS_EACH: u64 = JOURNEY.len() as u64;

/// How long a report may take; it has a few hundred rows.
const REPORT_PATIENCE: Duration = Duration::from_mins(1);

/// Ships and reports for the seller.
#[derive(Debug)]
pub(crate) struct Sales<'a> {
    pub(crate) client: &'a Client,
    pub(crate) plan: &'a Plan,
    pub(crate) round: u32,
    pub(crate) seller: &'a Token,
    pub(crate) at_once: usize,
}

#[derive(Deserialize)]
struct Report {
    id: ReportId,
    status: String,
    failure: Option<String>,
}

impl Sales<'_> {
    /// Reports the journey of every lot that was sold. The log takes each event once, however often it is sent.
    pub(crate) async fn ship(&self, lots: &Lots, step: &Step) -> anyhow::Result<()> {
        let sold = self.plan.auctions.iter().filter_map(|auction| {
            let lot = lots.get(&auction.name)?;
            lot.sold_for?;
            Some((&auction.name, lot.closed_at?))
        });
        stream::iter(sold.enumerate())
            .map(async |(place, (name, closed_at))| {
                let events = self.journey(place, name, closed_at);
                self.client.post("/v1/cargo-events").repeatable().as_(self.seller).json(&events).done().await?;
                step.inc();
                anyhow::Ok(())
            })
            .buffer_unordered(self.at_once)
            .try_collect()
            .await
    }

    fn journey(&self, place: usize, name: &str, closed_at: DateTime<Utc>) -> Vec<CargoEvent> {
        let shipment = format!("{}-{}-{name}", self.plan.run, self.round);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand lots")]
        let east = (place as f64 / 10.0) % 30.0;
        let step = |(n, status): (i32, ShipmentStatus)| CargoEvent {
            source: "demo".to_owned(),
            source_event_id: format!("{shipment}-{n}"),
            sequence: i64::from(n),
            shipment: shipment.clone(),
            kind: EventType::Actual,
            status: Some(status),
            occurred_at: closed_at + TimeDelta::seconds(i64::from(n)),
            // From Lisbon's longitude eastward, northward with every step.
            position: Some(Position { latitude: 40.0 + f64::from(n), longitude: -9.0 + east }),
            corrects: None,
            payload: None,
        };
        (1..).zip(JOURNEY).map(step).collect()
    }

    /// Asks for the sales report of the days since `first_day`.
    pub(crate) async fn request_report(&self, first_day: NaiveDate, today: NaiveDate) -> anyhow::Result<ReportId> {
        let body = json!({"kind": "sales", "format": "xlsx", "first_day": first_day, "last_day": today});
        let report: Report = self.client.post("/v1/reports").as_(self.seller).json(&body).send().await?;
        Ok(report.id)
    }

    /// Waits until the report is ready.
    pub(crate) async fn await_report(&self, id: ReportId) -> anyhow::Result<()> {
        let begin = std::time::Instant::now();
        loop {
            let report: Report = self.client.get(format!("/v1/reports/{id}")).as_(self.seller).send().await?;
            match report.status.as_str() {
                "ready" | "expired" => return Ok(()),
                "failed" => anyhow::bail!("the sales report failed: {}", report.failure.unwrap_or_default()),
                _ => ensure!(begin.elapsed() < REPORT_PATIENCE, "the sales report {id} is still {}", report.status),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The first day with any of these sales.
pub(crate) fn first_day(lots: &Lots) -> anyhow::Result<NaiveDate> {
    let first = lots.values().filter_map(|lot| lot.closed_at).min().context("no auction is closed")?;
    Ok(first.date_naive())
}
