//! `event:<id>`: how far a sale event has got: how many lots are open, and the one that ends next with its price.
//!
//! Whoever wants to see every bid of a lot watches its auction. What is watched here is read once a second, whatever happens in between.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::BoxFuture;
use market::ids::SaleEventId;
use market::sale_events::model::SaleEventProgress;
use market::sale_events::store;
use serde_json::Value;
use shared::ids::OrgId;
use shared::realtime::Event;

use crate::auth::Caller;
use crate::error::Result;
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch};
use crate::state::AppState;

/// Everybody watches a published sale event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaleEventTopic;

impl Topic for SaleEventTopic {
    fn prefix(&self) -> &'static str {
        "event"
    }

    fn carries(&self) -> Carries {
        Carries::Reading
    }

    fn id(&self, text: &str) -> Option<String> {
        text.parse::<SaleEventId>().ok().map(|id| id.to_string())
    }

    fn snapshot<'a>(
        &'a self,
        state: &'a AppState,
        _: &'a Caller,
        _: Option<OrgId>,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Snapshot>>> {
        Box::pin(async move {
            let Ok(id) = id.parse::<SaleEventId>() else { return Ok(None) };
            let progress = store::progress(&mut *state.db.acquire().await?, &[id]).await?.pop();
            Ok(progress.map(|progress| Snapshot { seq: progress.seq, data: data(&progress) }))
        })
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<SaleEventWatcher>(state))
    }
}

fn data(progress: &SaleEventProgress) -> Value {
    // Text and numbers always serialise.
    serde_json::to_value(progress).unwrap_or_default()
}

/// Delivers what changed in the watched sale events.
#[derive(Debug, Default)]
struct SaleEventWatcher {
    known: HashMap<SaleEventId, SaleEventProgress>,
}

impl Watcher for SaleEventWatcher {
    type Id = SaleEventId;
    const PREFIX: &'static str = "event:";
    const EVERY: Duration = Duration::from_secs(1);

    async fn look(&mut self, state: &AppState, watched: &[SaleEventId]) -> anyhow::Result<()> {
        self.known.retain(|id, _| watched.contains(id));
        for progress in store::progress(&mut *state.db.acquire().await?, watched).await? {
            let before = self.known.insert(progress.id, progress.clone());
            if before.as_ref() != Some(&progress) {
                let (topic, kind) = (format!("{}{}", Self::PREFIX, progress.id), "changed".to_owned());
                state.hub.deliver(Event { topic, seq: progress.seq, kind, data: data(&progress) });
            }
        }
        Ok(())
    }
}
