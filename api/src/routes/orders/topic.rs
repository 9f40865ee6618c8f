//! `order:<id>`: how an order is getting on, for its two parties.
//!
//! Payments, shipments, disputes and times that run out change it, in other programs as well, and nothing of it is to pass through Redis:
//! this process reads the versions of the watched orders a few times a second, in one statement.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::BoxFuture;
use market::hires::store::{order_with_days, show_days};
use market::ids::OrderId;
use market::orders::model::Order;
use market::orders::store;
use serde_json::Value;
use shared::ids::OrgId;
use shared::realtime::Event;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::realtime::topic::{Carries, Snapshot, Topic};
use crate::realtime::watch::{Watcher, watch};
use crate::state::AppState;

#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderTopic;

impl Topic for OrderTopic {
    type Id = OrderId;

    fn prefix(&self) -> &'static str {
        "order"
    }

    fn carries(&self) -> Carries {
        Carries::State
    }

    async fn read(&self, state: &AppState, _: &Caller, viewer: Option<OrgId>, id: OrderId) -> Result<Option<Snapshot>> {
        let Some(viewer) = viewer else { return Ok(None) };
        let mut conn = state.db.acquire().await?;
        // The version first: what is read after it is at least as new.
        let Some(seq) = store::versions(&mut conn, &[id]).await?.remove(&id) else { return Ok(None) };
        let Some(order) = order_with_days(&mut conn, viewer, id).await? else { return Ok(None) };
        Ok(Some(Snapshot { seq, data: data(&order).map_err(Problem::internal)? }))
    }

    fn watch(&self, state: AppState) -> BoxFuture<'static, ()> {
        Box::pin(watch::<OrderWatcher>(state))
    }
}

fn data(order: &Order) -> serde_json::Result<Value> {
    serde_json::to_value(order)
}

/// Delivers what has changed of the watched orders.
#[derive(Debug, Default)]
struct OrderWatcher {
    delivered: HashMap<OrderId, i64>,
}

impl Watcher for OrderWatcher {
    type Id = OrderId;
    const PREFIX: &'static str = "order:";
    const EVERY: Duration = Duration::from_millis(200);

    async fn look(&mut self, state: &AppState, watched: &[OrderId]) -> anyhow::Result<()> {
        let mut conn = state.db.acquire().await?;
        let now = store::versions(&mut conn, watched).await?;
        let is_news = |(id, version): &(&OrderId, &i64)| self.delivered.get(*id) != Some(*version);
        let news: Vec<OrderId> = now.iter().filter(is_news).map(|(id, _)| *id).collect();
        if !news.is_empty() {
            let mut orders = store::find_all(&mut conn, &news).await?;
            show_days(&mut conn, &mut orders).await?;
            for order in orders {
                let Some(seq) = now.get(&order.id).copied() else { continue };
                let (topic, kind) = (format!("{}{}", Self::PREFIX, order.id), "changed".to_owned());
                state.hub.deliver_paced(Event { topic, seq, kind, data: data(&order)? });
            }
        }
        self.delivered = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
