//! What is there after a flood, beside what its record says.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use market::cargo::flood::Record;
use serde::Serialize;
use serde_json::Value;

use super::super::client::{Client, Token};
use super::super::progress::Step;

/// One figure, as it should be and as it is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) expected: u64,
    pub(super) found: u64,
}

impl Line {
    pub(super) const fn holds(&self) -> bool {
        self.expected == self.found
    }
}

/// The outcome of a flood.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) lines: Vec<Line>,
    pub(super) sent_per_s: f64,
    /// Until all of them were in the log.
    pub(super) stored_per_s: f64,
    /// What the names of its shipments begin with.
    pub(super) tag: String,
}

impl Figures {
    pub(super) fn text(&self) -> String {
        let heading = format!("{:<24}{:>12}{:>12}", "", "expected", "found");
        let lines = self.lines.iter().map(|line| {
            let mark = if line.holds() { "" } else { "  DIFFERS" };
            format!("{:<24}{:>12}{:>12}{mark}", line.name, line.expected, line.found)
        });
        let speed = format!(
            "\n{} events a second sent, {} a second recorded; shipments {}-0, -1, …",
            self.sent_per_s, self.stored_per_s, self.tag
        );
        std::iter::once(heading).chain(lines).chain([speed]).collect::<Vec<_>>().join("\n")
    }
}

/// Where the API says that shipments stand, when it is not as recorded.
#[derive(Debug, Default)]
pub(super) struct Stands {
    pub(super) wrong: Vec<String>,
}

/// Asks the API where every shipment of the record stands.
pub(super) async fn standings(
    client: &Client,
    token: &Token,
    record: &Record,
    at_once: usize,
) -> anyhow::Result<Stands> {
    let step = Step::begin("asking where shipments stand", record.standings.len() as u64);
    let asked = stream::iter(&record.standings).map(async |(shipment, expected)| {
        let expected = serde_json::to_value(expected).context("write where a shipment stands")?;
        let found: Value = client.get(format!("/v1/shipments/{shipment}/standing")).as_(token).send().await?;
        step.inc();
        anyhow::Ok((found != expected).then(|| format!("{shipment} stands at {found}, and not at {expected}")))
    });
    let wrong = asked.buffer_unordered(at_once).try_filter_map(|wrong| std::future::ready(Ok(wrong)));
    let stands = Stands { wrong: wrong.try_collect().await? };
    step.end();
    Ok(stands)
}

#[cfg(test)]
mod tests;
