use std::time::Duration;

use market::ids::CheckoutId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Ends a checkout that nobody has paid in time and makes what it had reserved available again. A second run finds it ended and
/// does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpireCheckout {
    pub checkout: CheckoutId,
}

impl Job for ExpireCheckout {
    const KIND: Kind = Kind::new("checkout.expire");
    const QUEUE: Queue = queues::AUCTIONS;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(self.checkout)
    }
}
