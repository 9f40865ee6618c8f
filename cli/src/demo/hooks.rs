//! The demo's own receiver of webhooks: whatever becomes of the orders of the demo's sellers, it is told.

use std::net::{Ipv4Addr, SocketAddr};

use market::ids::EndpointId;
use serde::Deserialize;
use serde_json::json;
use sinks::webhooks::Receiver;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::{Client, Token, unless_refused};

/// The receiver of one run, and of all its tries.
#[derive(Debug)]
pub(crate) struct Hooks {
    receiver: Receiver,
    _stop: DropGuard,
}

#[derive(Deserialize)]
struct Endpoints {
    items: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    id: EndpointId,
    url: String,
}

#[derive(Deserialize)]
struct Replayed {
    more: bool,
}

impl Hooks {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let receiver = Receiver::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), stop.clone()).await?;
        Ok(Self { receiver, _stop: stop.drop_guard() })
    }

    /// Lets a seller's webhooks come here. Those that an earlier run did not get come at once. An installation that sends webhooks
    /// only to addresses that everybody can reach sends none.
    pub(crate) async fn follow(&self, client: &Client, seller: &Token) -> anyhow::Result<()> {
        let url = self.receiver.url();
        let Endpoints { items } = client.get("/v1/webhook-endpoints").as_(seller).send().await?;
        let Some(there) = items.first() else {
            let body = json!({"url": url, "name": "Demo", "events": ["order.*"]});
            let made = client.post("/v1/webhook-endpoints").as_(seller).json(&body).done().await;
            return unless_refused(made, "invalid_value");
        };
        // Within a run they come here already.
        if there.url == url {
            return Ok(());
        }
        let path = format!("/v1/webhook-endpoints/{}", there.id);
        client.patch(path.clone()).repeatable().as_(seller).json(&json!({"url": url})).done().await?;
        // What waits for another attempt need not wait any more.
        for act in ["pause", "resume"] {
            client.post(format!("{path}/{act}")).repeatable().as_(seller).done().await?;
        }
        let all = json!({"since": "2000-01-01T00:00:00Z"});
        let replay = format!("{path}/replay");
        while client.post(replay.clone()).repeatable().as_(seller).json(&all).send::<Replayed>().await?.more {}
        Ok(())
    }

    /// What has come to this run.
    pub(crate) fn note(&self) -> String {
        let (sent, others) = self.receiver.counts();
        format!("\n{sent} webhooks have arrived, {} of them again", sent - others)
    }
}
