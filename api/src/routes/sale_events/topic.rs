//! `event:<id>`: how far a sale event has got: how many lots are open, and the one that ends next with its price.
//!
//! Whoever wants to see every bid of a lot watches its auction. What is watched here is read once a second, whatever happens in between.
//! The seq is the sum of the versions of the lots' auctions: a published event keeps its lots, and no version is ever set back.

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

/// Everybody watches a published sale event, as long as its seller is not suspended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaleEventTopic;

impl Topic for SaleEventTopic {
    type Id = SaleEventId;

    fn prefix(&self) -> &'static str {
        "event"
    }

    fn carries(&self) -> Carries {
        Carries::State
    }

    async fn read(&self, state: &AppState, _: &Caller, _: Option<OrgId>, id: SaleEventId) -> Result<Option<Snapshot>> {
        let progress = store::progress(&mut *state.db.acquire().await?, &[id]).await?.pop();
        Ok(progress.map(|progress| Snapshot { seq: progress.seq, data: data(&progress) }))
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
        let now = store::progress(&mut *state.db.acquire().await?, watched).await?;
        let now: HashMap<_, _> = now.into_iter().map(|progress| (progress.id, progress)).collect();
        let before = std::mem::replace(&mut self.known, now);
        for id in watched {
            let topic = format!("{}{id}", Self::PREFIX);
            match self.known.get(id) {
                // Nobody may see it any more, or ever could.
                None => state.hub.recheck(&topic),
                Some(progress) if before.get(id) != Some(progress) => {
                    let (seq, kind) = (progress.seq, "changed".to_owned());
                    state.hub.deliver_paced(Event { topic, seq, kind, data: data(progress) });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
