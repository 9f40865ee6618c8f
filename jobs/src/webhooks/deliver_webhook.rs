use std::time::Duration;

use market::ids::DeliveryId;
use queue::{Decision, Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Sends one event to one endpoint, until it takes it or its attempts are used up. A second run finds it delivered and does nothing; only
/// a crash between the endpoint's answer and our commit sends it again, under the same `webhook-id`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverWebhook {
    pub delivery: DeliveryId,
    /// The endpoint's organisation, whose share of the queue it takes.
    pub org: OrgId,
}

/// An attempt has failed and was written down; the next one is due after this long.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct TryLater {
    pub after: Duration,
    pub what: String,
}

impl Job for DeliverWebhook {
    const KIND: Kind = Kind::new("webhooks.deliver");
    const QUEUE: Queue = queues::WEBHOOKS;
    /// The handler decides when an endpoint's attempts are used up ([`TryLater`]). What fails besides is ours, and passes.
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    /// Longer than an endpoint is waited for, so that its answer is not lost.
    const TIMEOUT: Duration = Duration::from_mins(1);

    fn unique(&self) -> Unique {
        Unique::while_open(self.delivery)
    }

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }

    fn on_error(error: &anyhow::Error) -> Decision {
        error.downcast_ref::<TryLater>().map_or(Decision::Retry, |later| Decision::RetryAfter(later.after))
    }
}
