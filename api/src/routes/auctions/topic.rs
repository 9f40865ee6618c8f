//! `auction:<id>`: what everybody may see of an auction, as it changes.

use futures::future::BoxFuture;
use shared::auctions::store;
use shared::ids::AuctionId;

use crate::app::AppState;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::realtime::topics::{Snapshot, Topic};

#[derive(Debug)]
pub(crate) struct AuctionTopic;

impl Topic for AuctionTopic {
    fn prefix(&self) -> &'static str {
        "auction"
    }

    fn snapshot<'a>(
        &'a self,
        state: &'a AppState,
        _: &'a Caller,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Snapshot>>> {
        Box::pin(async move {
            let Ok(id) = id.parse::<AuctionId>() else { return Ok(None) };
            let Some(view) = store::view(&mut *state.db.acquire().await?, id, None).await? else { return Ok(None) };
            let data = serde_json::to_value(&view).map_err(Problem::internal)?;
            Ok(Some(Snapshot { seq: view.version, data }))
        })
    }
}
