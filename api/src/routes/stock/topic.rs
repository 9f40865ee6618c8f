//! `levels:<item id>`: how much of an item is at each site, for the organisation that has it. What buyers may know of it is
//! `stock:<listing id>`.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::BoxFuture;
use market::catalog::store as catalog;
use market::ids::ItemId;
use market::stock::model::Level;
use market::stock::store;
use serde::Serialize;
use serde_json::Value;
use shared::ids::OrgId;
use shared::realtime::Event;

use super::LevelView;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch};
use crate::state::AppState;

#[derive(Clone, Copy, Debug)]
pub(crate) struct LevelsTopic;

/// An item's levels, by site.
#[derive(Serialize)]
struct Shown {
    item_id: ItemId,
    levels: Vec<LevelView>,
}

impl Topic for LevelsTopic {
    type Id = ItemId;

    fn prefix(&self) -> &'static str {
        "levels"
    }

    fn carries(&self) -> Carries {
        Carries::State
    }

    async fn read(
        &self,
        state: &AppState,
        _: &Caller,
        viewer: Option<OrgId>,
        item: ItemId,
    ) -> Result<Option<Snapshot>> {
        let Some(viewer) = viewer else { return Ok(None) };
        let mut conn = state.db.acquire().await?;
        let levels = store::levels_of_items(&mut conn, &[item]).await?;
        let is_own = match levels.first() {
            Some(level) => level.org_id == viewer,
            None => catalog::item(&mut conn, viewer, item).await?.is_some(),
        };
        drop(conn);
        if !is_own {
            return Ok(None);
        }
        Ok(Some(Snapshot { seq: seq(&levels), data: data(item, levels).map_err(Problem::internal)? }))
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<LevelsWatcher>(state))
    }
}

/// Each level counts its changes, and none is ever removed: together they only grow.
fn seq(levels: &[Level]) -> i64 {
    levels.iter().map(|level| level.version).sum()
}

fn data(item_id: ItemId, levels: Vec<Level>) -> serde_json::Result<Value> {
    serde_json::to_value(Shown { item_id, levels: levels.into_iter().map(LevelView::from).collect() })
}

/// Delivers what has changed at the sites of the watched items.
#[derive(Debug, Default)]
struct LevelsWatcher {
    delivered: HashMap<ItemId, i64>,
}

impl Watcher for LevelsWatcher {
    type Id = ItemId;
    const PREFIX: &'static str = "levels:";
    const EVERY: Duration = Duration::from_millis(200);

    async fn look(&mut self, state: &AppState, watched: &[ItemId]) -> anyhow::Result<()> {
        let rows = store::levels_of_items(&mut *state.db.acquire().await?, watched).await?;
        let mut items: BTreeMap<ItemId, Vec<Level>> = BTreeMap::new();
        for level in rows {
            items.entry(level.item_id).or_default().push(level);
        }
        let before = std::mem::take(&mut self.delivered);
        for (item, levels) in items {
            let seq = seq(&levels);
            if before.get(&item) != Some(&seq) {
                let (topic, kind) = (format!("{}{item}", Self::PREFIX), "changed".to_owned());
                state.hub.deliver_paced(Event { topic, seq, kind, data: data(item, levels)? });
            }
            self.delivered.insert(item, seq);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
