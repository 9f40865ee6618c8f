//! `shipment:<tracking number>`: where a shipment is and how it is getting on, for the organisations that send it and get it.
//!
//! Reports are carried over by other programs, which publish nothing: this process reads the watched shipments a few times a second, in
//! one statement, so that nothing is lost between a commit and its telling.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::BoxFuture;
use market::shipments::model::{Shipment, Tracking};
use market::shipments::store::{self, Progress};
use serde_json::Value;
use shared::ids::OrgId;
use shared::realtime::Event;
use tokio::time::Instant;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch};
use crate::state::AppState;

/// The least time between two positions of a shipment. What else happens to it is told at once.
const PACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct ShipmentTopic;

impl Topic for ShipmentTopic {
    type Id = Tracking;

    fn prefix(&self) -> &'static str {
        "shipment"
    }

    fn carries(&self) -> Carries {
        Carries::State
    }

    async fn read(
        &self,
        state: &AppState,
        _: &Caller,
        viewer: Option<OrgId>,
        number: Tracking,
    ) -> Result<Option<Snapshot>> {
        let Some(viewer) = viewer else { return Ok(None) };
        let shipment = store::get(&mut *state.db.acquire().await?, viewer, &number).await?;
        let Some(shipment) = shipment else { return Ok(None) };
        Ok(Some(Snapshot { seq: shipment.seq, data: data(&shipment).map_err(Problem::internal)? }))
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<ShipmentWatcher>(state))
    }
}

fn data(shipment: &Shipment) -> serde_json::Result<Value> {
    serde_json::to_value(shipment)
}

/// What was last delivered of a shipment.
#[derive(Debug)]
struct Delivered {
    progress: Progress,
    at: Instant,
}

impl Delivered {
    /// Whether to tell how far it has come now. A position that comes too early is told by a later look, unless there is a newer one by
    /// then: the last one is always told.
    fn is_news(&self, now: &Progress, clock: Instant) -> bool {
        let is_position = (now.version, now.stalled) == (self.progress.version, self.progress.stalled);
        now.seq > self.progress.seq && (!is_position || clock.duration_since(self.at) >= PACE)
    }
}

/// Delivers what has happened to the watched shipments.
#[derive(Debug, Default)]
struct ShipmentWatcher {
    delivered: HashMap<String, Delivered>,
}

impl Watcher for ShipmentWatcher {
    type Id = String;
    const PREFIX: &'static str = "shipment:";
    const EVERY: Duration = Duration::from_millis(200);

    async fn look(&mut self, state: &AppState, watched: &[String]) -> anyhow::Result<()> {
        self.delivered.retain(|number, _| watched.contains(number));
        let mut conn = state.db.acquire().await?;
        let clock = Instant::now();
        let mut news = Vec::new();
        for now in store::progress(&mut conn, watched).await? {
            if self.delivered.get(&now.tracking).is_none_or(|last| last.is_news(&now, clock)) {
                news.push(now);
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        let numbers: Vec<String> = news.iter().map(|progress| progress.tracking.clone()).collect();
        for shipment in store::numbered(&mut conn, &numbers).await? {
            let topic = format!("{}{}", Self::PREFIX, shipment.tracking);
            let (seq, kind, data) = (shipment.seq, "changed".to_owned(), data(&shipment)?);
            state.hub.deliver(Event { topic, seq, kind, data });
            let progress = Progress {
                tracking: shipment.tracking.to_string(),
                seq,
                version: shipment.version,
                stalled: shipment.stalled_since.is_some(),
            };
            self.delivered.insert(progress.tracking.clone(), Delivered { progress, at: clock });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
