//! The sales report.

use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::NaiveDate;
use market::ids::ReportId;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Token};
use super::store::Lots;

/// How long a report may take; it has a few hundred rows.
const REPORT_PATIENCE: Duration = Duration::from_mins(1);

/// Reports for the seller.
#[derive(Debug)]
pub(crate) struct Sales<'a> {
    pub(crate) client: &'a Client,
    pub(crate) seller: &'a Token,
}

#[derive(Deserialize)]
struct Report {
    id: ReportId,
    status: String,
    failure: Option<String>,
}

impl Sales<'_> {
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
