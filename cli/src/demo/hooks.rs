//! The demo's own receiver of webhooks: whatever becomes of the orders of the demo's sellers, it is told.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use market::ids::{DeliveryId, EndpointId};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use shared::ids::OrgId;
use sinks::webhooks::{Receiver, Sent};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client::{Client, Token, unless_refused};
use super::store::Stored;

/// The receiver of one run, and of all its tries.
#[derive(Debug)]
pub(crate) struct Hooks {
    receiver: Receiver,
    /// What leads here.
    followed: Mutex<HashMap<EndpointId, Followed>>,
    _stop: DropGuard,
}

/// An endpoint whose webhooks come to the run's receiver.
#[derive(Clone, Debug, Default)]
struct Followed {
    /// Those that were shown to this run.
    secrets: Vec<SecretString>,
    /// Since when, by the database's clock. What was delivered before may have gone to the receiver of an earlier run. Absent: not
    /// everything that it takes is done.
    since: Option<DateTime<Utc>>,
}

/// What the run's receiver got of what was delivered to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// What was delivered to it, by our own books.
    pub(crate) wanted: u64,
    /// What it has of that, each once however often it came.
    pub(crate) got: u64,
    /// How often something came that it had.
    pub(crate) again: u64,
}

#[derive(Deserialize)]
struct Endpoints {
    items: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    id: EndpointId,
}

#[derive(Deserialize)]
struct Made {
    id: EndpointId,
    secret: SecretString,
}

#[derive(Deserialize)]
struct Rotated {
    secret: SecretString,
}

#[derive(Deserialize)]
struct Replayed {
    more: bool,
}

impl Hooks {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let receiver = Receiver::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), stop.clone()).await?;
        // Nothing, until a secret is known: what is refused by then comes again.
        receiver.take_signed_with([]);
        Ok(Self { receiver, followed: Mutex::default(), _stop: stop.drop_guard() })
    }

    /// Lets a seller's webhooks come here. Those that an earlier run did not get come at once. An installation that sends webhooks
    /// only to addresses that everybody can reach sends none.
    pub(crate) async fn follow(&self, client: &Client, stored: &mut Stored, seller: &Token) -> anyhow::Result<()> {
        let url = self.receiver.url();
        let Endpoints { items } = client.get("/v1/webhook-endpoints").as_(seller).send().await?;
        let Some(there) = items.first().map(|endpoint| endpoint.id) else {
            let since = stored.now().await?;
            let body = json!({"url": url, "name": "Demo", "events": ["order.*"]});
            let made = client.post("/v1/webhook-endpoints").as_(seller).json(&body).send::<Made>().await;
            let made = made.map(|Made { id, secret }| {
                self.learn(id, secret);
                self.begin(id, since);
            });
            return unless_refused(made, "invalid_value");
        };
        // Within a run they come here already.
        if self.all().get(&there).is_some_and(|followed| followed.since.is_some()) {
            return Ok(());
        }
        let path = format!("/v1/webhook-endpoints/{there}");
        // Its secret was shown to an earlier run, or in an answer that was lost. The receiver knows the new one before anything signed
        // with it comes.
        let rotate = client.post(format!("{path}/secret")).repeatable().as_(seller);
        let Rotated { secret } = rotate.json(&json!({"keep_old": true})).send().await?;
        self.learn(there, secret);
        client.patch(path.clone()).repeatable().as_(seller).json(&json!({"url": url})).done().await?;
        let since = stored.now().await?;
        // What waits for another attempt need not wait any more.
        for act in ["pause", "resume"] {
            client.post(format!("{path}/{act}")).repeatable().as_(seller).done().await?;
        }
        let all = json!({"since": "2000-01-01T00:00:00Z"});
        let replay = format!("{path}/replay");
        while client.post(replay.clone()).repeatable().as_(seller).json(&all).send::<Replayed>().await?.more {}
        self.begin(there, since);
        Ok(())
    }

    fn learn(&self, endpoint: EndpointId, secret: SecretString) {
        self.receiver.take_signed_with([secret.clone()]);
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.entry(endpoint).or_default().secrets.push(secret);
    }

    fn begin(&self, endpoint: EndpointId, since: DateTime<Utc>) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.entry(endpoint).or_default().since = Some(since);
    }

    fn all(&self) -> HashMap<EndpointId, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has come to this run about the orders of these sellers.
    pub(crate) async fn received(&self, stored: &mut Stored, sellers: &[OrgId]) -> anyhow::Result<Received> {
        let followed = self.all();
        let since: Vec<_> = followed.iter().filter_map(|(endpoint, it)| Some((*endpoint, it.since?))).collect();
        // What is delivered by now has come by now.
        let delivered = stored.webhooks_delivered_since(sellers, &since).await?;
        let sent = self.receiver.sent();
        let secrets: HashMap<_, _> = followed.into_iter().map(|(endpoint, it)| (endpoint, it.secrets)).collect();
        let (came, distinct) = self.receiver.counts();
        Ok(Received {
            wanted: delivered.len() as u64,
            got: arrived(&delivered, &sent, &secrets),
            again: (came - distinct) as u64,
        })
    }
}

/// How many of these deliveries have come, each signed with a secret of its own endpoint.
fn arrived(
    delivered: &[(EndpointId, DeliveryId)],
    sent: &[Sent],
    secrets: &HashMap<EndpointId, Vec<SecretString>>,
) -> u64 {
    let mut ids: HashMap<EndpointId, HashSet<&str>> = HashMap::new();
    for (endpoint, secrets) in secrets {
        let signed = sent.iter().filter(|one| secrets.iter().any(|secret| one.is_signed_with(secret)));
        ids.insert(*endpoint, signed.map(|one| one.id.as_str()).collect());
    }
    let has_come = |endpoint: &EndpointId, delivery: &DeliveryId| {
        ids.get(endpoint).is_some_and(|ids| ids.contains(delivery.to_string().as_str()))
    };
    delivered.iter().filter(|(endpoint, delivery)| has_come(endpoint, delivery)).count() as u64
}

#[cfg(test)]
mod tests;
