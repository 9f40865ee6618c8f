//! `auction:<id>`: what everybody may see of an auction, as it changes.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::BoxFuture;
use jobs::auctions::events::{News, event};
use market::auctions::store;
use market::ids::AuctionId;
use shared::ids::OrgId;

use super::retain_shown;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch};
use crate::state::AppState;

#[derive(Debug)]
pub(crate) struct AuctionTopic;

impl Topic for AuctionTopic {
    type Id = AuctionId;

    fn prefix(&self) -> &'static str {
        "auction"
    }

    fn carries(&self) -> Carries {
        Carries::State
    }

    async fn read(
        &self,
        state: &AppState,
        caller: &Caller,
        viewer: Option<OrgId>,
        id: AuctionId,
    ) -> Result<Option<Snapshot>> {
        let mut views: Vec<_> = state.reads.auction(id, None).await?.into_iter().collect();
        if views.iter().any(|view| view.suspended) {
            let _look = state.admission.look().await?;
            retain_shown(&mut *state.db.acquire().await?, &mut views, Some(caller), viewer).await?;
        }
        let Some(view) = views.pop() else { return Ok(None) };
        let data = serde_json::to_value(&view).map_err(Problem::internal)?;
        Ok(Some(Snapshot { seq: view.version, data }))
    }

    fn reads_together(&self) -> bool {
        true
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<AuctionWatcher>(state))
    }
}

/// Delivers what nobody published: a process may die between its commit and its event, and Redis may lose one. A version that
/// was there a look ago and has not been heard of since is late enough to be told from the row.
#[derive(Debug, Default)]
struct AuctionWatcher {
    before: HashMap<AuctionId, i64>,
}

impl Watcher for AuctionWatcher {
    type Id = AuctionId;
    const PREFIX: &'static str = "auction:";
    const EVERY: Duration = Duration::from_secs(1);

    async fn look(&mut self, state: &AppState, watched: &[AuctionId]) -> anyhow::Result<()> {
        let mut conn = state.db.acquire().await?;
        let now = store::versions(&mut conn, watched).await?;
        let late = |id: &AuctionId| {
            let newest = state.hub.newest(&format!("{}{id}", Self::PREFIX));
            self.before.get(id).is_some_and(|version| newest.is_none_or(|newest| newest < *version))
        };
        let late: Vec<_> = watched.iter().copied().filter(late).collect();
        if !late.is_empty() {
            for view in store::views(&mut conn, &late, None).await? {
                state.hub.deliver_paced(event(News::of(view.status), &view)?);
            }
        }
        self.before = now;
        Ok(())
    }
}
